using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tables;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Frontiers;

/// <summary>Training and test compute that give one accuracy.</summary>
/// <param name="Points">FLOPs a question, least FLOPs of training; the interval over whole runs drawn again</param>
/// <param name="Slope">of the training's logarithm against the question's: how many times less training ten times the thought
/// replaces, in powers of ten</param>
sealed record IsoAccuracy(double Accuracy, IReadOnlyList<(double Test, Estimate Train)> Points, Estimate Slope);

/// <summary>
/// Accuracy over size, demonstrations, reinforcement and thought on one grid, and what of them can replace another. Jones 2021,
/// arXiv:2104.03113, asked it of Hex: ten times the training bought about fifteen times less search.
/// </summary>
sealed class Frontier
{
    const int Fine = 9;
    const string TableFile = "cells.csv";
    static readonly Format format = new("frontier");

    internal Frontier(FrontierRecipe recipe, string folder, IReadOnlyList<FrontierCell> cells)
    {
        (Recipe, Folder, Cells) = (recipe, folder, cells);
        Surface = new(cells, 1);
        Costs = new(cells);
        Lines = [.. ((double[])[0.5, 0.6, 0.7, 0.8, 0.9, 0.95]).Select(LineOf).OfType<IsoAccuracy>()];
    }

    /// <summary>The grid.</summary>
    public FrontierRecipe Recipe { get; }
    /// <summary>All that was measured.</summary>
    public IReadOnlyList<FrontierCell> Cells { get; }
    /// <summary>By accuracy; those that the grid does not reach, or never falls below, are left out.</summary>
    public IReadOnlyList<IsoAccuracy> Lines { get; }
    internal AccuracySurface Surface { get; }
    internal CostModel Costs { get; }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>Does what is left of a grid and looks at all of it.</summary>
    /// <exception cref="ConfigException">A broken rule; a study of that name with another recipe.</exception>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static Frontier Run(FrontierRecipe recipe, Workspace here)
    {
        string folder = Begin(recipe, here);
        List<FrontierCell>[] cells = new List<FrontierCell>[ModelsOf(recipe).Count];
        Do(recipe, here, cells);
        var found = new Frontier(recipe, folder, [.. cells.SelectMany(c => c)]);
        found.Write();
        return found;
    }

    /// <summary>Takes the study's folder.</summary>
    /// <exception cref="ConfigException">A broken rule; a study of that name with another recipe.</exception>
    public static string Begin(FrontierRecipe recipe, Workspace here)
    {
        recipe.Check();
        string folder = here.StudyFolder(recipe.Name), file = Path.Combine(folder, "frontier.json");
        if (File.Exists(file) && !Same(RecipeOf(file), recipe))
            throw new ConfigException($"{file} is of another recipe; choose another name, or give the same settings");
        if (!File.Exists(file)) JsonFile.Write(file, recipe, format, FrontierJson.Default.FrontierRecipe);
        return folder;
    }

    /// <summary>As one of several workers: its share of the models, until all are done.</summary>
    /// <returns>those that failed</returns>
    public static IReadOnlyList<FailedRun> Work(FrontierRecipe recipe, Workspace here) =>
        Do(recipe, here, new List<FrontierCell>[ModelsOf(recipe).Count]);

    /// <summary>Models of the grid, each taught, reinforced and questioned by itself.</summary>
    public static IReadOnlyList<(int Seed, int Width, double Teach)> ModelsOf(FrontierRecipe recipe) =>
        [.. from seed in Enumerable.Range(1, recipe.Seeds)
            from width in recipe.Widths
            from teach in recipe.Teach
            select (seed, width, teach)];

    static IReadOnlyList<FailedRun> Do(FrontierRecipe recipe, Workspace here, List<FrontierCell>[] cells)
    {
        int[] budgets = [.. Enumerable.Range(0, 13).Select(i => 1 << i).Where(b => b <= recipe.Budget)];
        return Pieces.Do(here, [.. ModelsOf(recipe).Index().Select(m =>
            new Piece(FrontierRuns.NameOf(recipe, m.Item.Width, m.Item.Teach, m.Item.Seed), there =>
            {
                cells[m.Index] = [.. new FrontierRuns(recipe, there).Of(m.Item.Width, m.Item.Teach, recipe.AllSteps, budgets,
                    m.Item.Seed)];
                return true;
            }))]);
    }

    /// <summary>Opens a study that is done.</summary>
    /// <exception cref="ConfigException">There is none of that name, or it is not done.</exception>
    public static Frontier Open(string name, Workspace here)
    {
        FrontierRecipe recipe = Find(name, here);
        if (!File.Exists(Path.Combine(here.StudyFolder(name), TableFile)))
            throw new ConfigException($"frontier '{name}' is not done; 'isoflop frontier {name}' goes on with it");
        return Run(recipe, here);
    }

