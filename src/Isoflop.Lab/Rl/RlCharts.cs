using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Report;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>Pictures of runs of reinforcement learning, seeds of one recipe together.</summary>
public static class RlCharts
{
    /// <summary>
    /// The first o1 plot: pass@1 on held-out items against the FLOPs of reinforcement, an interval over the seeds, beside what
    /// the first policy does when it is made to think.
    /// </summary>
    /// <param name="runs">names; those whose recipes differ in seed, start and name alone are one line</param>
    /// <exception cref="ConfigException">A run is none of 'isoflop rl', or has no evaluations.</exception>
    public static Chart PassAtOne(IReadOnlyList<string> runs, string home)
    {
        List<ChartSeries> series = [];
        foreach (var line in Lines(runs, home, Evals))
        {
            RlEval[] all = [.. line.SelectMany(r => r.Rows)];
            foreach (var level in all.GroupBy(e => e.Level))
            {
                string name = $"{level.Key}, {line.Key}";
                var points = level.Where(e => e.Form == line.First().Recipe.Form && e.Step > 0).GroupBy(e => e.Step).OrderBy(g =>
                    g.Key)
                    .Select(g => (X: g.Average(e => e.Flops), Y: Estimate.OfMean([.. g.Select(e => e.PassAt1)]))).ToList();
                series.Add(new(name, [.. points.Select(p => (p.X, p.Y.Value))])
                {
                    Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null
                        : [.. points.Select(p => (Math.Max(0, p.Y.Low), Math.Min(1, p.Y.High)))],
                });
                RlEval[] first = [.. level.Where(e => e.Step == 0)];
                double Mean(ReplyForm form) => first.Where(e => e.Form == form).Select(e =>
                    e.PassAt1).DefaultIfEmpty(double.NaN).Average();
                series.Add(ChartSeries.AtY($"{level.Key} before, made to think", Mean(ReplyForm.Think)));
                series.Add(ChartSeries.AtY($"{level.Key} before", Mean(line.First().Recipe.Form)));
            }
        }
        return new Chart("Accuracy against reinforcement", "FLOPs of reinforcement: replies and learning",
            "pass@1, held-out items",
            [.. series.DistinctBy(s => (s.Name, s.Kind))])
        {
            YLimits = (0, 1.02),
            Subtitle = "areas: 95 % over seeds; broken lines: the first policy as it chooses, and made to think",
        };
    }

    /// <summary>Share of replies that think first, and their length, over the steps.</summary>
    /// <exception cref="ConfigException">A run is none of 'isoflop rl'.</exception>
    public static IReadOnlyList<Chart> Habits(IReadOnlyList<string> runs, string home)
    {
        var all = Lines(runs, home, (r, h) => RlRows.ReadSteps(RunFolder.PathOf(h, r))).ToList();
        Chart Of(string title, string y, Func<RlStep, double> of) => new(title, "step", y, [.. all.Select(g =>
        {
            var points = g.SelectMany(r => r.Rows).GroupBy(s => s.Step).OrderBy(s => s.Key)
                .Select(s => (X: (double)s.Key, Y: Estimate.OfMean([.. s.Select(of)]))).ToList();
            return new ChartSeries(g.Key, [.. points.Select(p => (p.X, p.Y.Value))])
            {
                Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null : [.. points.Select(p => (p.Y.Low, p.Y.High))],
            };
        })])
        { LogX = false };
        return [Of("Thinks first", "share of replies", s => s.Thinking) with { YLimits = (0, 1.02) },
            Of("Length of a reply", "tokens", s => s.Length)];
    }

    static List<RlEval> Evals(string run, string home) => RlRows.ReadEvals(RunFolder.PathOf(home, run)) is { Count: > 0 } rows
        ? rows
        : throw new ConfigException($"run '{run}' has no evaluations yet");

    /// <summary>
    /// Runs whose recipes differ in name and seed alone are one line, named by its method and by the settings in which the lines
    /// differ. Starts that end in ".s2" are seeds of one start.
    /// </summary>
    static IEnumerable<IGrouping<string, (RlRecipe Recipe, List<T> Rows)>> Lines<T>(IReadOnlyList<string> runs, string home,
        Func<string, string, List<T>> rows)
    {
        var all = runs.Select(r =>
        {
            RlRecipe recipe = Reinforcement.RecipeOf(r, home);
            string from = Regex.Replace(recipe.From, @"(\.s\d+)?@\d+$", "");
            JsonElement bare = JsonSerializer.SerializeToElement(recipe with { Name = "", Seed = 0, From = from },
                RlJson.Default.RlRecipe);
            return (Recipe: recipe, Bare: bare, Rows: rows(r, home));
        }).ToList();
        string[] differ = [.. all[0].Bare.EnumerateObject().Where(p =>
            all.Any(r => !JsonElement.DeepEquals(p.Value, r.Bare.GetProperty(p.Name))))
            .Select(p => p.Name).Except(["method"])];
        return all.GroupBy(r => string.Join(' ', differ.Select(d => $"{d}={r.Bare.GetProperty(d)}").Prepend(r.Recipe.Method)),
            r => (r.Recipe, r.Rows));
    }
}
