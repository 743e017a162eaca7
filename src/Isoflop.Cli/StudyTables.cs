using System.Globalization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using MathNet.Numerics.Statistics;

namespace Isoflop.Cli;

/// <summary>A study as text: its plan with the price, its results.</summary>
static class StudyTables
{
    /// <summary>A line for each budget and size, seeds together, and the sum.</summary>
    public static void Plan(TextWriter output, IReadOnlyList<PlannedRun> runs, double? upTo, int workers, Workspace here)
    {
        var rows = new List<string[]>
        {
            new[] { "budget", "phase", "width", "layers", "params", "no emb.", "tokens", "epochs", "steps", "batch", "rate",
                "runs",
                "done", "FLOPs", "memory", "time", "" },
        };
        Ladder.Place place = Ladder.PlaceOf(here, workers);
        double threadFlops = place.PeakFlops;
        var there = StudyResult.Of(here, runs).Select(r => r.Run.Name).ToHashSet();
        foreach (var cell in runs.GroupBy(r => (r.Phase, r.Budget, r.DModel, r.Phase == Phase.Tune ? 0 : r.Steps)))
        {
            PlannedRun r = cell.First();
            bool tune = r.Phase == Phase.Tune;
            rows.Add([I($"{r.Budget:0.##e0}"), r.Phase.ToString().ToLowerInvariant(), I($"{r.DModel}"), I($"{r.NLayer}"),
                Q(r.Parameters),
                Q(r.ParametersWithoutEmbedding), Q(r.Tokens), I($"{r.Epochs:0.##}"), tune ? "grid" : I($"{r.Steps}"),
                tune ? "grid" : I($"{r.BatchTokens}"), tune ? "grid" : I($"{r.LearningRate:0.####}"), I($"{cell.Count()}"),
                I($"{cell.Count(c => there.Contains(c.Name))}"), I($"{cell.Sum(c => c.NewFlops):0.0e0}"),
                Format.Quantity(r.MemoryOn(place.Device), "B"),
                ProgressLine.Span(cell.Sum(c => c.SecondsAt(threadFlops)) / workers),
                Left(r, upTo) ? "later" : r.Phase == Phase.Ladder && r.Excluded.Length > 0 ? "not law: " + r.Excluded : ""]);
        }
        TextTable.Write(output, rows, 1, 16);
        PlannedRun[] now = [.. runs.Where(r => !Left(r, upTo))], open = [.. now.Where(r => !there.Contains(r.Name))];
        double apart = runs.Where(r => r.Phase == Phase.Ladder).Sum(r => r.Flops), spent = runs.Where(r =>
            r.Phase is Phase.Ladder or Phase.Trunk).Sum(r => r.NewFlops);
        if (runs.Any(r => r.Phase == Phase.Trunk))
            output.WriteLine(I($"trunks: {spent:0.00e0} FLOPs instead of {apart:0.00e0}: {100 * (1 - spent / apart):0} % saved"));
        if (now.FirstOrDefault(r => r.Epochs > 1) is { } repeats)
            output.WriteLine(I($"the text repeats from {repeats.Budget:0.##e0} FLOPs on (width {repeats.DModel}: ") +
                I($"{repeats.Epochs:0.0} epochs)"));
        output.WriteLine(I($"{open.Length} runs to train of {now.Length}, {open.Sum(r => r.NewFlops):0.00e0} FLOPs, about ") +
            ProgressLine.Span(open.Sum(r => r.SecondsAt(threadFlops)) / workers) +
            I($" with {workers} runs side by side, ") + (place.OnHost
                ? I($"{Threads(here.Cores / workers)} each, at {threadFlops / 1e9:0} GFLOP/s a core; ")
                : I($"on {place.Device.Name}, at most {threadFlops / 1e12:0.0} TFLOP/s each; ")) +
            $"memory {Format.Quantity(now.Select(r => r.MemoryOn(place.Device)).OrderDescending().Take(workers).Sum(), "B")}");
    }

    static string Threads(int count) => count < 2 ? "one thread" : I($"{count} threads");

