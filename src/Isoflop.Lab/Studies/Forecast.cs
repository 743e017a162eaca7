using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>A prediction that was written down, with all that is needed to judge it.</summary>
/// <param name="Id">1, 2, … in a study</param> <param name="Before">the run was not done when this was written</param>
/// <param name="Below">largest budget that was fitted</param> <param name="Points">runs that were fitted</param>
/// <param name="ErrorPerDecade">of the form, tried out on those points: part of the interval; NaN: too few budgets</param>
/// <param name="Run">the run that checks it</param> <param name="Loss">nats a token; 95 % for that run</param>
/// <param name="BitsPerByte">the same</param> <param name="Irreducible">the law's E; reducible loss is what lies above</param>
/// <param name="Line">a straight line in log–log through the best losses at the same budgets</param>
public sealed record Forecast(int Id, DateTime Created, bool Before, double Flops, double Below, int Points, string Form,
    double ErrorPerDecade, PlannedRun Run, Estimate Loss, Estimate BitsPerByte, double Irreducible, double Line)
{
    /// <summary>Mean of those errors with their signs: above 0 the form had said too little. NaN: none.</summary>
    public double SignedPerDecade { get; init; } = double.NaN;

    /// <summary>Whether the frontier accelerates, a sentence; empty: too few budgets to tell.</summary>
    public string Regime { get; init; } = "";

    /// <summary>What speaks against it and no interval holds: sentences.</summary>
    public IReadOnlyList<string> Beware { get; init; } = [];
}

/// <summary>What measured of a forecast.</summary>
/// <param name="RelativeError">(measured − forecast) / measured</param>
/// <param name="ReducibleError">the same in reducible loss</param>
/// <param name="Skill">1 − |error| / |error of the straight line|: above 0 it was better than the line</param>
/// <param name="Inside">the interval held</param>
public sealed record Score(int Id, DateTime Created, string Run, double Loss, double BitsPerByte, double RelativeError,
    double ReducibleError, double Skill, bool Inside);

/// <summary>forecast.json and score.json: lists that only grow.</summary>
sealed record ForecastFile
{
    /// <summary>Oldest first.</summary>
    public IReadOnlyList<Forecast> Forecasts { get; init; } = [];
}

/// <summary>score.json.</summary>
sealed record ScoreFile
{
    /// <summary>Oldest first; a forecast is scored once.</summary>
    public IReadOnlyList<Score> Scores { get; init; } = [];
}

/// <summary>How far the forecasts reach of a law that is fitted below each budget in turn.</summary>
/// <param name="Cut">largest budget fitted</param> <param name="Budget">predicted</param> <param name="Runs">of it</param>
/// <param name="Inside">runs whose loss lay in the 95 % interval; of those that have one</param>
/// <param name="Judged">runs with an interval: none where the form could not be tried before</param>
/// <param name="RelativeError">mean of |error| / loss</param>
/// <param name="SignedError">mean of (measured − said) / measured</param>
/// <param name="LineError">the same of the straight line, against the best size; NaN where there is none</param>
/// <param name="BestError">of the law, against the best size</param> <param name="Form">that was taken</param>
sealed record BacktestRow(double Cut, double Budget, int Runs, int Judged, int Inside, double RelativeError,
    double SignedError, double BestError, double LineError, string Form);

/// <summary>All of them.</summary>
/// <param name="Coverage">share of runs inside their interval, with its own 95 % binomial interval (Clopper–Pearson)</param>
/// <param name="Refused">cuts at which the law was not identified, with the reason</param>
sealed record Backtest(IReadOnlyList<BacktestRow> Rows, int Runs, Estimate Coverage, IReadOnlyList<string> Refused);

/// <summary>Forecasts of a study: written before the run, scored after it, kept for good.</summary>
public static class Forecasts
{
    /// <summary>File names in a study's folder.</summary>
    public const string ForecastFileName = "forecast.json", ScoreFileName = "score.json";

    static readonly Format forecastFormat = new("forecast"), scoreFormat = new("score");

