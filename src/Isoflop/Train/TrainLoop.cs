using System.Diagnostics;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>One run in memory. Everything is laid out in the constructor; a step allocates nothing.</summary>
sealed class TrainLoop : IDisposable
{
    // A rewind goes to a checkpoint at least so many steps old, and on so many batches behind the spike.
    const int RewindLeast = 5, SkipBeyond = 5, MostRewinds = 20;
    const double HarderClip = 0.1;

    // What a card has done is read so often, for the eye's sake.
    const double ReadSeconds = 0.2;

    readonly Plan plan;
    readonly Corpus corpus;
    readonly IDevice device;
    readonly RunFolder folder;
    readonly Workspace here;
    readonly TrainProgress told = new();
    readonly Transformer model;
    readonly Optimizer optimizer;
    readonly CheckpointStore checkpoints;
    readonly BatchSource source;
    readonly EvalSource held;
    readonly TagLosses? tagLosses;
    readonly StepCheck? check;
    readonly RankPace? pace;
    readonly SpikeWatch? losses, norms;
    readonly Batch batch;
    readonly Done[] done;
    readonly (double Loss, double Norm)[] sums;
    readonly float[] rowNll;
    readonly Schedule schedule;
    readonly double peakFlops, updateFlops;
    long savedAt, began;
    int savedStep = -1, checkedStep = -1, rewinds, unread;
    bool timeToSave;

    public TrainLoop(Plan plan, Corpus corpus, IDevice device, RunFolder folder, Workspace here)
    {
        (this.plan, this.corpus, this.device, this.folder, this.here) = (plan, corpus, device, folder, here);
        int rows = plan.BatchTokens;
        model = new Transformer(device, plan.Model, rows, training: true, plan.Shards, plan.PassTokensOn(device.Traits),
            here.Ranks);
        optimizer = new(model, plan.Optimizer);
        if (plan.Config.Train.CheckEvery is { } every) check = new(model, optimizer, every);
        if (here.Ranks is { } ranks) pace = new(ranks);
        if (plan.Config.Train.Spikes is not null) (losses, norms) = (new(), new());
        checkpoints = new(folder.Path, Path.Combine(corpus.Folder, Corpus.TokenizerFile), model, optimizer, here.CreateFile,
            corpus.Info.ChatTemplate, corpus.Info.Licence, here.Fence, here.Ranks);
        source = new(corpus.Train.Count, corpus.Train.Read, corpus.EndOfText, plan.Model.ContextLen, plan.Seed,
            corpus.TrainWeights is { } own ? own.Read : null);
        held = new(corpus.Valid.Read, corpus.EndOfText, plan.Model.ContextLen,
            corpus.ValidWeights is { } theirs ? theirs.Read : null);
        tagLosses = corpus.ValidTags is { } tags ? new(corpus.Info.Tags, tags) : null;
        batch = new(rows, rows);
        rowNll = tagLosses is null ? [] : new float[rows];
        bool behind = device.Traits.RunsBehind && optimizer.CanRunBehind && here.Ranks is null && check is null && losses is null
            && here.Seams is null;
        (done, sums) = (new Done[behind ? Optimizer.MostBehind : 1], new (double, double)[Optimizer.MostBehind]);
        schedule = new(plan.Config.Train, plan.Steps);
        updateFlops = Flops.Update(plan.Model, plan.Optimizer);
        peakFlops = here.PeakFlops > 0 ? here.PeakFlops : device.Traits.PeakFlops.Value;
        State = new()
        {
            Seed = plan.Seed,
            Corpus = corpus.Name,
            TokenizerHash = plan.Corpus.TokenizerHash,
            EndOfText = corpus.EndOfText,
        };
    }

    /// <summary>All that changes beside the tensors.</summary>
    public TrainState State { get; private set; }

    /// <summary>Frees the model, and ends its threads.</summary>
    public void Dispose() => model.Dispose();

    /// <summary>Starts from random weights.</summary>
    public void Begin()
    {
        folder.DropRowsAfter(-1);                                 // rows of a process that was killed before its first checkpoint
        model.Initialise(plan.Seed);
        folder.Event("start", 0, $"{device.Traits.Name}, {peakFlops / 1e9:0} GFLOP/s at most");
    }

