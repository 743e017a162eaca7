using Isoflop.Kernels;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>What a run of reinforcement learning tells beside its progress.</summary>
/// <param name="Last">null: it is being examined</param> <param name="Evals">of this step</param>
/// <param name="Found">since the last report</param>
sealed record RlProgress(RlStep? Last, IReadOnlyList<RlEval> Evals, IReadOnlyList<Diagnosis> Found);

/// <summary>
/// One run in memory: draw replies, judge them, learn from them. Step s is a function of the recipe, of the weights before it
/// and of s alone, so a run goes on from any checkpoint with the same bits, and any step can be played again.
/// </summary>
sealed class RlLoop : IDisposable
{
    const int PassRows = 4096, Slots = 512;
    /// <summary>Replies of each level that are kept beside an evaluation, for a reader.</summary>
    const int Kept = 4;

    readonly RlRecipe recipe;
    readonly TaskMix mix;
    readonly RunFolder folder;
    readonly Workspace here;
    readonly TimeProvider time;
    readonly IDevice device;
    readonly Transformer model;
    readonly Optimizer adam;
    readonly Learner learner;
    readonly ReplyCodec codec;
    readonly BatchSampler sampler;
    readonly CheckpointStore checkpoints;
    readonly JsonLines stepRows, evalRows, replyRows;
    readonly Curriculum curriculum;
    readonly List<RlStep> steps = [];
    readonly List<RlEval> evals = [];
    readonly HashSet<Ailment> told = [];
    readonly Exam exam;
    readonly double before;                                      // FLOPs that the policy had cost

    /// <param name="source">folder of the first policy</param>
    public RlLoop(RlRecipe recipe, ModelConfig shape, string source, RunFolder folder, TrainState start, Workspace here)
    {
        (this.recipe, this.folder, this.here, time, State) = (recipe, folder, here, here.Clock, start);
        mix = new(recipe.Tasks);
        device = here.OpenDevice();
        int rows = Math.Max(PassRows, shape.ContextLen);
        model = new(device, shape, rows, training: true);
        ModelFolder.LoadParams(source, device, model.Table, model.Params);
        model.RepackWeights();
        Transformer? reference = null;
        if (recipe.Kl > 0)
        {
            reference = new(device, shape, rows, training: false);
            ModelFolder.LoadParams(source, device, reference.Table, reference.Params);
            reference.RepackWeights();
        }
        adam = new(model);
        learner = new(model, adam, reference, recipe);
        Tokenizer tokenizer = ModelFolder.LoadTokenizer(source);
        codec = new(tokenizer);
        foreach (TaskLevel level in mix.Levels) codec.Check(level.Family);
        sampler = new(model, tokenizer.EndOfText, tokenizer.VocabSize, Slots);
        checkpoints = new(folder.Path, Path.Combine(source, ModelFolder.TokenizerFile), model, adam, create: null,
            ModelFolder.ChatTemplateOf(source), fence: here.Fence);
        (stepRows, evalRows, replyRows) = (Rows(RlRows.StepsFile), Rows(RlRows.EvalsFile), Rows(RlRows.RepliesFile));
        curriculum = new(mix, recipe.OpensAt);
        exam = new(mix, Split.Test, recipe.EvalItems, recipe.EvalReplies, recipe.MaxNewTokens, recipe.Seed,
            form => new Rollouts(sampler, codec, form), time);
        before = start.Ledger.Spent.Flops;
    }

    JsonLines Rows(string name) => new(Path.Combine(folder.Path, name));

    /// <summary>All that changes beside the tensors and the rows.</summary>
    public TrainState State { get; private set; }

    /// <summary>Note of a copy in which one step is done again: it has the checkpoint alone.</summary>
    public const string Replayed = "replay";

    // Checkpoints that stay: a step is replayed from the one before it.
    int KeptEvery => Math.Max(1, recipe.Steps / 4);

    double Flops => State.Ledger.Spent.Flops - before;

