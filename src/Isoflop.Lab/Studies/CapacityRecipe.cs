using System.Globalization;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>What a study of capacity trains: sizes × amounts of data × exposures × seeds.</summary>
sealed record CapacityRecipe
{
    /// <summary>Random strings, or facts.</summary>
    public MemoryKind Kind { get; init; }
    /// <summary>Widths of the models; depth and heads follow by the dial's rules.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [16, 24, 32];
    /// <summary>How often each string or fact is seen.</summary>
    public IReadOnlyList<int> Exposures { get; init; } = [1000];
    /// <summary>Amounts of data, bits for each parameter of the model: from what it can hold to more than it can.</summary>
    public IReadOnlyList<double> Load { get; init; } = [1, 2, 4, 8];
    /// <summary>Different symbols; log2 is the information of one.</summary>
    public int Symbols { get; init; } = 64;
    /// <summary>Symbols of a string, 32 where it is null; attributes of a name, 8.</summary>
    public int? Length { get; init; }

    internal int WholeLength => Length ?? (Kind == MemoryKind.Facts ? 8 : 32);
    /// <summary>Seeds, of the data and of the training.</summary>
    public int Seeds { get; init; } = 3;
    /// <summary>
    /// Factors on the rule for the learning rate, tried at each size and exposures with the first seed and the second largest
    /// amount; the best is taken.
    /// </summary>
    public IReadOnlyList<double> Rates { get; init; } = [0.5, 1, 2];
    /// <summary>Documents of an update.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>All broken rules: option, value, rule, next step.</summary>
    public IEnumerable<string> Problems()
    {
        if (Sizes.Count == 0 || Sizes.Any(s => s is < 8 or > 1024 || s % 8 != 0))
            yield return $"sizes={string.Join(',', Sizes)}: widths are multiples of 8 from 8 to 1024; try 16,32";
        if (Exposures.Count == 0 || Exposures.Any(e => e is < 1 or > 100_000))
            yield return $"exposures={string.Join(',', Exposures)} must be from 1 to 100000; try 100,1000";
        if (Load.Count == 0 || Load.Any(l => !(l > 0 && l <= 100)))
            yield return $"bits={Join(Load)} are bits of data a parameter, above 0 and at most 100; try 1,2,4,8";
        if (Symbols is < 2 or > 190) yield return $"symbols={Symbols} must be from 2 to 190; try 64";
        if (Length is < 1 or > 256 || Kind == MemoryKind.Facts && Length > 64)
            yield return $"length={Length} must be from 1 to {(Kind == MemoryKind.Facts ? 64 : 256)}; try 8";
        if (Seeds is < 1 or > 100) yield return $"seeds={Seeds} must be from 1 to 100; try 3";
        if (Rates.Count == 0 || Rates.Any(r => !(r > 0 && r <= 100)))
            yield return $"rates={Join(Rates)} are factors on the rule, above 0 and at most 100; try 0.5,1,2";
        if (Batch is < 1 or > 65_536) yield return $"batch={Batch} must be from 1 to 65536 documents; try 32";
    }

    static string Join(IEnumerable<double> values) =>
        string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
}

/// <summary>One run: what it memorises, how often it sees it.</summary>
sealed record CapacityRun(PlannedRun Run, MemorySet Set, int Exposures, double Load, double Rate);

/// <summary>From a recipe to its runs, priced; nothing is written.</summary>
sealed class CapacityPlan
{
    const int MaxOrders = 10;

    readonly CapacityRecipe recipe;

    /// <exception cref="ConfigException">All broken rules in one line.</exception>
    public CapacityPlan(CapacityRecipe recipe)
    {
        string problems = string.Join("; ", recipe.Problems());
        if (problems.Length > 0) throw new ConfigException(problems);
        this.recipe = recipe;
    }

    /// <summary>Sizes and exposures: each has a learning rate of its own.</summary>
    public IReadOnlyList<(int Width, int Exposures)> Cells => [.. recipe.Exposures.Distinct().Order().SelectMany(e =>
        recipe.Sizes.Distinct().Order().Select(s => (s, e)))];

    /// <summary>The learning rates of a cell: one that is wrong would understate what a model can store.</summary>
    public IReadOnlyList<CapacityRun> Tuning((int Width, int Exposures) cell) => [.. recipe.Rates.Select(rate =>
        Run(cell, recipe.Load.Order().ElementAt(Math.Max(0, recipe.Load.Count - 2)), 1, rate))];

    /// <summary>All runs of a cell at the chosen rate.</summary>
    public IReadOnlyList<CapacityRun> Runs((int Width, int Exposures) cell, double rate) => [.. recipe.Load.Distinct().Order()
        .SelectMany(load => Enumerable.Range(1, recipe.Seeds).Select(seed => Run(cell, load, (ulong)seed, rate)))];

    CapacityRun Run((int Width, int Exposures) cell, double load, ulong seed, double rate)
    {
        (int width, int exposures) = cell;
        int orders = recipe.Kind == MemoryKind.Facts ? Math.Min(MaxOrders, exposures) : 1;
        var one = new MemorySet(recipe.Kind, recipe.Symbols, recipe.WholeLength, 1, orders, seed);
        CorpusFacts facts = one.Facts;
        ModelSettings model = ComputeOptimal.Resolve(1e9,
            new() { DModel = width, VocabSize = facts.VocabSize, ContextLen = one.Period }).Model;
        long parameters = new Nn.ParamTable(model.Shape()).Parameters;
        MemorySet set = one with { Count = Math.Max(2, (int)Math.Round(load * parameters / one.Bits)) };
        int batch = Math.Min(recipe.Batch, set.Count), batchTokens = batch * set.Period;
        var config = new RunConfig
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{set.Name}.d{width}.e{exposures}.b{batch}.lr{rate}"),
            Corpus = set.Name,
            Seed = seed,
            Model = model,
            Train = new()
            {
                Steps = (int)Math.Max(1, Math.Round((double)exposures * set.Count / batch)),
                BatchTokens = batchTokens,
                LearningRate = ComputeOptimal.LearningRate(width, batchTokens, (double)exposures * set.Count * set.Period) * rate,
                WeightDecay = 0,                                  // what is asked for is memory, not generality
                Schedule = ScheduleKind.Cosine,
            },
            Save = new() { Minutes = 2, Keep = 1 },
        };
        Plan plan = Plan.Make(config, set.Facts);
        return new(PlannedRun.Of(plan, Phase.Capacity, plan.FlopsByLayer.Total), set, exposures, load, rate);
    }
}
