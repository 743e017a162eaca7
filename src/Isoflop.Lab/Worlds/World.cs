using System.IO.Hashing;
using System.Runtime.InteropServices;
using Isoflop.Lab.Eval;

namespace Isoflop.Lab.Worlds;

/// <summary>A task of the world at one level: what a token is labelled with.</summary>
/// <param name="Tag">"sums.3"</param> <param name="Weight">its share of the documents</param>
readonly record struct WorldTask(string Tag, string Family, int Level, double Weight);

/// <summary>A document of the world: statements of one task.</summary>
/// <param name="Task">index of its task</param>
/// <param name="Nats">−ln p of the choices behind it, held-out statements among them; where two choices give one text, a little
/// more than −ln p of the text</param>
/// <param name="Statements">how many</param>
/// <param name="Tries">statements drawn for them, those that fell to the held-out side included</param>
readonly record struct WorldDocument(int Task, string Text, double Nats, int Statements, int Tries);

/// <summary>
/// An endless world of English: document i is a function of the recipe and i alone. A statement whose content has a certain
/// hash is held out: it is asked for, and never said, in training and validation alike, so that these have one distribution.
/// </summary>
sealed class World
{
    // Of all statements: held out, 1 in so many.
    const int HeldOutOneIn = 8;
    const int LongestDocument = 6;
    const double GoesOn = 0.7;
    // A task's statements are asked for so often, a question wanted, before it has no more.
    const int TriesPerItem = 400;

    readonly WorldRecipe recipe;
    readonly Family[] families;                                  // by task
    readonly double[] cumulative;

    /// <exception cref="ConfigException">A bad setting.</exception>
    public World(WorldRecipe recipe)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        this.recipe = recipe;
        double[] weights = WeightsOf(recipe);
        double total = weights.Sum();
        List<(Family Family, WorldTask Task)> tasks = [];
        int i = 0;
        foreach (Family family in FamiliesOf(recipe))
            for (int level = 1; level <= family.Levels; level++, i++)
                if (weights[i] > 0) tasks.Add((family, new($"{family.Name}.{level}", family.Name, level, weights[i] / total)));
        families = [.. tasks.Select(t => t.Family)];
        Tasks = [.. tasks.Select(t => t.Task)];
        cumulative = new double[Tasks.Count];
        double sum = 0;
        for (int t = 0; t < Tasks.Count; t++) cumulative[t] = sum += Tasks[t].Weight;
        cumulative[^1] = 1;
    }

    /// <summary>Tasks that are heard, by family and level.</summary>
    public IReadOnlyList<WorldTask> Tasks { get; }

    static readonly Lazy<Dictionary<string, string>> titles = new(() => FamiliesOf(new())
        .SelectMany(f => f.Titles.Select((title, l) => (Tag: $"{f.Name}.{l + 1}", Title: title)))
        .ToDictionary(t => t.Tag, t => t.Title));

    /// <summary>What a task asks for, in a reader's words; empty: it is no task of a world.</summary>
    public static string TitleOf(string tag) => titles.Value.GetValueOrDefault(tag, "");

    internal static Family[] FamiliesOf(WorldRecipe recipe) =>
    [
        new Grammar(), new Meaning(), new Knowledge(recipe.Seed, recipe.Facts, recipe.Zipf), new Opinion(), new Translation(),
        new Rooms(), new Sums(), new Decimals(), new MultipleChoice(),
    ];

    internal static double[] WeightsOf(WorldRecipe recipe)
    {
        double Weight(string tag) => recipe.Weights.TryGetValue(tag, out double w) ? w : 1;
        return [.. FamiliesOf(recipe).SelectMany(f => Enumerable.Range(1, f.Levels)
            .Select(level => Weight(f.Name) * Weight($"{f.Name}.{level}") / f.Levels))];
    }

    /// <summary>A document.</summary>
    /// <param name="validation">of the documents that are never trained on</param>
    public WorldDocument Document(bool validation, long index)
    {
        (int task, List<Statement> said, double nats, int tries) = Statements(validation, index);
        return new(task, string.Join(families[task].Separator, said.Select(s => s.Text)), nats, said.Count, tries);
    }

    internal (int Task, List<Statement> Said, double Nats, int Tries) Statements(bool validation, long index)
    {
        var draw = new Draw((validation ? RandomUse.WorldHeldOut : RandomUse.WorldDocument).Open(recipe.Seed, 0, index));
        int task = draw.Among(cumulative), tries = 0;
        List<Statement> said = [Say()];
        while (said.Count < LongestDocument && draw.Chance(GoesOn)) said.Add(Say());
        return (task, said, draw.Nats, tries);

        Statement Say()
        {
            for (double before = draw.Nats; ; draw.Nats = before)
            {
                tries++;
                Statement statement = families[task].Say(Tasks[task].Level, draw);
                if (!HeldOut(statement)) return statement;
            }
        }
    }

    bool HeldOut(in Statement said)
    {
        ulong hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(said.Key.AsSpan()), (long)recipe.Seed);
        return hash % HeldOutOneIn == 0;
    }

    /// <summary>Questions of all tasks.</summary>
    /// <exception cref="ConfigException">Not a number of questions.</exception>
    public EvalSuite Suite(int itemsPerTask) => itemsPerTask is < 1 or > 100_000
        ? throw new ConfigException($"items={itemsPerTask} must be from 1 to 100000; try 60") : new($"world-{itemsPerTask}",
        [.. Enumerable.Range(0, Tasks.Count).SelectMany(t => Items(t, itemsPerTask))]);

    /// <summary>
    /// Questions of a task that no document answers: held-out statements, no two alike. Fewer where the task has no more of them.
    /// </summary>
    /// <param name="set">another set of questions for another number</param>
    public IReadOnlyList<EvalItem> Items(int task, int count, int set = 0)
    {
        List<EvalItem> items = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        WorldTask of = Tasks[task];
        for (long i = 0; items.Count < count && i < (long)TriesPerItem * count; i++)
        {
            var draw = new Draw(RandomUse.WorldQuestion.Open(recipe.Seed, set,
                (long)of.Level << 40 | (long)Hash(of.Family) << 32 | i));
            Statement said = families[task].Say(of.Level, draw);
            if (!HeldOut(said) || !seen.Add(said.Prompt + said.Answer)) continue;
            items.Add(new()
            {
                Id = $"{of.Tag}.{items.Count + 1}",
                Task = of.Family,
                Level = of.Level,
                Template = said.Frame,
                Prompt = said.Prompt,
                Choices = said.Others.Count == 0 ? [] : Shuffled([said.Answer, .. said.Others], draw),
                Answer = said.Answer,
                Stop = said.Others.Count == 0 ? StopOf(said.Tail) : "",
            });
        }
        return items;
    }

    /// <summary>The first word after the answer.</summary>
    static string StopOf(string tail)
    {
        int end = tail.IndexOf(' ', Math.Min(1, tail.Length));
        return end < 0 ? tail : tail[..end];
    }

    static byte Hash(string name) => (byte)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(name.AsSpan()));

    static string[] Shuffled(string[] choices, Draw draw)
    {
        for (int i = choices.Length - 1; i > 0; i--)
        {
            int j = draw.Hidden(i + 1);
            (choices[i], choices[j]) = (choices[j], choices[i]);
        }
        return choices;
    }
}
