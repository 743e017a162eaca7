using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>What a plan has to know about a corpus.</summary>
/// <param name="BytesPerToken">of the held-out text</param>
/// <param name="StreamsHash">of what is trained on and measured; null: not built yet, or of a run that is older than this</param>
sealed record CorpusFacts(string Name, int VocabSize, long TrainTokens, long ValidTokens, double BytesPerToken,
    string TokenizerHash, string? StreamsHash = null)
{
    /// <summary>Of a corpus.</summary>
    public static CorpusFacts Of(Corpus corpus) => new(corpus.Name, corpus.Info.VocabSize, corpus.Train.Count, corpus.Valid.Count,
        corpus.Info.Valid.BytesPerToken, corpus.Info.TokenizerHash, corpus.StreamsHash);

    /// <summary>Whether both are of the same tokens, as far as both know.</summary>
    public bool SameText(CorpusFacts other) => TokenizerHash == other.TokenizerHash && TrainTokens == other.TrainTokens
        && ValidTokens == other.ValidTokens && SameStreams(StreamsHash, other.StreamsHash);

    /// <summary>Whether two hashes are equal, as far as there are two.</summary>
    public static bool SameStreams(string? one, string? other) => one is null || other is null || one == other;
}

/// <summary>The run that another begins at: its settings, the tokenizer and step of the checkpoint, and its text.</summary>
sealed record SourceFacts(int Step, RunConfig Config, string Corpus, string TokenizerHash, string? StreamsHash = null);

/// <summary>Memory of a run, bytes.</summary>
readonly record struct MemoryPlan(long Parameters, long Gradients, long Moments, long Packed, long Activations)
{
    /// <summary>The sum.</summary>
    public long Total => Parameters + Gradients + Moments + Packed + Activations;
}

/// <summary>Everything that follows from the settings and the corpus, computed once, before any memory is taken.</summary>
public sealed record Plan
{
    // Floats of the residual stream in a pass: half a megabyte, a core's second-level cache. Fewer tokens leave a product of a
    // weight's gradient too few steps; and of a model that no cache holds each pass reads all weights and writes all gradients.
    // In bf16 a pass shows in the bits.
    const int PassFloats = 1 << 17, LeastPassTokens = 512, MostPassTokens = 1024, LargePassTokens = 4096;
    const long LargeParameters = 20_000_000;

    Plan(RunConfig config, CorpusFacts corpus, int firstStep)
    {
        (Config, Corpus, FirstStep, Model) = (config, corpus, firstStep, config.Model.Shape());
        TrainConfig train = config.Train;
        (Seed, Steps, BatchTokens) = (config.Seed!.Value, train.Steps!.Value, train.BatchTokens!.Value);
        (LearningRate, Optimizer) = (train.LearningRate!.Value, train.Optimizer ?? OptimizerKind.Adamw);
        Adam = new(0, (float)train.Beta1!.Value, (float)train.Beta2!.Value, (float)train.Eps!.Value,
            (float)train.WeightDecay!.Value, 0, train.Clip!.Value);
        (EvalEvery, EvalTokens) = (config.Eval.Every!.Value, config.Eval.Tokens!.Value);
        (SaveMinutes, SaveKeep, SaveEvery) = (config.Save.Minutes!.Value, config.Save.Keep!.Value, config.Save.Every!.Value);
        var table = new ParamTable(Model);
        (Parameters, NonEmbedding) = (table.Parameters, table.NonEmbedding);
        ParametersWithoutEmbedding = ComputeOptimal.ParametersWithoutEmbedding(Model);
        Memory = MemoryOnHost(table, 1);
    }

    /// <summary>The settings with nothing left to choose: the length in steps; what stays null follows from the rest.</summary>
    public RunConfig Config { get; }

    /// <summary>Name of the run and its folder.</summary>
    public string Name => Config.Name!;

    /// <summary>The corpus.</summary>
    internal CorpusFacts Corpus { get; }

    /// <summary>Steps that the checkpoint this run extends has done already; 0 otherwise.</summary>
    public int FirstStep { get; }

    /// <summary>All parameters.</summary>
    public long Parameters { get; }

    /// <summary>Without embedding and head (Kaplan's N).</summary>
    public long NonEmbedding { get; }

    /// <summary>Without the input embedding alone: the N of the dial.</summary>
    public long ParametersWithoutEmbedding { get; }