    /// <summary>Predicts a run at a budget and writes it down.</summary>
    /// <param name="below">budgets that may be fitted; null: those below <paramref name="flops"/></param>
    /// <exception cref="DataException">The law is not identified, or the budget is too far: nothing is written.</exception>
    public static Forecast Write(Study study, Workspace here, double flops, double? below = null, LawForm? form = null,
        FitOptions? options = null)
    {
        RunConfig.Budget(flops);
        study.RequireDial();
        using IDisposable? held = study.Lock("forecast.lock");       // a ladder may be under way: the best time for a forecast
        IReadOnlyList<StudyResult> points = [.. StudyPoints.Counted(study, here, below ?? flops)
            .Where(r => r.Run.Budget < flops * 0.999)];
        if (points.Count == 0) throw new ConfigException($"{study.Folder} has no finished run below that budget; train it first");
        Forecaster forecaster = Forecaster.Of(points, form, options, here.Stop);
        Law law = forecaster.Law;
        double size = forecaster.SizeAt(flops);
        LadderPlan plan = LadderPlan.Of(study.Record.Recipe, here);
        PlannedRun run = plan.Check(flops, size, 1, study.Record.FactorsAt(flops));
        Estimate loss = forecaster.Predict(run, run.Tokens);
        double bits = 1 / Math.Log(2) / plan.Corpus.BytesPerToken;
        IReadOnlyList<Forecast> all = All(study);
        var forecast = new Forecast(all.Count + 1, here.Clock.GetUtcNow().UtcDateTime,
            StudyResult.Of(here, run) is null, flops, points.Max(p => p.Run.Budget), points.Count, law.Formula,
            forecaster.ErrorPerDecade, run, loss,
            new(loss.Value * bits, loss.Low * bits, loss.High * bits), double.IsFinite(law["E"].Value) ? law["E"].Value : 0,
            StudyPoints.LineAt(forecaster.Frontier, run.Flops))
        {
            SignedPerDecade = forecaster.SignedPerDecade,
            Regime = forecaster.Regime,
            Beware = Collapse.Of(points, here) is { Fails: true } collapse ? [collapse.Says] : [],
        };
        JsonFile.Write(Path.Combine(study.Folder, ForecastFileName), new ForecastFile { Forecasts = [.. all, forecast] },
            forecastFormat, ForecastJson.Default.ForecastFile);
        return forecast;
    }

    /// <summary>All forecasts of a study, oldest first.</summary>
    public static IReadOnlyList<Forecast> All(Study study) => All(study.Folder);

    /// <summary>The same of a folder.</summary>
    internal static IReadOnlyList<Forecast> All(string folder) =>
        Read(folder, ForecastFileName, forecastFormat, ForecastJson.Default.ForecastFile)?.Forecasts ?? [];

    /// <summary>All scores, oldest first.</summary>
    public static IReadOnlyList<Score> Scores(Study study) => Scores(study.Folder);

    /// <summary>The same of a folder.</summary>
    internal static IReadOnlyList<Score> Scores(string folder) =>
        Read(folder, ScoreFileName, scoreFormat, ForecastJson.Default.ScoreFile)?.Scores ?? [];

    /// <summary>Trains the run of a forecast, or takes it, and writes what measured.</summary>
    /// <param name="id">null: the newest without a score, else the newest</param>
    /// <exception cref="ConfigException">No such forecast.</exception>
    /// <exception cref="DataException">The run cannot be trained.</exception>
    public static (Forecast Forecast, Score Score) Check(Study study, Workspace here, int? id = null)
    {
        using IDisposable? held = study.Lock();
        IReadOnlyList<Forecast> all = All(study);
        IReadOnlyList<Score> scores = Scores(study);
        if (all.Count == 0) throw new ConfigException($"{study.Folder} has no forecast; write one with 'isoflop forecast " +
            $"{study.Name}'");
        Forecast forecast = id is { } wanted
            ? all.FirstOrDefault(f => f.Id == wanted) ?? throw new ConfigException($"forecast {id}: there are 1 to {all.Count}")
            : all.LastOrDefault(f => scores.All(s => s.Id != f.Id)) ?? all[^1];
        if (scores.FirstOrDefault(s => s.Id == forecast.Id) is { } old) return (forecast, old);
        PlannedRun run = ConfigOf(study, here, forecast);
        var queue = new RunQueue(here, "score", [run], here.Cores);
        (IReadOnlyList<StudyResult> results, IReadOnlyList<FailedRun> failed) = queue.Work();
        if (results.Count == 0) throw new DataException($"{run.Name} could not be trained: {failed[0].Reason}");
        StudyResult measured = results[0];
        double error = measured.Loss - forecast.Loss.Value, line = measured.Loss - forecast.Line;
        var score = new Score(forecast.Id, here.Clock.GetUtcNow().UtcDateTime, run.Name, measured.Loss,
            measured.BitsPerByte, error / measured.Loss, error / (measured.Loss - forecast.Irreducible),
            1 - Math.Abs(error) / Math.Abs(line),
            measured.Loss >= forecast.Loss.Low && measured.Loss <= forecast.Loss.High);
        JsonFile.Write(Path.Combine(study.Folder, ScoreFileName), new ScoreFile { Scores = [.. scores, score] }, scoreFormat,
            ForecastJson.Default.ScoreFile);
        Ladder.Tabulate(study, here);
        return (forecast, score);
    }

