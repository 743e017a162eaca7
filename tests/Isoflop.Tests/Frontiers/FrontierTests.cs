using Isoflop.Lab.Charts;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Frontiers;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Frontiers;

public sealed class FrontierTests : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    static FrontierRecipe Recipe => new() { Name = "planted", Task = "parity:2", Widths = [32, 64, 128], Teach = [1e11, 4e11], Budget = 16 };

    static double Truth(double n, double teach, double rl, double budget) => 1 / (1 + Math.Exp(-(-1.5 + 0.5 * Math.Log(n / 1e5)
        + 0.6 * Math.Log(teach / 1e11) + 0.5 * Math.Log(1 + rl / 1e10) + 0.4 * Math.Log(budget))));

    /// <summary>A grid whose answers are drawn from a known surface.</summary>
    static List<FrontierCell> Planted(ulong seed, int items = 2000)
    {
        List<FrontierCell> cells = [];
        var rng = new Rng(seed, RandomPurpose.Test);
        foreach (int width in (int[])[32, 64, 128])
            foreach (double teach in (double[])[1e11, 4e11])
                for (int s = 1; s <= 3; s++)
                    foreach (int steps in (int[])[0, 10, 20, 40])
                        foreach (int budget in (int[])[1, 2, 4, 8, 16])
                        {
                            long n = 32L * width * width;
                            double rl = steps * 2e4 * n;
                            int right = 0;
                            for (int i = 0; i < items; i++) if (rng.NextDouble() < Truth(n, teach, rl, budget)) right++;
                            cells.Add(new(width, n, teach, steps, rl, budget, 40.0 * n * budget, s, right, items));
                        }
        return cells;
    }

    [Fact]
    public void The_surface_is_the_planted_one_within_its_noise()
    {
        List<FrontierCell> cells = Planted(1);
        var surface = new AccuracySurface(cells, 1, 60);
        foreach (FrontierCell c in cells)
        {
            double truth = Truth(c.Parameters, c.TeachFlops, c.RlFlops, c.Budget);
            // 15 terms from 360 cells of 2,000: a standard error of √(15/360)·√(p(1−p)/2000) is 0.0023; five of them, and the curvature
            // of ln(1 + rl) in another unit.
            Assert.Equal(truth, surface.At(c.Parameters, c.TeachFlops, c.RlFlops, c.Budget), 0.02);
        }
        Isoflop.Lab.Statistics.Estimate e = surface.Forecast(cells[0].Parameters, 2e11, 1e10, 4, 3, 1);
        Assert.True(e.Low < e.Value && e.Value < e.High);
        Assert.InRange(Truth(cells[0].Parameters, 2e11, 1e10, 4), e.Low - 0.02, e.High + 0.02);
        Assert.InRange(surface.RunNoise, 0, 0.1);                                   // binomial alone: 2,000·20 answers a run
    }

    [Fact]
    public void Thought_replaces_training_along_a_line_of_one_accuracy()
    {
        var frontier = new Frontier(Recipe, Path.Combine(home, "studies", Recipe.Name), Planted(2));
        Assert.NotEmpty(frontier.Lines);
        foreach (IsoAccuracy line in frontier.Lines)
        {
            Assert.True(line.Points.Zip(line.Points.Skip(1)).All(p => p.Second.Train.Value <= p.First.Train.Value && p.Second.Test > p.First.Test));
            Assert.True(double.IsNaN(line.Slope.Value) || line.Slope.Value < 0, $"{line.Accuracy}: {line.Slope.Value}");
        }
        Assert.Contains(frontier.Lines, l => l.Slope.High < 0);
        // A line at the grid's cheapest model says only that no more is needed.
        Assert.Contains(frontier.Charts().First().Series, s => s.Name == "≤ least trained" && s.Kind == SeriesKind.AtY
            && s.Points[0].Y <= frontier.Lines.Min(l => l.Points.Min(p => p.Train.Value)));
        foreach (Chart chart in frontier.Charts()) Assert.StartsWith("<svg", chart.Svg(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_spend_keeps_within_its_budget_and_thought_moves_with_the_questions()
    {
        var frontier = new Frontier(Recipe, Path.Combine(home, "studies", Recipe.Name), Planted(3));
        SpendForecast few = Spend.Forecast(frontier, 6e11, 10), many = Spend.Forecast(frontier, 6e11, 2e5);
        foreach (SpendForecast f in (SpendForecast[])[few, many])
        {
            foreach (Priced p in (Priced[])[f.Best, f.BestCell]) Assert.True(p.Flops <= 6e11);
            // What the choice is held against spends as much, though the grid holds no such budget of demonstrations.
            Assert.Equal(f.Best.Flops, f.AllSize.Flops, 1e-6 * f.Best.Flops);
        }
        Assert.Equal(128, few.AllSize.Split.Width);
        Assert.True(few.Best.Split.Budget > many.Best.Split.Budget);                 // questions are dear: less thought for each
        Assert.True(few.AllSize.Split.TeachFlops > 4e11 && double.IsNaN(few.AllSize.Accuracy.Value));       // beyond the grid: not foreseen
        Assert.Equal((0, 1), (few.AllSize.Split.Steps, few.AllSize.Split.Budget));
        Assert.Contains("the cheapest costs", Assert.Throws<ConfigException>(() => Spend.Forecast(frontier, 1e9, 10)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ConfigException>(() => Spend.Forecast(frontier, double.NaN, 10));
        Priced Foreseen(double accuracy) => few.Best with { Accuracy = Estimate.Of(accuracy) };
        Assert.StartsWith("take the surface's split", (few with { Best = Foreseen(0.9), BestCell = Foreseen(0.9) }).Advice);
        Assert.StartsWith("take the best cell", (few with { Best = Foreseen(0.85), BestCell = Foreseen(0.93) }).Advice);
        Assert.Throws<ConfigException>(() => Spend.Forecast(frontier, 1e12, 0));
    }

    /// <summary>
    /// Runs scatter by .3 in the logit. Two seeds a point: draws from themselves have half of the variance of what they estimate. 120
    /// grids: the ratio of variances lies in the χ²'s 99.9 %, which a half does not.
    /// </summary>
    [Fact]
    public void Two_seeds_draws_are_as_wide_as_other_grids_differ()
    {
        const int Grids = 120;
        double[] middle = new double[Grids], drawn = new double[Grids];
        for (int g = 0; g < Grids; g++)
        {
            var rng = new Rng(11, RandomPurpose.Test, g);
            List<FrontierCell> cells = [];
            foreach (int width in (int[])[32, 64, 128])
                foreach (double teach in (double[])[1e11, 2e11, 4e11])
                    for (int s = 1; s <= 2; s++)
                    {
                        double run = 0.3 * rng.NextNormal();
                        foreach (int steps in (int[])[0, 20])
                            foreach (int budget in (int[])[1, 4])
                            {
                                long n = 32L * width * width;
                                double rl = steps * 2e4 * n, p = Truth(n, teach, rl, budget), moved = 1 / (1 + (1 - p) / p * Math.Exp(-run));
                                cells.Add(new(width, n, teach, steps, rl, budget, 40.0 * n * budget, s, (int)Math.Round(moved * 4000), 4000));
                            }
                    }
            var surface = new AccuracySurface(cells, 1, 60);
            double At(int draw) => Math.Log(1 / (1 / surface.At(32 * 64 * 64, 2e11, 1e10, 2, draw) - 1));
            middle[g] = At(-1);
            drawn[g] = Variance([.. Enumerable.Range(0, surface.Draws).Select(At)]);
        }
        double ratio = Variance(middle) / drawn.Average(), df = Grids - 1;
        Assert.InRange(ratio, MathNet.Numerics.Distributions.ChiSquared.InvCDF(df, 0.0005) / df, MathNet.Numerics.Distributions.ChiSquared.InvCDF(df, 0.9995) / df);

        static double Variance(double[] x) => x.Sum(v => Math.Pow(v - x.Average(), 2)) / (x.Length - 1);
    }

    [Fact]
    public void Three_seeds_all_right_are_not_certain()
    {
        // 256 items, right three times: at 95 % the share is .9857 at least, (.025)^(1/256); a difference of two such is no more certain.
        Estimate all = TwoLevel.OfShares([1, 1, 1], 256).Share(256);
        Assert.Equal((1, Math.Pow(0.025, 1 / 256.0)), (all.High, Math.Round(all.Low, 12)), new Close());
        Estimate none = ExactShare.Difference(all, all);
        Assert.Equal(0, none.Value);
        Assert.Equal(1 - all.Low, none.High, 12);
        Assert.Equal(-none.High, none.Low, 12);
        Estimate some = TwoLevel.OfShares([0.9, 0.95, 1], 256).Share(256);
        Assert.True(some.Low > 0.5 && some.High is > 0.98 and <= 1 && some.Low < 0.9);
    }

    sealed class Close : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) a, (double, double) b) => Math.Abs(a.Item1 - b.Item1) < 1e-9 && Math.Abs(a.Item2 - b.Item2) < 1e-9;
        public int GetHashCode((double, double) x) => 0;
    }

    [Fact]
    public void A_small_grid_is_trained_found_again_and_a_spend_checked()
    {
        FrontierRecipe recipe = FrontierRecipe.Load(null, ["name=small", "task=parity:1", "widths=16,32", "teach=2e9,4e9", "steps=4",
            "budget=2", "seeds=2", "items=16", "context=48", "layers=1", "batch=768", "max_new_tokens=16"]);
        Frontier.Begin(recipe, new(home));
        Assert.Contains("'small' is not done; 'isoflop frontier small' goes on", Assert.Throws<ConfigException>(() => Frontier.Open("small", new(home))).Message, StringComparison.Ordinal);
        Frontier done = Frontier.Run(recipe, new(home) { Threads = 2 });
        Assert.Equal(2 * 2 * 2 * 4 * 2, done.Cells.Count);
        Assert.All(done.Cells, c => Assert.True(c.RlFlops >= 0 == c.Steps >= 0 && (c.RlFlops > 0) == (c.Steps > 0) && c.TestFlops > 0));
        Assert.True(File.Exists(Path.Combine(done.Folder, "frontier.svg")));
        Assert.Equal(done.Cells, Frontier.Open("small", new(home) { Threads = 1 }).Cells);
        Assert.Equal("small", Frontier.NameOf("parity:1", new(home)));
        Assert.Equal(done.Cells, ByWorkers(recipe));
        SpendForecast forecast = Spend.Forecast(done, done.Cells.Max(c => c.TrainFlops) * 2, 100);
        Spend.Write(done, forecast);
        SpendCheck check = Spend.Check(done, forecast, new(home) { Threads = 2 });
        Assert.Equal(check.BestCell.Accuracy.Value - check.Best.Accuracy.Value, check.Regret.Value, 1e-12);
        Assert.Contains("another recipe", Assert.Throws<ConfigException>(() => Frontier.Run(recipe with { Items = 17 }, new(home) { Threads = 2 })).Message,
            StringComparison.Ordinal);
        Assert.Contains("there is no frontier", Assert.Throws<ConfigException>(() => Frontier.Open("none", new(home))).Message, StringComparison.Ordinal);
        Assert.Contains("no frontier of task", Assert.Throws<ConfigException>(() => Frontier.NameOf("gcd", new(home))).Message, StringComparison.Ordinal);
    }

    /// <summary>Cells of the grid that two workers did, in another home.</summary>
    static IReadOnlyList<FrontierCell> ByWorkers(FrontierRecipe recipe)
    {
        string other = Directory.CreateTempSubdirectory("isoflop-").FullName, folder = Frontier.Begin(recipe, new(other));
        try
        {
            CrewRecord crew = Crew.Begin(folder, "local:2", 2, 60);
            Thread[] threads = [.. Enumerable.Range(1, 2).Select(i => new Thread(() =>
            {
                Workspace here = Crew.Join(new(other) { Threads = 1 }, folder, $"w{i}", crew.Token);
                using Worker self = here.Claims!.Worker;
                Assert.Empty(Frontier.Work(recipe, here));
            }, 16 << 20))];
            foreach (Thread t in threads) t.Start();
            foreach (Thread t in threads) t.Join();
            Assert.Equal(Frontier.ModelsOf(recipe).Count, Worker.AllOf(folder).Sum(w => w.Done));
            return Frontier.Run(recipe, new(other)).Cells;
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Theory]
    [InlineData("widths=32", "two at least"), InlineData("widths=33,48", "multiples of 16"), InlineData("teach=1e11", "two amounts")]
    [InlineData("steps=6", "multiple of 4"), InlineData("budget=3", "power of two"), InlineData("task=parity:1..2", "one level")]
    [InlineData("strategy=magic", "no strategy"), InlineData("seeds=1", "from 2 to")]
    public void A_grid_that_shows_nothing_is_refused(string edit, string message) => Assert.Contains(message, Assert.Throws<ConfigException>(() =>
        Frontier.Run(FrontierRecipe.Load(null, ["name=bad", "task=parity:1", edit]), new(home))).Message, StringComparison.Ordinal);
}