    /// <summary>What a study was begun with.</summary>
    /// <exception cref="ConfigException">There is none of that name.</exception>
    public static FrontierRecipe Find(string name, Workspace here)
    {
        string file = Path.Combine(here.StudyFolder(name), "frontier.json");
        return name.Length > 0 && File.Exists(file) ? RecipeOf(file) : throw new ConfigException(
            $"there is no frontier '{name}' below {here.Root}; 'isoflop frontier {name} --task TASK' makes one");
    }

    static FrontierRecipe RecipeOf(string file) => JsonFile.Read(file, format, FrontierJson.Default.FrontierRecipe,
        tree => SettingsJson.Renew(tree, FrontierJson.Default.FrontierRecipe));

    static bool Same(FrontierRecipe a, FrontierRecipe b) => JsonNode.DeepEquals(
        SettingsJson.IdentityTree(a, FrontierJson.Default.FrontierRecipe),
        SettingsJson.IdentityTree(b, FrontierJson.Default.FrontierRecipe));

    /// <summary>The only frontier of a task.</summary>
    /// <exception cref="ConfigException">There is none, or more than one.</exception>
    public static string NameOf(string task, Workspace here)
    {
        string studies = here.Studies;
        string[] names = [.. (Directory.Exists(studies) ? Directory.GetDirectories(studies) : [])
            .Select(d => Path.Combine(d, "frontier.json")).Where(File.Exists)
            .Select(RecipeOf)
            .Where(r => task.Length == 0 || r.Task == task).Select(r => r.Name).Order(StringComparer.Ordinal)];
        return names.Length == 1 ? names[0] : throw new ConfigException(
            $"{(names.Length == 0 ? "no frontier" : $"{names.Length} frontiers ({string.Join(", ", names)})")} of " +
            $"{(task.Length == 0 ? "any task" : $"task '{task}'")} below {here.Root}; " +
            (names.Length == 0 ? "'isoflop frontier NAME --task TASK' makes one" : "name the study"));
    }


    void Write()
    {
        using (StreamWriter csv = new(Path.Combine(Folder, TableFile))) ToTable().WriteCsv(csv);
        Chart.Save(Path.Combine(Folder, "frontier.svg"), [.. Charts()]);
    }

    /// <summary>Cells as a table.</summary>
    public Table ToTable() => Table.Of(Cells, ("width", c => (long)c.Width), ("parameters", c => c.Parameters),
        ("seed", c => c.Seed), ("teach_flops", c => c.TeachFlops), ("rl_steps", c => (long)c.Steps), ("rl_flops", c => c.RlFlops),
        ("replies", c => (long)c.Budget), ("test_flops", c => c.TestFlops), ("right", c => (long)c.Right),
        ("items", c => (long)c.Items));

    // ---- lines of one accuracy ------------------------------------------------------------------------------------------------

    /// <summary>Points between those of the grid: parameters, demonstrations, reinforcement, replies.</summary>
    internal IEnumerable<(double N, double Teach, int Steps, double Rl, double Budget)> Points()
    {
        static IEnumerable<double> Between(double low, double high) => Enumerable.Range(0, Fine).Select(i =>
            low * Math.Pow(high / low, i / (Fine - 1.0)));
        int[] steps = [0, .. Between(Recipe.Steps / 4, Recipe.Steps).Select(s => (int)Math.Round(s)).Distinct()];
        foreach (double n in Between(Cells.Min(c => c.Parameters), Cells.Max(c => c.Parameters)))
            foreach (double teach in Between(Cells.Min(c => c.TeachFlops), Cells.Max(c => c.TeachFlops)))
                foreach (int s in steps)
                    foreach (double budget in Between(1, Recipe.Budget))
                        yield return (n, teach, s, Costs.Reinforcement(n, s), budget);
    }