    /// <summary>Asks on a terminal whether to start.</summary>
    /// <exception cref="ConfigException">No, or there is nobody to ask.</exception>
    public static void Ask(Invocation call, bool yes)
    {
        if (yes) return;
        if (Console.IsInputRedirected) throw new ConfigException("nothing was started: add --yes to train these runs");
        call.Err.Write("start? [y/N] ");
        if (Console.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes")) throw new ConfigException("nothing was started");
    }

    static bool Left(PlannedRun r, double? upTo) => upTo is { } most ? r.Budget > most * 1.001
        && r.Phase is Phase.Ladder or Phase.Trunk
        : r.Later;

    /// <summary>A line for each budget and size: mean loss over seeds, and which is best.</summary>
    public static void Results(TextWriter output, LadderResult result)
    {
        if (result.Study.Record.Tuning is { } tuning) output.WriteLine($"tuning: {tuning.Note}");
        double tuned = result.Tuned.Sum(r => r.Spent), spent = result.Results.Sum(r => r.Spent);
        var rows = new List<string[]> { new[] { "budget", "width", "params no emb.", "tokens", "loss", "± seeds", "bits/byte",
            "" } };
        foreach (var budget in result.Results.Where(r => r.Run.Phase == Phase.Ladder).GroupBy(r => r.Run.Budget))
        {
            var sizes = budget.GroupBy(r => r.Run.DModel).ToList();
            int best = sizes.MinBy(s => s.Average(r => r.Loss))!.Key;
            foreach (var size in sizes.OrderBy(s => s.Key))
            {
                double mean = size.Average(r => r.Loss), sd = size.Select(r => r.Loss).StandardDeviation();
                StudyResult r = size.First();
                rows.Add([I($"{budget.Key:0.##e0}"), I($"{size.Key}"), Q(r.Run.ParametersWithoutEmbedding), Q(r.Tokens),
                    I($"{mean:0.0000}"),
                    double.IsNaN(sd) ? "-" : I($"{sd:0.0000}"), I($"{size.Average(x => x.BitsPerByte):0.0000}"),
                    (size.Key == best ? "best " : "") + r.Run.Excluded]);
            }
        }
        TextTable.Write(output, rows, 7);
        output.WriteLine(I($"{Path.Combine(result.Study.Folder, Study.ResultsFile)}\t{result.Results.Count} runs, ") +
            I($"{spent:0.00e0} FLOPs; ") +
            I($"tuning {tuned:0.00e0}; {result.Failed.Count} failed"));
    }

    /// <summary>The first pictures in characters, the law, its verdict, and over how many decades it survives.</summary>
    public static void Findings(TextWriter output, StudyFindings f, int pictures)
    {
        foreach ((_, Chart chart) in f.Charts.Take(pictures)) output.WriteLine(chart.Terminal() + Environment.NewLine);
        output.WriteLine($"law       {Symbols.In(f.Law.Formula)}, N = {f.Law.NMeaning}");
        if (f.Law.Identified)
            output.WriteLine("          " + string.Join(", ", f.Law.Parameters.Select(p =>
                I($"{Symbols.In(p.Name)} {p.Estimate.Value:0.###e0} ({p.Estimate.Ends("0.##e0")})"))));
        output.WriteLine($"verdict   {Symbols.In(f.Law.Verdict.Text)}");
        output.WriteLine(f.Longest is { } l
            ? I($"survives  {l.Span}, {l.From:0.##e0} to {l.To:0.##e0} FLOPs: {Symbols.In(l.Law.Formula)}; ") +
                I($"largest mean residual of a budget {100 * l.Worst:0.0} %")
            : "survives  no stretch of three budgets: the law misses them by more than their seeds scatter");
        if (f.Forecaster.Regime is { Length: > 0 } regime) output.WriteLine($"regime    {regime}");
        if (f.Collapse is { } collapse) output.WriteLine($"collapse  {collapse.Says}");
        output.WriteLine($"next      {LawText.Next(f.Law, f.SecondsPerFlop)}");
        output.WriteLine($"report    {f.Page}");
    }

    static string Q(double value) => Format.Quantity(value, "").TrimEnd();

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