    /// <summary>Starts at the first policy.</summary>
    public void Begin()
    {
        DropAfter(-1);
        folder.Event("start", 0, $"reinforcement from {recipe.From}; {device.Traits.Name}");
    }

    /// <summary>Goes on where a checkpoint of this run stands.</summary>
    public void Resume(TrainState state, string note)
    {
        folder.GoOnWith(device, here.AllowOtherBits);
        checkpoints.Load(Path.Combine(folder.Path, Checkpoint.NameOf(state.Step)));
        DropAfter(state.Step, done: state.Step > 0 && note != Replayed);
        State = state;
        learner.Updates = state.Updates;
        steps.AddRange(RlRows.ReadSteps(folder.Path));
        evals.AddRange(RlRows.ReadEvals(folder.Path));
        foreach (RlStep row in steps) curriculum.See(row);
        foreach (RunEvent e in RunFolder.ReadEvents(folder.Path).Where(e => e.Step <= state.Step))
            foreach (Ailment a in Enum.GetValues<Ailment>())
                if (e.Event == Diagnosis.NameOf(a)) told.Add(a);
        folder.Event("resume", state.Step, note);
    }

    void DropAfter(int step, bool done = false)
    {
        folder.DropRowsAfter(step, done);
        stepRows.DropAfter(step, done);
        foreach (JsonLines rows in (JsonLines[])[evalRows, replyRows]) rows.DropAfter(step);
    }

    /// <summary>Steps to the end, or until asked to stop; a checkpoint then holds all of it.</summary>
    /// <exception cref="ConfigException">The gate: the model is not ready.</exception>
    public void Run()
    {
        long saved = time.GetTimestamp();
        if (State.Step == 0 && evals.Count == 0)
        {
            Examine(CancellationToken.None);
            Gate();
            Save();
        }
        while (State.Step < recipe.Steps && !here.Stop.IsCancellationRequested)
        {
            RlStep row = Step(State.Step, out _);
            Record(row);
            if (recipe.EvalEvery > 0 && State.Step % recipe.EvalEvery == 0
                || State.Step == recipe.Steps) Examine(CancellationToken.None);
            RlEval[] own = [.. evals.Where(e => e.Form == recipe.Form)];
            List<Diagnosis> found = [.. Doctor.Examine(steps, own).Where(d => told.Add(d.Ailment))];
            foreach (Diagnosis d in found) folder.Event(d.Name, State.Step, d.Text);
            here.Report("rl", State.Step, recipe.Steps, "steps",
                detail: new RlProgress(row, [.. evals.Where(e => e.Step == State.Step)], found));
            bool kept = State.Step % KeptEvery == 0;
            if (!kept && time.GetElapsedTime(saved).TotalMinutes < 1 || State.Step == recipe.Steps) continue;
            Save();
            saved = time.GetTimestamp();
        }
        bool done = State.Step == recipe.Steps;
        Save();
        folder.Event(done ? "done" : "stop", State.Step, done ? "" : "asked to stop; the same command resumes");
    }

    void Record(RlStep row)
    {
        steps.Add(row);
        curriculum.See(row);
        stepRows.Write(row, RlJson.Default.RlStep);
        folder.Write(new StepRow(row.Step, null, row.GradNorm, Rate(row.Step - 1), State.Ledger.Spent.Tokens,
            State.Ledger.Spent.Flops, State.Ledger.Spent.Seconds, 0, 0, row.Entropy));
    }