    /// <summary>The run as the study plans it now: it must still be the one of the forecast.</summary>
    static PlannedRun ConfigOf(Study study, Workspace here, Forecast forecast)
    {
        study.RequireDial();
        LadderPlan plan = LadderPlan.Of(study.Record.Recipe, here);
        PlannedRun then = forecast.Run;
        PlannedRun now = plan.Check(forecast.Flops, then.ParametersWithoutEmbedding, then.Seed,
            study.Record.FactorsAt(forecast.Flops));
        return now.Steps == then.Steps && now.Name == then.Name && now.LearningRate == then.LearningRate ? now
            : throw new DataException($"{study.Folder}: the study now plans {now.Name} otherwise than forecast " +
                $"{forecast.Id} did; " +
                "restore its recipe");
    }

    /// <summary>Fits below each budget in turn and predicts all runs above.</summary>
    internal static Backtest Backtest(Study study, Workspace here, LawForm? form = null, FitOptions? options = null) =>
        Backtest(StudyPoints.Counted(study, here), form, options, here.Stop);

    /// <summary>The same of runs that count.</summary>
    internal static Backtest Backtest(IReadOnlyList<StudyResult> all, LawForm? form = null, FitOptions? options = null,
        CancellationToken stop = default)
    {
        double[] budgets = [.. all.Select(r => r.Run.Budget).Distinct().Order()];
        List<BacktestRow> rows = [];
        List<string> refused = [];
        foreach (double cut in budgets.SkipLast(1))
        {
            StudyResult[] below = [.. all.Where(r => r.Run.Budget <= cut * 1.001)];
            Forecaster forecaster = Forecaster.Of(below, form, (options ?? new()) with { HeldOut = false }, stop);
            if (!forecaster.Law.Identified)
            {
                refused.Add(string.Create(CultureInfo.InvariantCulture, $"up to {cut:0.##e0}: {forecaster.Law.Verdict.Text}"));
                continue;
            }
            foreach (double budget in budgets.Where(b => b > cut * 1.001))
            {
                StudyResult[] above = [.. all.Where(r => r.Run.Budget == budget)];
                // A line speaks of the best size alone.
                if (!forecaster.Law.Form.IsSurface) above = [.. StudyPoints.BestSizes(above)[0]];
                Estimate[] said = [.. above.Select(r => forecaster.Predict(r.Run, r.Tokens))];
                var best = above.Zip(said).GroupBy(p => p.First.Run.DModel).MinBy(g => g.Average(p => p.First.Loss))!;
                double mean = best.Average(p => p.First.Loss), line =
                    StudyPoints.LineAt(forecaster.Frontier, best.Average(p => p.First.Flops));
                rows.Add(new(cut, budget, above.Length, said.Count(e => double.IsFinite(e.Low)),
                    above.Zip(said).Count(p => p.First.Loss >= p.Second.Low && p.First.Loss <= p.Second.High),
                    above.Zip(said).Average(p => Math.Abs(p.First.Loss - p.Second.Value) / p.First.Loss),
                    above.Zip(said).Average(p => (p.First.Loss - p.Second.Value) / p.First.Loss),
                    Math.Abs(mean - best.Average(p => p.Second.Value)) / mean, Math.Abs(mean - line) / mean,
                    forecaster.Law.Form.Name));
            }
        }
        int n = rows.Sum(r => r.Judged), k = rows.Sum(r => r.Inside);
        return new(rows, n, CoverageOf(k, n), refused);
    }

    /// <summary>k of n with the exact interval of Clopper &amp; Pearson 1934.</summary>
    internal static Estimate CoverageOf(int k, int n) => n == 0 ? Estimate.Of(double.NaN)
        : ExactShare.Of(k, n, 0.95) is var (low, high) ? new((double)k / n, low, high) : default;

    static T? Read<T>(string folder, string name, Format format,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonFile.Read(path, format, type);
        }
        catch (DataException e)
        {
            throw new DataException($"{e.Message}; forecasts are never overwritten: restore the file", e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, UnmappedMemberHandling =
        JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ForecastFile))]
[JsonSerializable(typeof(ScoreFile))]
[JsonSerializable(typeof(Backtest))]
sealed partial class ForecastJson : JsonSerializerContext;