    /// <summary>Starts from another run's checkpoint.</summary>
    /// <exception cref="DataException">The checkpoint was altered.</exception>
    /// <param name="sameWindows">its windows of the text are ours: the place in the data means the same</param>
    public void Begin(string path, bool sameWindows)
    {
        TrainState from = Checkpoint.Verify(path);
        folder.DropRowsAfter(-1);
        checkpoints.Load(path);
        State = State with
        {
            Step = plan.FirstStep,
            Updates = from.Updates,
            Cursor = sameWindows && from.Corpus == State.Corpus && (plan.FirstStep > 0 || from.Seed == State.Seed)
                ? from.Cursor : 0,
            Ledger = from.Ledger,
        };
        folder.Event("start", State.Step, $"{plan.Config.FromMode} of {plan.Config.From}; {device.Traits.Name}");
    }

    /// <summary>Goes on where a checkpoint of this run stands.</summary>
    public void Resume(TrainState state)
    {
        checkpoints.Load(Path.Combine(folder.Path, Checkpoint.NameOf(state.Step)));
        folder.DropRowsAfter(state.Step, done: state.Step > plan.FirstStep);
        State = state;
        savedStep = state.Step;
        Remember();
        folder.Event("resume", state.Step, $"{device.Traits.Name}, {peakFlops / 1e9:0} GFLOP/s at most");
    }

    /// <summary>Steps to the end, or until asked to stop. Null: stopped; a checkpoint holds all of it.</summary>
    public ValidRow? Run()
    {
        try
        {
            ValidRow? end = Steps();
            checkpoints.Join();
            return end;
        }
        finally
        {
            checkpoints.Settle();                                 // the folder is let go of behind this
        }
    }

    ValidRow? Steps()
    {
        CancellationToken stop = here.Stop;
        savedAt = here.Clock.GetTimestamp();
        check?.Seal();
        bool stopped = false;
        while (State.Step < plan.Steps && !(stopped = Meet(stop)))
        {
            if (!Step() || !ReadDue) continue;
            Read();
            if (State.Step == plan.Steps) break;
            if (EvalDue && Writes) Evaluate(plan.EvalTokens, CancellationToken.None);        // a row must not hang on a key
            if (SaveDue) Save();
        }
        Read();
        ValidRow? end = stopped || !Writes ? null : Evaluate(0, stop);
        if (InAll(savedStep != State.Step || end is not null ? 1 : 0) != 0) Save();
        if (end is null) folder.Event("stop", State.Step, "asked to stop; the same command resumes");
        else folder.Event("done", State.Step, "");
        return end;
    }

    /// <summary>Of several ranks one measures and saves.</summary>
    bool Writes => here.Ranks is null or { Rank: 0 };

    /// <summary>Before a step all ranks agree on what hangs on a clock or a key.</summary>
    /// <returns>one was asked to stop</returns>
    bool Meet(CancellationToken stop)
    {
        const long Stop = 1, Time = 2;
        bool due = Writes && plan.SaveMinutes > 0 && here.Clock.GetElapsedTime(savedAt).TotalMinutes >= plan.SaveMinutes;
        long agreed = InAll((stop.IsCancellationRequested ? Stop : 0) | (due ? Time : 0));
        timeToSave = (agreed & Time) != 0;
        return (agreed & Stop) != 0;
    }

    long InAll(long bits) => here.Ranks?.Union(bits) ?? bits;

    bool EvalDue => plan.EvalEvery > 0 && State.Step % plan.EvalEvery == 0;

    // Only what was computed twice is saved by the clock: else a checkpoint might hold what the next check finds wrong.
    bool SaveDue => plan.SaveEvery > 0 && State.Step % plan.SaveEvery == 0
        || timeToSave && (check is null || checkedStep == State.Step);

    /// <summary>The step under way is to be computed twice: its turn has come, or it is saved.</summary>
    bool CheckDue => check is not null && (State.Step + 1 is var step && (step % check.Every == 0 || step == plan.Steps
        || plan.SaveEvery > 0 && step % plan.SaveEvery == 0) || timeToSave);