    /// <summary>Draws, judges and learns.</summary>
    /// <param name="step">steps before it</param>
    RlStep Step(int step, out List<Group> drawn)
    {
        long began = time.GetTimestamp();
        var rollouts = new Rollouts(sampler, codec, recipe.Form, recipe.Reward is { } own ? Rewards.Find(own) : null);
        Ledger ledger = State.Ledger;
        List<Group> all = [], teaching = [];
        double sampleSeconds = 0;
        for (int round = 0; round <= recipe.Redraws && teaching.Count < recipe.Prompts; round++)
        {
            (TaskLevel, TaskItem)[] items = [.. Enumerable.Range(0, recipe.Prompts - teaching.Count).Select(i =>
                Item(step, all.Count + i))];
            List<Group> groups = rollouts.Draw(items, recipe.Replies, recipe.MaxNewTokens,
                new SamplingRule(1), recipe.Seed,
                RandomUse.TrainingReply.Index((FirstItem(step) + all.Count) * recipe.Replies), time);
            learner.Judge(groups);
            all.AddRange(groups);
            teaching.AddRange(groups.Where(Learner.Teaches));
            ledger.Sample += rollouts.Sampled;
            ledger.Verify += new Spending(0, 0, 0, rollouts.JudgeSeconds);
            sampleSeconds += rollouts.Sampled.Seconds;
        }
        drawn = all;
        if (rollouts.Fault is { } fault) folder.Event("judge", step + 1, fault);
        long learning = time.GetTimestamp();
        Learnt learnt = teaching.Count > 0 ? learner.Step(recipe.Redraws == 0 ? all : teaching, Rate(step)) : default;
        double learnSeconds = time.GetElapsedTime(learning).TotalSeconds;
        ledger.Tune += learnt.Spent with { Seconds = learnSeconds };
        (State.Step, State.Updates) = (step + 1, learner.Updates);
        return RowOf(step + 1, all, all.Count - teaching.Count, learnt, sampleSeconds, learnSeconds,
            time.GetElapsedTime(began).TotalSeconds);
    }

    /// <summary>A step that was done before, without rows.</summary>
    public RlStep Again(int step, out List<Group> drawn)
    {
        RlStep row = Step(step, out drawn);
        curriculum.See(row);
        return row;
    }

