namespace Isoflop;

/// <summary>
/// A use of random numbers: the streams that are its own. All there are stand here; the numbers are part of the format: add,
/// never renumber. <see cref="Rng"/> has what a purpose, a step and an index are.
/// </summary>
/// <param name="Seed">
/// whose seed it takes: uses of one kind of seed have no stream in common, but for <see cref="Shared"/>; those of another kind
/// may, since nothing is ever made of both
/// </param>
/// <param name="FirstStep">its steps count from here</param> <param name="Steps">so many there may be</param>
/// <param name="FirstIndex">its indexes count from here</param> <param name="Indexes">so many there may be</param>
sealed record RandomUse(string Name, string Seed, RandomPurpose Purpose, long FirstStep, long Steps, long FirstIndex = 0,
    long Indexes = RandomUse.AllIndexes)
{
    const long AllSteps = 1L << 40, AllIndexes = 1L << 48;

    // ---- a run's seed: of its training, its demonstrations, its reinforcement, its scorer

    /// <summary>First values of parameter <c>index</c>.</summary>
    public static RandomUse FirstWeights { get; } = new("first weights", "run", RandomPurpose.Initialise, 0, 1);
    /// <summary>Order of the training windows in pass <c>step</c>: a permutation.</summary>
    public static RandomUse WindowOrder { get; } = new("window order", "run", RandomPurpose.Shuffle, 0, 1L << 32);
    /// <summary>Task and form of demonstration <c>index</c> of split <c>step</c>.</summary>
    public static RandomUse Demonstration { get; } = new("demonstration", "run", RandomPurpose.Shuffle, 0, 3);
    /// <summary>Thought of demonstration <c>index</c> of split <c>step</c>, and of the same that is shown.</summary>
    public static RandomUse Thought { get; } = new("thought", "run", RandomPurpose.Generate, 1, 3);
    /// <summary>Task of prompt <c>index</c> of reinforcement's step <c>step</c>.</summary>
    public static RandomUse Prompt { get; } = new("prompt", "run", RandomPurpose.Shuffle, 1L << 32, 1L << 32);
    /// <summary>The right thought about item <c>index</c> that the gate gives the model.</summary>
    public static RandomUse GateThought { get; } = new("gate's thought", "run", RandomPurpose.Generate, 0, 1);
    /// <summary>Task of item <c>index</c> of split <c>step</c> that a scorer learns from.</summary>
    public static RandomUse ScorerItem { get; } = new("scorer's item", "run", RandomPurpose.Shuffle, 1L << 39, 3);
    /// <summary>Where reply <c>index</c> to item <c>step</c> is cut for a scorer.</summary>
    public static RandomUse ScorerCut { get; } = new("scorer's cut", "run", RandomPurpose.Generate, 0, AllSteps);
    /// <summary>Token <c>step</c> of reply <c>index</c> of reinforcement.</summary>
    public static RandomUse TrainingReply { get; } = Replies("training reply", 0, 1L << 44);
    /// <summary>The same of an examination.</summary>
    public static RandomUse ExamReply { get; } = Replies("exam reply", 1L << 44, 1L << 44);
    /// <summary>The same of a scorer's corpus.</summary>
    public static RandomUse ScorerReply { get; } = Replies("scorer's reply", 1L << 45, 1L << 45);
    /// <summary>The same of a search at test time.</summary>
    public static RandomUse SearchReply { get; } = Replies("search reply", 1L << 46, 1L << 46);

    // ---- seeds of what is made, of fits and comparisons, and hashes

    /// <summary>Token <c>step</c> of continuation <c>index</c> of a prompt.</summary>
    public static RandomUse Continuation { get; } = new("continuation", "sample", RandomPurpose.Sample, 0, AllSteps);
    /// <summary>Draws <c>step</c> of item <c>index</c> of a family, or the order of a file's problems.</summary>
    public static RandomUse TaskItem { get; } =
        new("task item", "hash of family, level, split, seed", RandomPurpose.Generate, 0, AllSteps);
    /// <summary>Order of the choices of a question.</summary>
    public static RandomUse ChoiceOrder { get; } = new("choice order", "hash of a question's id", RandomPurpose.Shuffle, 0, 1);
    /// <summary>Training document <c>index</c> of a generated world.</summary>
    public static RandomUse WorldDocument { get; } = new("world document", "world", RandomPurpose.Generate, 0, 1);
    /// <summary>Held-out document <c>index</c> of a generated world.</summary>
    public static RandomUse WorldHeldOut { get; } = new("held-out world document", "world", RandomPurpose.Generate, 1, 1);
    /// <summary>Question of set <c>step</c>; the index holds level, family and number.</summary>
    public static RandomUse WorldQuestion { get; } = new("world question", "world", RandomPurpose.Generate, 2, AllSteps - 2);
    /// <summary>Chat <c>index</c> about the world.</summary>
    public static RandomUse WorldChat { get; } = new("world chat", "chat", RandomPurpose.Generate, 0, 1);
    /// <summary>Strings to memorise.</summary>
    public static RandomUse MemoryStrings { get; } = new("strings to memorise", "memory", RandomPurpose.Generate, 1, 1);
    /// <summary>Facts to memorise.</summary>
    public static RandomUse MemoryFacts { get; } = new("facts to memorise", "memory", RandomPurpose.Generate, 2, 1);
    /// <summary>Order of a name's attributes, 2²⁴·telling + name: a permutation.</summary>
    public static RandomUse MemoryOrder { get; } = new("order of facts", "memory", RandomPurpose.Generate, 0, AllSteps);
    /// <summary>Mixtures that are trained.</summary>
    public static RandomUse Mixtures { get; } = new("mixtures", "mix", RandomPurpose.Generate, 3, 1);
    /// <summary>Mixtures of which the best is taken.</summary>
    public static RandomUse MixCandidates { get; } = new("candidates of a mixture", "mix", RandomPurpose.Generate, 4, 1);
    /// <summary>Order of a source's documents, 2⁸·pass + source: a permutation.</summary>
    public static RandomUse MixOrder { get; } = new("order of a mixture's documents", "mix", RandomPurpose.Generate, 0, AllSteps);
    /// <summary>Resample <c>index</c> of a law of form <c>step</c>.</summary>
    public static RandomUse LawResample { get; } = new("law's resample", "fit", RandomPurpose.Bootstrap, 0, 256);
    /// <summary>Where a fit of form <c>step</c> starts.</summary>
    public static RandomUse LawStart { get; } = new("law's starts", "fit", RandomPurpose.Bootstrap, 256, 256);
    /// <summary>Resample <c>step</c> of a frontier.</summary>
    public static RandomUse FrontierResample { get; } =
        new("frontier's resample", "frontier", RandomPurpose.Bootstrap, 0, AllSteps);
    /// <summary>Noise of draw <c>step</c> of a frontier's forecast.</summary>
    public static RandomUse FrontierNoise { get; } = new("frontier's noise", "frontier", RandomPurpose.Test, 0, AllSteps);
    /// <summary>Simulated curves of a test for a sudden rise.</summary>
    public static RandomUse SuddenRise { get; } = new("test for a sudden rise", "map", RandomPurpose.Bootstrap, 0, 1);
    /// <summary>Simulated task <c>index</c> of the smooth curve before <c>step</c>.</summary>
    public static RandomUse FalseAlarm { get; } = new("simulated smooth task", "map", RandomPurpose.Bootstrap, 1, AllSteps - 1);
    /// <summary>Simulated group <c>index</c> of <c>step</c> values; places of counts within their steps.</summary>
    public static RandomUse Groups { get; } = new("simulated group", "groups", RandomPurpose.Test, 0, AllSteps);
    /// <summary>Resample <c>index</c> of comparison <c>step</c>.</summary>
    public static RandomUse Resample { get; } =
        new("comparison's resample", "compare", RandomPurpose.Bootstrap, 0, AllSteps, 0, 1L << 40);
    /// <summary>Exchange <c>index</c> of names in comparison <c>step</c>.</summary>
    public static RandomUse Exchange { get; } =
        new("comparison's exchange", "compare", RandomPurpose.Bootstrap, 0, AllSteps, 1L << 40, 1L << 40);
    /// <summary>Resamples of a curve of thought.</summary>
    public static RandomUse ThoughtResample { get; } = new("thought curve's resample", "think", RandomPurpose.Bootstrap, 0, 1);

    /// <summary>Draws of fault <c>index</c> of the laboratory of failures: where, what, when.</summary>
    public static RandomUse Fault { get; } = new("fault", "failures", RandomPurpose.Generate, 0, 1);
    /// <summary>Gaps between the failures of fleet <c>index</c>.</summary>
    public static RandomUse Fleet { get; } = new("fleet's failures", "failures", RandomPurpose.Generate, 1, 2);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<RandomUse> All { get; } =
    [
        FirstWeights, WindowOrder, Demonstration, Thought, Prompt, GateThought, ScorerItem, ScorerCut, TrainingReply, ExamReply,
        ScorerReply, SearchReply, Continuation, TaskItem, ChoiceOrder, WorldDocument, WorldHeldOut, WorldQuestion, MemoryStrings,
        MemoryFacts, MemoryOrder, Mixtures, MixCandidates, MixOrder, LawResample, LawStart, FrontierResample, FrontierNoise,
        SuddenRise, FalseAlarm, Resample, Exchange, ThoughtResample, Groups, WorldChat, Fault, Fleet,
    ];

    /// <summary>Uses of one kind of seed with streams in common, and why that does no harm; a new one is a mistake.</summary>
    public static IReadOnlyList<(RandomUse One, RandomUse Other, string Why)> Shared { get; } =
    [
        (WindowOrder, Demonstration, "what is in a corpus, and in which order it is read: one does not look at the other"),
        (Thought, ScorerCut, "a scorer's items are none that were demonstrated"),
        (GateThought, ScorerCut, "the gate measures; a scorer is taught of other items"),
        (MemoryStrings, MemoryOrder, "strings have no order of facts"),
        (MemoryFacts, MemoryOrder, "values, and the order of attributes of another name's telling"),
        (Mixtures, MixOrder, "shares of sources, and the order of documents in the first pass over the fourth"),
        (MixCandidates, MixOrder, "as above, over the fifth"),
    ];

    /// <summary>Opens a stream.</summary>
    public Rng Open(ulong seed, long step = 0, long index = 0) => new(seed, Purpose, Step(step), Index(index));

    /// <summary>A permutation of 0 … <paramref name="length"/> − 1.</summary>
    public Permutation Order(long length, ulong seed, long step) => new(length, seed, Purpose, Step(step));

    /// <summary>The number of a step among those of the purpose.</summary>
    public long Step(long step) => step >= 0 && step < Steps ? FirstStep + step
        : throw new ArgumentOutOfRangeException(nameof(step), step, $"{Name}: 0 to {Steps - 1}");

    /// <summary>The number of an index among those of the purpose.</summary>
    public long Index(long index) => index >= 0 && index < Indexes ? FirstIndex + index
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"{Name}: 0 to {Indexes - 1}");

    static RandomUse Replies(string name, long first, long count) =>
        new(name, "run", RandomPurpose.Sample, 0, AllSteps, first, count);
}