    /// <summary>A step that was done, and whose row is not written yet.</summary>
    readonly record struct Done(double Weight, double Pairs, double Rate, bool Skipped);

    bool ReadDue => unread == done.Length || State.Step == plan.Steps || EvalDue || SaveDue
        || here.Clock.GetElapsedTime(began).TotalSeconds > ReadSeconds;

    /// <summary>A step; false: it was found that training must go back, and it has.</summary>
    bool Step()
    {
        if (unread == 0) began = here.Clock.GetTimestamp();
        long beganPass = Stopwatch.GetTimestamp();
        here.Seams?.Begin(State.Step + 1, device, model.Params, optimizer.M, optimizer.V);
        source.Fill(batch, State.Cursor, plan.Windows);
        here.Seams?.Batch(State.Cursor / plan.Windows, batch.Targets.AsSpan(0, batch.Rows), batch.Weights.AsSpan(0, batch.Rows));
        double weight = batch.SumWeights(), pairs = Flops.Pairs(batch.Offsets);
        double rate = schedule.LearningRate(State.Step);
        rate = here.Seams?.Rate(State.Step + 1, rate) ?? rate;
        AdamWStep rule = plan.Adam with { LearningRate = (float)rate, Step = State.Updates + 1 };
        Pass(weight, again: false);
        if (pace?.Add(model.PassEnded - beganPass) is { } slow && Writes)
        {
            folder.Event("slow", State.Step + 1, slow);
            here.Remark(slow);
        }
        HoldSeal();
        SpikeAction? way = losses is null ? null : WayOf(weight, ref rule);
        if (way == SpikeAction.Rewind) return false;
        if (done.Length > 1) optimizer.StepBehind(rule, unread);
        else sums[0] = way == SpikeAction.Skip ? optimizer.Measure() : Update(weight, rule);
        done[unread++] = new(weight, pairs, rate, way == SpikeAction.Skip);
        State.Step++;
        if (way != SpikeAction.Skip) State.Updates++;
        State.Cursor += plan.Windows;
        return true;
    }

    /// <summary>Writes the rows of the steps done since the last time; a device that runs behind is waited for.</summary>
    void Read()
    {
        if (done.Length > 1 && unread > 0) optimizer.ReadBehind(sums.AsSpan(0, unread));
        double seconds = here.Clock.GetElapsedTime(began).TotalSeconds / unread;
        for (int i = 0, first = State.Step - unread; i < unread; i++)
        {
            (double loss, double norm) = (sums[i].Loss / done[i].Weight, sums[i].Norm);      // nats per token
            bool known = double.IsFinite(loss) && double.IsFinite(norm);
            if (known) State.Loss = loss;
            else if (!done[i].Skipped)
            {
                State.Step = first + i;
                model.GatherGradients();
                throw Fault(double.IsFinite(loss) ? $"the gradient's norm is {norm}" : $"loss is {loss}", i + 1 == unread);
            }
            StepRow row = Charge(first + i + 1, done[i], seconds, known ? loss : null, known ? norm : 0);
            folder.Write(row);
            (told.Step, told.Loss, told.LearningRate, told.TokensPerSecond) =
                (row.Step, row.Loss ?? double.NaN, row.LearningRate, row.TokensPerSecond);
            here.Report("train", row.Step, plan.Steps, "steps", detail: told);
        }
        unread = 0;
    }

    /// <summary>Adds a step to the ledger.</summary>
    StepRow Charge(int step, Done what, double seconds, double? loss, double norm)
    {
        double flops = Flops.Training(plan.Model, plan.BatchTokens, what.Pairs).Total + updateFlops,
            bytes = plan.Passes * Traffic.Pass(plan.Parameters) + Traffic.Update(plan.Parameters);
        var spent = new Spending(flops, bytes, plan.BatchTokens, seconds);
        if (corpus.TrainWeights is null) State.Ledger.Train += spent;
        else State.Ledger.Tune += spent;
        Spending sum = State.Ledger.Train + State.Ledger.Tune;
        seconds = Math.Max(seconds, 1e-9);
        return new(step, loss, norm, what.Rate, sum.Tokens, sum.Flops, sum.Seconds, plan.BatchTokens / seconds,
            flops / seconds / peakFlops);
    }

