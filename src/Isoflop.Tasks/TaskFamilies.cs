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
    ];

    /// <summary>The family of this name.</summary>
    /// <exception cref="ConfigException">There is none; names those there are.</exception>
    public static TaskFamily Find(string name) => All.FirstOrDefault(f => f.Name == name)
        ?? throw new ConfigException($"no task '{name}'; there are: {string.Join(", ", All.Select(f => f.Name))}");
}
