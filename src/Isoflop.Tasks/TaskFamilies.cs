namespace Isoflop.Tasks;

/// <summary>All families there are; a new one is one line here.</summary>
public static class TaskFamilies
{
    /// <summary>By group, in the order of `isoflop tasks`.</summary>
    public static IReadOnlyList<TaskFamily> All { get; } =
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
    ];

    /// <summary>The family of this name; or, for a name that ends in .jsonl, the word problems of that file.</summary>
    /// <exception cref="ConfigException">There is none; names those there are.</exception>
    /// <exception cref="DataException">The file holds a line that is no problem.</exception>
    public static TaskFamily Find(string name)
    {
        if (name.EndsWith(".jsonl", StringComparison.Ordinal)) return ProblemFile.Read(name);
        return All.FirstOrDefault(f => f.Name == name)
            ?? throw new ConfigException($"no task '{name}'; there are: {string.Join(", ", All.Select(f => f.Name))}, or " +
                "FILE.jsonl");
    }
}
