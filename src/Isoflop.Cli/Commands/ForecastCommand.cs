using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop forecast</c> and <c>isoflop score</c>: written before the run, judged after it.</summary>
static class ForecastCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("study") { Description = "The study", Arity = ArgumentArity.ZeroOrOne };
        var flops = new Option<double?>("--flops") { Description = "Budget of the run to predict", HelpName = "X" };
        var below = new Option<double?>("--below") { Description = "Fit budgets up to this alone", HelpName = "X" };
        var backtest = new Option<bool>("--backtest") { Description = "Fit below each budget of the study, predict those above" };
        var table = new Option<string?>("--table")
        {
            Description = "With --backtest: results.csv of a study whose runs are gone",
            HelpName = "FILE",
        };
        var verb = new Verb("forecast",
            "Predict a run's loss with an interval and write it down, before the run. 'isoflop score' checks it.",
            "isoflop forecast decades --flops 1e14",
            "isoflop forecast decades --flops 1e14 --below 1e12     from a hundredth of the compute",
            "isoflop forecast decades --backtest",
            "isoflop forecast --table results/decades/results.csv --backtest") { name, flops, below, backtest, table };
        verb.Runs(call =>
        {
            string? file = call.Parsed.GetValue(table);
            if (call.Parsed.GetValue(name) is null == file is null)
                throw new ConfigException("give a study, or --table FILE with --backtest");
            if (file is not null && !call.Parsed.GetValue(backtest))
                throw new ConfigException("--table FILE has no runs to forecast: give --backtest too, or a study");
            Study? study = file is null ? Study.Open(call.Here, call.Parsed.GetValue(name)!) : null;
            if (call.Parsed.GetValue(backtest) || study is null)
            {
                Backtest tested = study is null ? Forecasts.Backtest(StudyResult.Read(file!), stop: call.Stop)
                    : Forecasts.Backtest(study, call.Here);
                if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(tested, ForecastCommandJson.Default.Backtest));
                else Write(call.Out, tested);
                return 0;
            }
            double budget = call.Parsed.GetValue(flops) ?? throw new ConfigException("--flops is missing; try --flops " +
                "1e14, or --backtest");
            Forecast f = Forecasts.Write(study, call.Here, budget, call.Parsed.GetValue(below));
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(f, ForecastCommandJson.Default.Forecast));
            else Write(call.Out, study, f);
            return 0;
        });
        return verb;
    }

    public static Command CreateScore()
    {
        var name = new Argument<string>("study") { Description = "The study" };
        var id = new Option<int?>("--id") { Description = "Number of the forecast; the newest without a score", HelpName = "N" };
        var verb = new Verb("score", "Train the run of a forecast, or take it, and write down what was measured.",
            "isoflop score decades", "isoflop score decades --id 1 --json") { name, id };
        verb.Runs(call =>
        {
            Study study = Study.Open(call.Here, call.Parsed.GetValue(name)!);
            (Forecast f, Score s) = Forecasts.Check(study, call.Here, call.Parsed.GetValue(id));
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(s, ForecastCommandJson.Default.Score));
            else
            {
                Write(call.Out, study, f);
                Write(call.Out, s);
            }
            return 0;
        });
        return verb;
    }

    internal static void Write(TextWriter output, Study study, Forecast f)
    {
        output.WriteLine(I($"forecast {f.Id} of '{study.Name}', written {f.Created:yyyy-MM-dd HH:mm:ss} UTC ") +
            (f.Before ? "before its run" : "AFTER its run was done: a check of the fit, not a forecast"));
        output.WriteLine(I($"  law          {Symbols.In(f.Form)}, {f.Points} runs up to {f.Below:0.##e0} FLOPs: ") +
            I($"1/{f.Flops / f.Below:0} of the compute"));
        if (double.IsFinite(f.ErrorPerDecade))
            output.WriteLine(I($"  tried        {100 * f.ErrorPerDecade:0.0} % off a decade when fitted below each budget") +
                (double.IsFinite(f.SignedPerDecade)
                    ? I($", with signs {100 * f.SignedPerDecade:+0.0;-0.0} % (measured − said)") : "") +
                ": part of the interval");
        output.WriteLine(I($"  run          {f.Run.Name}: ") +
            I($"{f.Run.ParametersWithoutEmbedding:N0} parameters without the embedding, ") +
            I($"{f.Run.Tokens:N0} tokens"));
        output.WriteLine(I($"  loss         {f.Loss.Value:0.0000} nats/token ") +
            $"(95 %: {f.Loss.Ends("0.0000")}), " +
            I($"{f.BitsPerByte.Value:0.0000} bits/byte ({f.BitsPerByte.Ends("0.0000")})"));
        output.WriteLine(I($"  line         {f.Line:0.0000} nats/token: straight in log–log through the best of each budget"));
        if (f.Regime.Length > 0) output.WriteLine($"  regime       {f.Regime}");
        foreach (string warning in f.Beware) output.WriteLine($"  beware       {warning}");
    }

    internal static void Write(TextWriter output, Score s)
    {
        output.WriteLine(I($"  measured     {s.Loss:0.0000} nats/token, {s.BitsPerByte:0.0000} bits/byte"));
        output.WriteLine(I($"  error        {100 * s.RelativeError:+0.00;-0.00} % of the loss, ") +
            I($"{100 * s.ReducibleError:+0.0;-0.0} % of the reducible loss"));
        output.WriteLine(I($"  skill        {s.Skill:0.00} against the line; the interval ") +
            I($"{(s.Inside ? "held" : "did not hold")}"));
    }

    static void Write(TextWriter output, Backtest t)
    {
        var rows = new List<string[]> { new[] { "fitted to", "predicted", "runs", "inside 95 %", "error", "with sign",
            "best size", "line", "form" } };
        foreach (BacktestRow r in t.Rows)
            rows.Add([I($"{r.Cut:0.##e0}"), I($"{r.Budget:0.##e0}"), I($"{r.Runs}"), r.Judged == 0 ? "-" : I($"{r.Inside}"),
                I($"{100 * r.RelativeError:0.00} %"), I($"{100 * r.SignedError:+0.00;-0.00} %"),
                I($"{100 * r.BestError:0.00} %"), double.IsNaN(r.LineError) ? "-" : I($"{100 * r.LineError:0.00} %"),
                r.Form]);
        TextTable.Write(output, rows, 9);
        foreach (string refused in t.Refused) output.WriteLine(refused);
        output.WriteLine(t.Runs == 0 ? "nothing could be predicted"
            : I($"{100 * t.Coverage.Value:0} % of {t.Runs} predictions inside their 95 % interval (95 % binomial: ") +
                I($"{100 * t.Coverage.Low:0}–{100 * t.Coverage.High:0} %; predictions of one fit are not independent)"));
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(Forecast))]
[JsonSerializable(typeof(Score))]
[JsonSerializable(typeof(Backtest))]
sealed partial class ForecastCommandJson : JsonSerializerContext;
