using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Frontiers;

/// <summary>A compute split and what it comes to.</summary>
/// <param name="Flops">training and all questions</param> <param name="Accuracy">forecast, or measured where it is a cell of the
/// grid</param>
sealed record Priced(ComputeSplit Split, double TrainFlops, double TestFlops, double Flops, Estimate Accuracy);

/// <summary>Where the FLOPs should go, said before anything is trained.</summary>
/// <param name="Queries">questions that the model will be asked in its life</param> <param name="Best">by the surface</param>
/// <param name="BestCell">the best measured point of the grid that the budget buys</param>
/// <param name="AllSize">all into size: the widest model of the grid, and as many demonstrations as make it cost what the best
/// does, without reinforcement or thought; not foreseen where that is more than the grid holds</param>
sealed record SpendForecast(string Study, double Flops, double Queries, Priced Best, Priced BestCell, Priced AllSize)
{
    /// <summary>Which of the two to take: what is foreseen below what was measured is not the best.</summary>
    [JsonIgnore]
    public string Advice => Best.Accuracy.Value >= BestCell.Accuracy.Value
        ? "take the surface's split: it is foreseen to be no worse than the best cell was; a check measures both"
        : "take the best cell: it was measured, and the surface foresees less for every split that the budget buys";
}

/// <summary>What fresh seeds made of a forecast.</summary>
/// <param name="Regret">best cell's accuracy less the chosen compute split's, fresh seeds of both</param>
/// <param name="OverSize">chosen compute split's accuracy less that of all into size</param>
sealed record SpendCheck(SpendForecast Forecast, Priced Best, Priced BestCell, Priced AllSize, Estimate Regret,
    Estimate OverSize);

/// <summary>Divides a budget among size, demonstrations, reinforcement and thought.</summary>
static class Spend
{
    const int FreshSeeds = 3, FirstFresh = 101;

    /// <summary>The compute split of highest forecast accuracy that costs no more.</summary>
    /// <param name="flops">of training and all questions</param>
    /// <exception cref="ConfigException">The budget buys no point of the grid.</exception>
    public static SpendForecast Forecast(Frontier of, double flops, double queries)
    {
        RunConfig.Budget(flops);
        if (!(queries is >= 1 and <= 1e18)) throw new ConfigException($"queries={queries} must be 1 at least and 1e18 at most");
        int[] widths = [.. Enumerable.Range(of.Recipe.Widths.Min() / 16,
            (of.Recipe.Widths.Max() - of.Recipe.Widths.Min()) / 16 + 1)
            .Select(i => 16 * i)];
        int[] budgets = [.. Enumerable.Range(0, 13).Select(i => 1 << i).Where(b => b <= of.Recipe.Budget)];
        var points = of.Points().Select(p => (p.Teach, p.Steps)).Distinct().ToList();
        Priced[] all = [.. from w in widths
                           let n = of.Costs.Parameters(w)
                           from p in points
                           from b in budgets
                           let rl = of.Costs.Reinforcement(n, p.Steps)
                           let test = of.Costs.Question(n, p.Teach, rl, b)
                           select new Priced(new(w, p.Teach, p.Steps, b), p.Teach + rl, test, p.Teach + rl + queries * test,
                               Estimate.Of(of.Surface.At(n, p.Teach, rl, b)))];
        Priced[] bought = [.. all.Where(p => p.Flops <= flops)];
        if (bought.Length == 0)
            throw new ConfigException(FormattableString.Invariant(
                $"flops={flops:0.##e0} buys no point of {of.Recipe.Name} for {queries:0.##e0} questions: the cheapest costs ") +
                FormattableString.Invariant($"{all.Min(p => p.Flops):0.##e0}"));
        Priced best = bought.MaxBy(p => (p.Accuracy.Value, -p.Flops))!;
        double parameters = of.Costs.Parameters(best.Split.Width),
            reinforcement = of.Costs.Reinforcement(parameters, best.Split.Steps);
        best = best with
        {
            Accuracy = of.Surface.Forecast(parameters, best.Split.TeachFlops, reinforcement, best.Split.Budget, FreshSeeds, 1),
        };
        Priced? cell = Measured(of.Cells, queries).Where(p => p.Flops <= flops).MaxBy(p => (p.Accuracy.Value, -p.Flops));
        return new(of.Recipe.Name, flops, queries, best, cell ?? best, AllIntoSize(of, best.Flops, queries, widths));
    }