    IsoAccuracy? LineOf(double accuracy)
    {
        var points = Points().Select(p => (p.N, p.Teach, p.Rl, p.Budget, Train: p.Teach + p.Rl,
            Test: Costs.Question(p.N, p.Teach, p.Rl, p.Budget))).OrderBy(p => p.Test).ToList();
        const int Places = 24;
        double low = points[0].Test, high = points[^1].Test;
        double[] places = [.. Enumerable.Range(1, Places).Select(i => low * Math.Pow(high / low, i / (double)Places))];
        double[] fit = Least(-1);
        if (!fit.Any(double.IsFinite)) return null;
        double cheapest = points.Min(p => p.Train);
        // A line that is the grid's cheapest model at every place says nothing.
        if (fit.Where(double.IsFinite).All(t => t <= cheapest * 1.0001)) return null;
        double[][] drawn = [.. Enumerable.Range(0, Surface.Draws).Select(Least)];
        Estimate[] at = [.. Enumerable.Range(0, Places).Select(i =>
        {
            // not reached: infinite, and so in the interval
            double[] sorted = [.. drawn.Select(d => d[i]).Order()];
            return new Estimate(fit[i], sorted[(int)(0.025 * sorted.Length)], sorted[(int)(0.975 * sorted.Length)]);
        })];
        double[] slopes = [.. drawn.Select(SlopeOf).Where(double.IsFinite).Order()];
        return new(accuracy, [.. places.Zip(at).Where(p => double.IsFinite(p.Second.Value))],
            slopes.Length < 20 ? Estimate.Of(SlopeOf(fit))
                : new(SlopeOf(fit), slopes[(int)(0.025 * slopes.Length)], slopes[(int)(0.975 * slopes.Length)]));

        double[] Least(int draw)
        {
            var least = new double[Places];
            double sofar = double.PositiveInfinity;
            for (int i = 0, p = 0; i < Places; i++)
            {
                for (; p < points.Count && points[p].Test <= places[i] * (1 + 1e-12); p++)
                    if (points[p].Train < sofar
                        && Surface.At(points[p].N, points[p].Teach, points[p].Rl, points[p].Budget, draw) >= accuracy)
                        sofar = points[p].Train;
                least[i] = sofar;
            }
            return least;
        }

        // Where training still falls; a line that has come to the grid's cheapest is censored there.
        double SlopeOf(double[] least)
        {
            var known = places.Zip(least).Where(p => double.IsFinite(p.Second)).ToList();
            int flat = known.FindIndex(p => p.Second <= known[^1].Second * 1.0001);
            if (flat < 2) return double.NaN;
            return Line.Through([.. known.Take(flat + 1).Select(p => Math.Log(p.First))],
                [.. known.Take(flat + 1).Select(p => Math.Log(p.Second))]).Slope;
        }
    }

    /// <summary>Lines of one accuracy; accuracy against thought for each amount of training; against training for each
    /// budget.</summary>
    public IEnumerable<Chart> Charts()
    {
        yield return ThoughtForTraining(
            [.. Lines.Select(l => new ChartSeries(FormattableString.Invariant($"{l.Accuracy:0.00}"),
                [.. l.Points.Select(p => (p.Test, p.Train.Value))])
            {
                Range = [.. l.Points.Select(p => (p.Train.Low, double.IsFinite(p.Train.High) ? p.Train.High : p.Train.Value))],
            })], Points().Min(p => p.Teach + p.Rl), $"{Recipe.Task}, {Recipe.Strategy}");
        double teach = Cells.Max(c => c.TeachFlops) / 1.05;      // seeds of one amount differ a little
        foreach (Chart chart in Chart.OfShares(Cells.Where(c => c.TeachFlops > teach).GroupBy(c => c.Width).OrderBy(g => g.Key)
            .Select(OfWidth))) yield return chart;
    }

    Chart OfWidth(IGrouping<int, FrontierCell> width) => new($"Accuracy against thought: width {width.Key}",
        "FLOPs a question, at test time", "accuracy, held-out items", [.. width.GroupBy(c => c.Steps).OrderBy(g => g.Key)
        .Select(line =>
        {
            var points = line.GroupBy(c => c.Budget).OrderBy(g => g.Key).Select(g => (X: g.Average(c => c.TestFlops),
                Y: Estimate.OfMean([.. g.Select(c => c.Accuracy)]))).ToList();
            return new ChartSeries($"{line.Key}", [.. points.Select(p => (p.X, p.Y.Value))])
            {
                Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null : [.. points.Select(p => (p.Y.Low, p.Y.High))],
            };
        })])
    {
        LegendTitle = "steps of RL",
        Subtitle = FormattableString.Invariant($"after {Recipe.Teach.Max():0.#e0} FLOPs of demonstrations; ") +
            "areas: 95 % over seeds",
    };

    /// <param name="least">training of the grid's cheapest model: where a line lies there, less would perhaps do</param>
    internal static Chart ThoughtForTraining(IReadOnlyList<ChartSeries> lines, double least, string of) =>
        new("What thought can replace", "FLOPs a question, at test time", "FLOPs of training, least",
            [.. lines, ChartSeries.AtY("≤ least trained", least)])
        {
            LogY = true,
            Possible = Chart.NotNegative,
            LegendTitle = "accuracy",
            Subtitle = $"{of}; areas: 95 %, whole runs drawn again",
        };
}