    /// <summary>Looks at a step's loss before its update, and does what is to be done where it jumps.</summary>
    /// <returns>null: an update by the rule, which may clip harder by now; skip: none; rewind: training has gone back</returns>
    SpikeAction? WayOf(double weight, ref AdamWStep rule)
    {
        (double loss, double norm) = optimizer.Measure();
        loss /= weight;
        if (!losses!.IsSpike(loss))
        {
            norms!.IsSpike(norm);
            return null;
        }
        SpikeAction way = plan.Config.Train.Spikes!.Value;
        if (way == SpikeAction.Rewind && Rewind(loss)) return way;
        bool clips = way == SpikeAction.Clip && double.IsFinite(loss + norm) && norms!.Median > 0;
        if (clips) rule = rule with { Clip = Math.Min(rule.Clip, HarderClip * norms!.Median) };
        string what = clips ? "clipped" : "no update";
        folder.Event("spike", State.Step + 1,
            FormattableString.Invariant($"loss {loss:0.####}, its median {losses.Median:0.####}: {what}"));
        return clips ? null : SpikeAction.Skip;
    }

    /// <summary>Goes back to a checkpoint of every so many steps, and on behind the text that made the loss jump.</summary>
    /// <returns>false: there is none</returns>
    bool Rewind(double loss)
    {
        int at = State.Step, to = Checkpoint.StepsIn(folder.Path)
            .LastOrDefault(s => s % plan.SaveEvery == 0 && s <= at - RewindLeast, -1);
        if (to < 0 || here.Ranks is not null) return false;       // ranks have no meeting here
        if (++rewinds > MostRewinds) throw Fault($"loss is {loss} after {MostRewinds} rewinds");
        long beyond = State.Cursor + (1 + SkipBeyond) * plan.Windows;
        checkpoints.Join();
        folder.SetAsideAfter(to);
        string path = Path.Combine(folder.Path, Checkpoint.NameOf(to));
        State = Checkpoint.Verify(path);
        State.Cursor = beyond;
        checkpoints.Load(path);
        folder.DropRowsAfter(to, done: to > plan.FirstStep);
        savedStep = to;
        Remember();
        check?.Seal();
        folder.Event("rewind", to, FormattableString.Invariant($"step {at + 1} had a loss of {loss:0.####}; ") +
            $"on from window {beyond} of the text");
        return true;
    }

    /// <summary>What the rows say of ordinary losses: the same as if the run had never stopped.</summary>
    void Remember()
    {
        if (losses is null) return;
        losses.Clear();
        norms!.Clear();
        foreach (StepRow row in RunFolder.ReadSteps(folder.Path))
            if (row.Step <= State.Step && !losses.IsSpike(row.Loss ?? double.NaN)) norms.IsSpike(row.GradNorm);
    }

    /// <summary>Updates, and where that is due passes and updates once more.</summary>
    (double Loss, double Norm) Update(double weight, in AdamWStep rule)
    {
        if (check is null) return optimizer.Step(rule);
        bool twice = CheckDue;
        if (twice) check.Keep();
        (double, double) first = optimizer.Step(rule);
        check.Seal();
        if (!twice || !double.IsFinite(first.Item1 + first.Item2)) return first;
        check.GoBack();
        Pass(weight, again: true);
        if (optimizer.Step(rule) != first || !check.IsSealed) throw Corrupt("computed twice, it has other bits each time");
        checkedStep = State.Step + 1;
        return first;
    }

    void Pass(double weight, bool again)
    {
        model.ClearGradients();
        model.Swapped = again && here.Ranks is not null;
        model.LossAndGradient(batch, weight);
        model.FinishGradients();
        here.Seams?.Gradient(State.Step + 1, again, device, model.Gradients);
    }

    void HoldSeal()
    {
        if (check is { IsSealed: false }) throw Corrupt("weights or moments have changed while nothing wrote them");
    }