    /// <summary>
    /// The widest model whose questions leave at least the grid's fewest demonstrations, taught with all that is left: baselines
    /// spend what the choice spends, also where the grid holds no such budget of demonstrations.
    /// </summary>
    static Priced AllIntoSize(Frontier of, double flops, double queries, int[] widths)
    {
        double least = of.Cells.Min(c => c.TeachFlops), most = of.Cells.Max(c => c.TeachFlops);
        foreach (int width in widths.OrderDescending())
        {
            double n = of.Costs.Parameters(width), teach = flops;
            // What a question costs hangs on how well the model is taught: a few rounds settle it.
            for (int round = 0; round < 50; round++) teach = flops - queries * of.Costs.Question(n, Math.Max(teach, least), 0, 1);
            if (!(teach >= least) && width != widths.Min()) continue;
            teach = Math.Max(teach, least);
            double test = of.Costs.Question(n, teach, 0, 1);
            return new(new(width, teach, 0, 1), teach, test, teach + queries * test,
                Estimate.Of(teach <= 1.001 * most ? of.Surface.At(n, teach, 0, 1) : double.NaN));
        }
        throw new InvalidOperationException("a grid has widths");
    }

    /// <summary>Cells of the grid, seeds together.</summary>
    static IEnumerable<Priced> Measured(IEnumerable<FrontierCell> cells, double queries) => cells
        .GroupBy(c => (c.Width, Teach: (int)Math.Round(20 * Math.Log(c.TeachFlops)), c.Steps, c.Budget)).Select(g =>
        {
            double train = g.Average(c => c.TrainFlops), test = g.Average(c => c.TestFlops);
            return new Priced(new(g.Key.Width, g.Average(c => c.TeachFlops), g.Key.Steps, g.Key.Budget), train, test, train +
                queries * test,
                Accuracy(g));
        });

    /// <summary>Over seeds and items.</summary>
    static Estimate Accuracy(IEnumerable<FrontierCell> seeds) =>
        TwoLevel.OfShares([.. seeds.Select(c => c.Accuracy)], seeds.Min(c => c.Items)).Share(seeds.Min(c => c.Items));

    /// <summary>File of a forecast in the study's folder.</summary>
    static string FileOf(Frontier of, SpendForecast f, string end) =>
        Path.Combine(of.Folder, FormattableString.Invariant($"spend-{f.Flops:0.##e0}-{f.Queries:0.##e0}{end}.json"));

    /// <summary>Writes the forecast, once; a later one of the same budget is not put in its place.</summary>
    public static string Write(Frontier of, SpendForecast forecast)
    {
        string file = FileOf(of, forecast, "");
        if (!File.Exists(file))
            JsonFile.Write(file, forecast, new("spend"), FrontierJson.Default.SpendForecast);
        return file;
    }

    /// <summary>Trains and questions the chosen compute split, the best cell and all into size on seeds that the grid has not
    /// seen.</summary>
    public static SpendCheck Check(Frontier of, SpendForecast forecast, Workspace here)
    {
        int done = 0;
        var runs = new FrontierRuns(of.Recipe,
            here.Part(p => p with { Done = done, Total = 3 * FreshSeeds, Unit = "models" }));
        Priced[] fresh = [.. ((Priced[])[forecast.Best, forecast.BestCell, forecast.AllSize]).Select(p =>
        {
            List<FrontierCell> cells = [];
            for (int s = 0; s < FreshSeeds; s++, done++)
                cells.AddRange(runs.Of(p.Split.Width, p.Split.TeachFlops, [p.Split.Steps], [p.Split.Budget], FirstFresh + s));
            double train = cells.Average(c => c.TrainFlops), test = cells.Average(c => c.TestFlops);
            return p with
            {
                TrainFlops = train,
                TestFlops = test,
                Flops = train + forecast.Queries * test,
                Accuracy = Accuracy(cells),
            };
        })];
        // The items are the same; seeds of two splits have nothing else in common.
        var check = new SpendCheck(forecast, fresh[0], fresh[1], fresh[2],
            ExactShare.Difference(fresh[1].Accuracy, fresh[0].Accuracy),
            ExactShare.Difference(fresh[0].Accuracy, fresh[2].Accuracy));
        JsonFile.Write(FileOf(of, forecast, "-check"), check, new("spend_check"), FrontierJson.Default.SpendCheck);
        return check;
    }
}