    /// <summary>Memory, bytes.</summary>
    internal MemoryPlan Memory { get; }

    /// <summary>The same on a device: one that wants long passes takes more.</summary>
    /// <param name="ranks">that share the run: of each</param>
    internal MemoryPlan MemoryOn(DeviceTraits device, int ranks = 1)
    {
        if (device.PassRows == 0) return MemoryOnHost(ranks);
        int rows = PassTokensOn(device);
        MemoryPlan alone = MemoryOf(new(Model), 1, rows, Pass.LogitRowsOf(device, Model, rows), device.ActivationBytes);
        return alone with { Packed = 0, Gradients = alone.Gradients / ranks };
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Model { get; }

    /// <summary>Of all randomness.</summary>
    public ulong Seed { get; }

    /// <summary>Updates.</summary>
    public int Steps { get; }

    /// <summary>Tokens of an update.</summary>
    public int BatchTokens { get; }

    /// <summary>At its peak.</summary>
    public double LearningRate { get; }

    /// <summary>How weights are updated.</summary>
    public OptimizerKind Optimizer { get; }

    /// <summary>An update, but for its learning rate and number.</summary>
    internal AdamWStep Adam { get; }

    internal int EvalEvery { get; }

    internal long EvalTokens { get; }

    internal double SaveMinutes { get; }

    internal int SaveKeep { get; }

    internal int SaveEvery { get; }

    /// <summary>Windows of the context in an update.</summary>
    public int Windows => BatchTokens / Model.ContextLen;

    /// <summary>Parts of a batch whose gradients are sums of their own.</summary>
    public int Shards => Config.Train.Shards ?? 1;

    /// <summary>Of the weights' products.</summary>
    public Precision Precision => Config.Train.Precision ?? Precision.F32;

    /// <summary>Tokens that pass through the model at once: whole windows.</summary>
    internal int PassTokens =>
        Math.Clamp((Config.Train.MicroTokens ?? UsualPassTokens(Parameters, Model.DModel)) / Model.ContextLen, 1, Windows)
            * Model.ContextLen;

    /// <summary>The same on a device: one that wants long passes gets them, unless something else is asked for.</summary>
    internal int PassTokensOn(DeviceTraits device) => device.PassRows == 0 || Config.Train.MicroTokens is not null ? PassTokens
        : Math.Clamp(device.PassRows / Model.ContextLen, 1, Windows) * Model.ContextLen;

    /// <summary>The same where nothing else is asked for.</summary>
    internal static int UsualPassTokens(long parameters, int width) => parameters > LargeParameters ? LargePassTokens
        : Math.Clamp(PassFloats / width, LeastPassTokens, MostPassTokens);

    /// <summary>Passes through the model in an update.</summary>
    public int Passes => Math.Max(Shards, (BatchTokens + PassTokens - 1) / PassTokens);

    /// <summary>Tokens this run trains on.</summary>
    public long Tokens => (long)(Steps - FirstStep) * BatchTokens;

    /// <summary>Windows of training text: those of a stream, whose last tokens may fill none.</summary>
    public long CorpusWindows => (Corpus.TrainTokens - 1) / Model.ContextLen;

    /// <summary>How often the training text is seen; below 1: that share of it.</summary>
    public double Epochs => Tokens / Math.Max(1.0, CorpusWindows * Model.ContextLen);

    /// <summary>Training, forward and backward, by layer; documents that end inside a window make it a little less.</summary>
    public FlopCount FlopsByLayer => Flops.Training(Model, Tokens, Tokens * (Model.ContextLen + 1) / 2.0) with
    {
        Update = (Steps - FirstStep) * Flops.Update(Model, Optimizer),
    };

    /// <summary>All evaluations, forward.</summary>
    public double EvalFlops
    {
        get
        {
            long all = Math.Max(0, Corpus.ValidTokens - 1);
            long some = EvalTokens == 0 ? all : Math.Min(all, EvalTokens);
            int times = EvalEvery == 0 ? 0 : (Steps - 1) / EvalEvery - FirstStep / EvalEvery;
            double tokens = (double)times * some + all;
            return Flops.Forward(Model, tokens, tokens * (Model.ContextLen + 1) / 2.0).Total;
        }
    }

    /// <summary>Estimated time on a machine that reaches so many FLOPs a second in training.</summary>
    public double SecondsAt(double flopsPerSecond) => (FlopsByLayer.Total + EvalFlops) / flopsPerSecond;

    /// <summary>Chooses what is left to choose, checks every rule, and derives the rest.</summary>
    /// <exception cref="ConfigException">All broken rules, in one line.</exception>
    internal static Plan Make(RunConfig config, CorpusFacts corpus, SourceFacts? source = null)
    {
        if (source is not null) config = Train.Config.Inherit(source.Config, config);
        List<string> problems = [.. config.Problems()];
        if (source is not null && source.TokenizerHash != corpus.TokenizerHash)
            problems.Add($"from={config.From}: that model was trained with tokenizer {source.TokenizerHash}, " +
                $"corpus '{corpus.Name}' has {corpus.TokenizerHash}; build the corpus with that run's tokenizer.json");
        Refuse(problems);
        RunConfig resolved = Resolve(Train.Config.WithDefaults(config), corpus);
        int first = source is not null && resolved.FromMode == StartMode.Extend ? source.Step : 0;
        problems.AddRange(ProblemsWith(resolved, corpus, source, first));
        Refuse(problems);
        if (resolved.Name is null) resolved = resolved with { Name = Train.Config.HashOf(resolved) };
        return new Plan(resolved, corpus, first);
    }

    static void Refuse(List<string> problems)
    {
        if (problems.Count > 0) throw new ConfigException(string.Join("; ", problems));
    }

    static RunConfig Resolve(RunConfig c, CorpusFacts corpus)
    {
        ModelSettings model = c.Model with { VocabSize = c.Model.VocabSize ?? corpus.VocabSize };
        long? tokens = c.Train.Tokens;
        if (c.Flops is { } flops) (model, tokens) = ComputeOptimal.Resolve(flops, model);
        ModelConfig shape = model.Shape();
        double goal = tokens ?? (double)c.Train.Steps!.Value * ComputeOptimal.MinBatchTokens;
        int batch = c.Train.BatchTokens ?? ComputeOptimal.BatchTokens(goal, shape.ContextLen);
        OptimizerKind optimizer = c.Train.Optimizer ?? OptimizerKind.Adamw;
        if (c.Flops is not null) tokens = (long)Math.Max(1, tokens!.Value * Flops.ShareOfTokens(shape, optimizer, batch));
        int shards = c.Train.Shards ?? ComputeOptimal.Shards(new ParamTable(shape).Parameters, batch, shape.ContextLen);
        int steps = c.Train.Steps ?? ComputeOptimal.Steps(tokens!.Value, batch);
        return c with
        {
            Model = model with { DModel = shape.DModel, NLayer = shape.NLayer, NHead = shape.NHead },
            Train = c.Train with
            {
                BatchTokens = batch,
                Shards = shards == 1 ? null : shards,                         // one is what there was before there were shards
                Precision = Precisions.Chosen(c.Train.Precision, shape.DModel) is not Precision.F32 and var other ? other : null,
                Optimizer = optimizer == OptimizerKind.Adamw ? null : optimizer,
                LearningRate = c.Train.LearningRate ?? ComputeOptimal.LearningRate(shape.DModel, batch, (double)steps * batch),
                Steps = steps,
                Tokens = null,
            },
            Flops = null,
        };
    }

    static IEnumerable<string> ProblemsWith(RunConfig c, CorpusFacts corpus, SourceFacts? source, int firstStep)
    {
        ModelConfig shape = c.Model.Shape();
        string[] broken = [.. shape.Problems()];
        foreach (string problem in broken) yield return problem;
        if (broken.Length > 0) yield break;                       // what follows computes with the shape
        int context = shape.ContextLen, batch = c.Train.BatchTokens!.Value;
        if (shape.VocabSize < corpus.VocabSize)
            yield return $"model.vocab_size={shape.VocabSize} is below the {corpus.VocabSize} tokens of corpus " +
                $"'{corpus.Name}'; leave it out";
        if (context >= corpus.TrainTokens)
            yield return $"model.context_len={context} is longer than the corpus: '{corpus.Name}' has {corpus.TrainTokens} " +
                $"training tokens; try {PowerBelow(corpus.TrainTokens)}";
        if (corpus.ValidTokens < 2)
            yield return $"corpus '{corpus.Name}' has {corpus.ValidTokens} held-out tokens; at least 2 are needed; " +
                "build it with a larger share";
        if (batch % context != 0)
            yield return $"train.batch_tokens={batch} must be a multiple of model.context_len={context}; " +
                $"try {Math.Max(1, batch / context) * context}";
        if (c.Train.Shards > batch / context)
            yield return $"train.shards={c.Train.Shards} are more than the {batch / context} windows of an update; " +
                $"try {batch / context}";
        if (c.Train.MicroTokens < context)
            yield return $"train.micro_tokens={c.Train.MicroTokens} must hold one window of model.context_len={context}; " +
                $"try {context}";
        if (c.Train is { MicroTokens: { } micro, Precision: { } precision })
            yield return $"train.micro_tokens={micro} would show in the bits with train.precision={precision.Name()}; " +
                "leave one out";
        if (source is null) yield break;
        if (c.Train.Steps <= firstStep)
            yield return $"train.steps={c.Train.Steps} must be more than the {firstStep} steps that from={c.From} has done";
        ModelConfig theirs = source.Config.Model.Shape();
        if (Whole(shape) != Whole(theirs) with { ContextLen = context })
            yield return $"model.*: the shape must be that of from={c.From}; leave these settings out";
        if (c.Train.Optimizer != source.Config.Train.Optimizer)
            yield return $"train.optimizer: must be that of from={c.From}, whose moments are read; leave it out";
        if (c.FromMode != StartMode.Extend) yield break;
        if (corpus.Name == source.Corpus && !CorpusFacts.SameStreams(source.StreamsHash, corpus.StreamsHash))
            yield return $"from={c.From} was trained on other text than corpus '{corpus.Name}' now holds: it was built anew; " +
                "restore it, or use from_mode=fork";
        if (context != theirs.ContextLen || corpus.Name != source.Corpus)
            yield return $"from={c.From} is extended on its own corpus '{source.Corpus}' with model.context_len=" +
                $"{theirs.ContextLen}; for another use from_mode=fork";
    }

    static ModelConfig Whole(ModelConfig c) => c with { NKvHead = c.KvHeads, DHead = c.HeadWidth, DFf = c.FfWidth };

    static long PowerBelow(long tokens) =>
        1L << Math.Max(0, 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)Math.Max(1, tokens - 1)));

    /// <summary>Of each of so many ranks, on CPUs.</summary>
    internal MemoryPlan MemoryOnHost(int ranks) => ranks == 1 ? Memory : MemoryOnHost(new(Model), ranks);

    MemoryPlan MemoryOnHost(ParamTable table, int ranks)
    {
        int lanes = Math.Min(Shards / ranks, Environment.ProcessorCount);
        long atOnce = Precision == Precision.F32 ? Math.Max(PassTokens, lanes * Model.ContextLen) : (long)lanes * PassTokens;
        return MemoryOf(table, ranks, atOnce, Math.Min(atOnce, Math.Max(168, (1 << 20) / Model.VocabSize)));
    }

    /// <remarks>What <see cref="Transformer"/> allocates, scales of norms and log-sums left out.</remarks>
    MemoryPlan MemoryOf(ParamTable table, int ranks, long rows, long logitRows, int activation = sizeof(float))
    {
        int width = Model.DModel, q = Model.NHead * Model.HeadWidth, qkv = q + 2 * Model.KvHeads * Model.HeadWidth,
            ff = 3 * Model.FfWidth;
        long layer = 2L * width + (Model.QkNorm ? 2 : 1) * qkv + q + ff, gradients = width + qkv + q + ff;
        long streams = 2L * (Model.NLayer + 1) * width, logits = logitRows * Model.VocabSize, own = activation < 4 ? logits : 0;
        long room = Optimizer.IsOrthogonal() ? NewtonSchulz.Room([.. table.Hidden.Select(p => (p.Rows, p.Cols))]) : 0;
        long slab = table.Length * 4, shards = Shards / ranks;
        long moments = Optimizer == OptimizerKind.Adamw ? 2 * slab / ranks : 2 * slab;
        long copies = (Config.Train.CheckEvery is null ? 0 : slab + moments) + (Config.Save.Beside == true ? 3 * slab : 0);
        int laidOut = Precision == Precision.F32 ? 8 : 4;         // twice, in words or in halves of them
        long apart = Model.TiedHead ? 4 * table.Embedding.Length : 0;                // the embedding's gradient beside the head's
        return new(slab, shards * (slab + apart), moments + room * 4 + copies, table.MatrixLength * laidOut,
            4 * (rows * streams + logits) + activation * (rows * (Model.NLayer * layer + gradients + width) + own));
    }
}
