namespace Isoflop.Tasks;

/// <summary>All families there are; a new one of ours is one line here, a user's own is registered.</summary>
public static class TaskFamilies
{
    static readonly Registry<TaskFamily> registry = new("task", f => f.Name,
    [
        new Parity(),
        new ModularChain(),
        new Permutations(),
        new StackMachine(),
        new PointerChasing(),
        new ListPrograms(),
        new IteratedSquaring(),
        new Addition(),
        new Multiplication(),
        new DecimalComparison(),
        new LinearEquation(),
        new CommonDivisor(),
        new BaseConversion(),
        new ModularRoot(),
        new SubsetSum(),
        new Countdown(),
        new GameOf24(),
        new Satisfiability(),
        new GraphColouring(),
        new Sudoku4(),
        new Sudoku9(),
        new Queens(),
        new Cryptarithm(),
        new Crossword(),
        new Poem(),
        new Maze(),
        new Hanoi(),
        new Knights(),
        new WordProblems(),
        new SaltPh(),
    ]);

    /// <summary>By group, in the order of `isoflop tasks`; behind them what was registered.</summary>
    public static IReadOnlyList<TaskFamily> All => registry.All;

    /// <summary>Adds a family of one's own: every verb and every recipe finds it by its name.</summary>
    /// <exception cref="ConfigException">Its name is taken, or no name; it has no levels.</exception>
    public static void Register(TaskFamily family)
    {
        if (family.Levels < 1) throw new ConfigException($"task '{family.Name}': levels {family.Levels} must be 1 at least");
        registry.Add(family);
    }

    /// <summary>
    /// The family of this name; for a name that ends in .jsonl or .json, the word problems of that file; for "cmd:./judge" or
    /// "cmd:python3 judge.py", the family that this program makes and judges: docs/plugins.md.
    /// </summary>
    /// <exception cref="ConfigException">There is none; names those there are.</exception>
    /// <exception cref="DataException">The file holds a line that is no problem; the program does not keep to the
    /// protocol.</exception>
    public static TaskFamily Find(string name) =>
        name.StartsWith(CommandFamily.Prefix, StringComparison.Ordinal) ? CommandFamily.Open(name)
        : Path.GetExtension(name) is ".jsonl" or ".json" ? ProblemFile.Read(name)
        : registry.Find(name, ", or FILE.jsonl, or cmd:PROGRAM");
}