    /// <summary>Loss on the first so many held-out tokens, 0: all; null when asked to stop before the end.</summary>
    ValidRow? Evaluate(long tokens, CancellationToken stop)
    {
        long began = here.Clock.GetTimestamp(), all = corpus.Valid.Count - 1, end = tokens == 0 ? all : Math.Min(tokens, all);
        double pairs = 0, weight = 0;
        int batches = 0;
        model.ClearLoss();
        tagLosses?.Clear();
        for (long at = 0; at < end; batches++)
        {
            if (stop.IsCancellationRequested) return null;
            long target = at + 1;                                 // a row predicts the token after it
            at = held.Fill(batch, at, end, plan.Windows);
            Span<float> nll = tagLosses is null ? default : rowNll.AsSpan(0, batch.Rows);
            model.Loss(batch, nll);
            ReadOnlySpan<float> weights = batch.Weights.AsSpan(0, batch.Rows);
            foreach (float w in weights) weight += w;
            tagLosses?.Add(target, nll, weights);
            pairs += Flops.Pairs(batch.Offsets);
        }
        if (weight == 0)
        {
            // No row: a loss of nothing is no number.
            if (end == all) here.Remark($"{corpus.Folder}: no held-out token counts: there is no loss on held-out text");
            return new(State.Step, double.NaN, double.NaN, 0, end == all);
        }
        double loss = model.ReadLoss() / weight;
        if (!double.IsFinite(loss)) throw Fault($"the loss on held-out text is {loss}");
        State.ValidLoss = loss;
        State.Ledger.Measure += new Spending(
            Flops.Forward(plan.Model, end, pairs).Total, batches * Traffic.Forward(plan.Parameters), end,
            here.Clock.GetElapsedTime(began).TotalSeconds);
        var row = new ValidRow(State.Step, loss, loss / Math.Log(2) / plan.Corpus.BytesPerToken, (long)weight, end == all,
            tagLosses?.Means());
        folder.Write(row);
        return row;
    }

    void Save()
    {
        HoldSeal();
        folder.Sync();
        if (plan.Config.Save.Beside == true && State.Step < plan.Steps)
        {
            checkpoints.SaveBeside(State, () => folder.Prune(plan.SaveKeep, plan.SaveEvery));
        }
        else
        {
            checkpoints.Save(State);
            if (Writes) folder.Prune(plan.SaveKeep, plan.SaveEvery);
        }
        (savedAt, savedStep) = (here.Clock.GetTimestamp(), State.Step);
    }

    /// <summary>
    /// Names the first tensor with a value that is not finite: weights first, since a bad gradient follows from a bad weight.
    /// </summary>
    /// <param name="last">its gradient is still there: no step was done after it</param>
    DataException Fault(string what, bool last = true)
    {
        string bad = FirstBad(model.Params, "weights") ?? (!last ? "all weights are finite, its gradient was not kept"
            : FirstBad(model.Gradients, "gradient") ?? "all weights and gradients are finite");
        return Ended("fault", $"{what}; {bad}", "try a lower train.learning_rate under another name");
    }

    DataException Corrupt(string what) => Ended("corruption", $"{what}: memory or arithmetic of this host fails",
        "the same command goes on from it, best on another host");

    DataException Ended(string name, string what, string next)
    {
        List<int> saved = Checkpoint.StepsIn(folder.Path);
        string last = saved.Count == 0 ? "No checkpoint was saved yet" : $"Last good checkpoint: {Checkpoint.NameOf(saved[^1])}";
        string message = $"step {State.Step + 1}: {what}. {last}; {next}";
        folder.Event(name, State.Step + 1, message);
        return new DataException($"{folder.Path}: {message}");
    }

    string? FirstBad(DeviceSpan<float> slab, string kind)
    {
        var buffer = new float[1 << 16];
        foreach (Param param in model.Table.All)
            for (long done = 0; done < param.Length; done += buffer.Length)
            {
                Span<float> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, param.Length - done));
                device.Download(slab.Slice(param.Offset + done, part.Length), part);
                foreach (float x in part)
                    if (!float.IsFinite(x)) return $"first bad tensor '{param.Name}' ({kind})";
            }
        return null;
    }
}
