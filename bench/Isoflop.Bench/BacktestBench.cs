using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;

namespace Isoflop.Bench;

/// <summary>How often forecasts of finished studies held, all studies together: each fitted below each of its budgets.</summary>
static class BacktestBench
{
    /// <param name="tables">results.csv of studies</param>
    public static void Run(IEnumerable<string> tables)
    {
        Console.WriteLine("| study | cuts | runs | held | mean error | with sign | line | forms |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        List<BacktestRow> all = [];
        foreach (string path in tables)
        {
            Backtest test = Forecasts.Backtest(StudyResult.Read(path), options: new() { Bootstraps = 200 });
            all.AddRange(test.Rows);
            foreach (BacktestRow r in test.Rows)
                Console.Error.WriteLine($"{r.Cut:0.##e0} {r.Budget:0.##e0} {r.Form} {r.Inside}/{r.Judged} {r.SignedError:P1}");
            Write(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) + "/" + Path.GetFileName(path), test.Rows);
        }
        Write("all", all);
        foreach ((string what, double from, double to) in ((string, double, double)[])[("to 3 times", 1, 3.5), ("to 10 times", 3.5, 11),
            ("beyond", 11, 1e9)])
            Write(what, [.. all.Where(r => r.Budget / r.Cut > from && r.Budget / r.Cut <= to)]);
        // One a cut and budget, the best size: runs of one cell share their error.
        int rows = all.Count(r => r.Judged > 0), held = all.Count(r => r.Judged > 0 && 2 * r.Inside > r.Judged);
        Estimate share = Forecasts.CoverageOf(held, rows);
        Console.WriteLine($"\nOf {rows} pairs of cut and budget most runs lay inside in {held}: {Percent(share)}");
    }

    static void Write(string name, IReadOnlyList<BacktestRow> rows)
    {
        int judged = rows.Sum(r => r.Judged), inside = rows.Sum(r => r.Inside);
        Console.WriteLine($"| {name} | {rows.Select(r => r.Cut).Distinct().Count()} | {judged} | " +
            $"{Percent(Forecasts.CoverageOf(inside, judged))} | {rows.Average(r => r.RelativeError):P1} | {rows.Average(r => r.SignedError):+0.0 %;-0.0 %} | " +
            $"{rows.Where(r => double.IsFinite(r.LineError)).Average(r => r.LineError):P1} | " +
            $"{string.Join(", ", rows.GroupBy(r => r.Form).OrderByDescending(g => g.Count()).Select(g => $"{g.Key} {g.Count()}"))} |");
    }

    static string Percent(Estimate e) => $"{100 * e.Value:0} % ({100 * e.Low:0}–{100 * e.High:0})";
}