    RlStep RowOf(int step, List<Group> all, int dropped, Learnt learnt, double sampleSeconds, double learnSeconds, double seconds)
    {
        SampledReply[] replies = [.. all.SelectMany(g => g.Replies)], ended = [.. replies.Where(r => r.Ended)];
        double nats = 0;
        long tokens = 0;
        foreach (SampledReply r in replies)
        {
            foreach (float p in r.LogProbs) nats -= p;
            tokens += r.Count;
        }
        return new(step, all.Average(g => g.Rate), all.Count, dropped, replies.Average(r => r.Count),
            ended.Length == 0 ? 0 : ended.Average(r => r.Count), 1 - ended.Length / (double)replies.Length,
            all.Average(g => g.Texts.Average(Exam.Thinks)), nats / tokens, learnt.Clipped, learnt.Divergence,
                all.Sum(g => g.Faults),
            learnt.Norm, sampleSeconds, learnSeconds, seconds, Flops,
            [.. all.GroupBy(g => g.Of.Tag).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new LevelReward(g.Key, g.Sum(x => x.Replies.Length), g.Average(x => x.Rate)))]);
    }

    (TaskLevel, TaskItem) Item(int step, int index)
    {
        var rng = RandomUse.Prompt.Open(recipe.Seed, step, index);
        TaskLevel of = mix.Pick(ref rng, curriculum.Open);
        return (of, of.Family.Make(Split.Train, of.Level, Demonstrations.FirstFree + FirstItem(step) + index, recipe.Seed));
    }

    // No step's items come near the next one's; those of demonstrations lie below all of them.
    long FirstItem(int step) => (long)step * (recipe.Redraws + 1) * recipe.Prompts;

    double Rate(int step) => recipe.LearningRate * Math.Min(1, (step + 1.0) / Math.Max(1, recipe.Warmup));

    /// <summary>Held-out items in the open form and, for what the open one may hide, with a thought forced.</summary>
    void Examine(CancellationToken stop)
    {
        here.Report("rl", State.Step, recipe.Steps, "steps", "examining", new RlProgress(null, [], []));
        Spending measured = default;
        long began = time.GetTimestamp();
        foreach (ReplyForm form in new[] { ReplyForm.Open, ReplyForm.Think, recipe.Form }.Distinct())
        {
            List<RlEval> rows = exam.Take(State.Step, Flops, form, out List<Group> groups, ref measured, stop);
            foreach (RlEval row in rows) evalRows.Write(row, RlJson.Default.RlEval);
            evals.AddRange(rows);
            if (form != recipe.Form) continue;
            foreach (Group g in groups.GroupBy(g => g.Of.Tag).SelectMany(l => l.Take(Kept)))
                replyRows.Write(Describe(State.Step, g, 0), RlJson.Default.ReplyRow);
        }
        State.Ledger.Measure += measured with { Seconds = time.GetElapsedTime(began).TotalSeconds };
    }

    public static ReplyRow Describe(int step, Group g, int reply) =>
        new(step, g.Of.Tag, g.Item.Prompt, g.Texts[reply], g.Right[reply],
        g.Advantages[reply], g.Replies[reply].Ended, g.Replies[reply].Tokens.ToArray(), g.Replies[reply].LogProbs.ToArray());

    void Gate()
    {
        if (recipe.SkipGate) return;
        TaskLevel[] easiest = [.. mix.Levels.GroupBy(l => l.Family.Name).Select(g => g.MinBy(l => l.Level))];
        bool direct = recipe.Form == ReplyForm.Direct;
        RlEval[] seen = [.. evals.Where(e => e.Form == (direct ? ReplyForm.Direct : ReplyForm.Think)
            && easiest.Any(l => l.Tag == e.Level))];
        // Whichever way of thinking it was taught.
        double follows = direct ? 1 : ((TraceForm[])[TraceForm.Monologue, TraceForm.Proof, TraceForm.AnswerFirst])
            .Max(form => AfterThought(easiest, form));
        if (Doctor.Gate(follows, seen) is not { } reason) return;
        folder.Event(reason.Name, 0, reason.Text);
        throw new ConfigException($"{recipe.From} is not ready for reinforcement: {reason.Text}; skip_gate=true starts all " +
            "the same");
    }

    /// <summary>Share of items of which the model says the right answer when it is given a right thought.</summary>
    double AfterThought(IReadOnlyList<TaskLevel> levels, TraceForm form)
    {
        const int Items = 64;
        List<(TaskLevel Of, TaskItem Item, string Thought)> asked = [];
        foreach (TaskLevel of in levels)
            for (int i = 0; i < Items; i++)
            {
                TaskItem item = of.Family.Make(Split.Valid, of.Level, i, recipe.Seed);
                var rng = RandomUse.GateThought.Open(recipe.Seed, 0, i);
                string reply = of.Family.Demonstrate(item, form, ref rng);
                asked.Add((of, item, reply[..(reply.IndexOf(Reply.Say) + 1)]));
            }
        SampleRequest[] requests = [.. asked.Select((a, i) => new SampleRequest(
            [.. codec.Prompt(a.Item.Prompt, ReplyForm.Open), .. codec.Encode(a.Thought)], recipe.MaxNewTokens, i))];
        SampledReply[] replies = [.. requests.Select(_ => new SampledReply())];
        Spending spent = sampler.Draw(requests, new SamplingRule(0), recipe.Seed, replies);
        State.Ledger.Measure += spent;
        return asked.Zip(replies).Average(p => p.Second.Ended
            ? p.First.Of.Family.Reward(p.First.Item, p.First.Thought + codec.Decode(p.Second, ReplyForm.Open)) : 0);
    }

    void Save()
    {
        folder.Sync();
        foreach (JsonLines rows in (JsonLines[])[stepRows, evalRows, replyRows]) rows.Sync();
        checkpoints.Save(State);
        folder.Prune(2, KeptEvery);
    }

    /// <summary>Closes the row files and frees all memory.</summary>
    public void Dispose()
    {
        stepRows.Dispose();
        evalRows.Dispose();
        replyRows.Dispose();
        device.Dispose();
    }
}
