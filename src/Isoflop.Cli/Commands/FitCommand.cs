using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop fit</c>: from points to a law, or to the reason why there is none.</summary>
static class FitCommand
{
    sealed record Options(Argument<string?> Study, Option<string?> Table, Option<string> Form, Option<string?> Objective,
        Option<string?> N, Option<string?> D, Option<string?> C, Option<string?> Loss, Option<string?> X, Option<string?> Y,
        Option<string?> Unique, Option<string?> Group, Option<string?> Seeds, Option<bool> Replicates, Option<string[]> Where,
        Option<int> Bootstraps, Option<ulong> Seed, Option<string?> At, Option<string?> Predict, Option<string[]> Fix,
        Option<string[]> Prior, Option<string?> Accuracies, Option<string?> Items, Option<double?> Chance,
        Option<double?> Ceiling, Option<string?> Out);

    public static Command Create()
    {
        static Option<string?> Column(string name, string what) => new(name) { Description = what, HelpName = "COL" };
        var o = new Options(
            new("study") { Description = "A study of this home; its law.json is written", Arity = ArgumentArity.ZeroOrOne },
            new("--table") { Description = "A CSV file of any tool instead of a study", HelpName = "FILE" },
            new("--form")
            {
                Description = "all, two-step, " + string.Join(", ", LawForms.All.Select(f => f.Name)),
                HelpName = "FORM",
                DefaultValueFactory = _ => "chinchilla",
            },
            new("--objective")
            {
                Description = "huber-log, squared-error, squared-log, squared-log1p; default: as published",
                HelpName = "NAME",
            },
            Column("--n", "Column of parameters; of a study: " + StudyResults.DefaultN + ", parameters, non_embedding"),
            Column("--d", "Column of training tokens"), Column("--c", "Column of training FLOPs"),
            Column("--loss", "Column of the loss"), Column("--x", "Column of a curve's x"),
            Column("--y", "Column of a curve's y; of --form two-step: accuracy"),
            Column("--unique", "Column of unique tokens"),
            Column("--group", "Column of what is resampled as one: the run or seed of a curve, a trunk"),
            Column("--seeds", "Column of seeds"),
            new("--replicates") { Description = "Rows of the same point are other seeds, even where they disagree" },
            new("--where") { Description = "Keep rows of COL=TEXT, COL!=TEXT, COL<X, COL>X", HelpName = "COND" },
            new("--bootstraps") { Description = "Resamples for the intervals", HelpName = "N", DefaultValueFactory = _ => 1000 },
            new("--seed") { Description = "Seed of resamples and starts", HelpName = "N", DefaultValueFactory = _ => 1ul },
            new("--at")
            {
                Description = "Also predict at so many FLOPs, best split; at N=1e8,D=2e9; or at a curve's x",
                HelpName = "X",
            },
            new("--predict")
            {
                Description = "Also predict the rows of this table, of the same columns: errors and how often intervals held",
                HelpName = "FILE",
            },
            new("--fix") { Description = "A parameter that is known, as E=1.69", HelpName = "NAME=X" },
            new("--prior") { Description = "A parameter with a normal prior, as alpha=0.35±0.05", HelpName = "NAME=X±SD" },
            new("--accuracies")
            {
                Description = "Of two-step: another table for the second step, such as checkpoints; --x its loss, --y accuracy",
                HelpName = "FILE",
            },
            new("--items") { Description = "Of two-step: answers that an accuracy is a mean of", HelpName = "N|COL" },
            new("--chance") { Description = "Of two-step: accuracy of guessing, held", HelpName = "P" },
            new("--ceiling") { Description = "Of two-step: accuracy without loss, held", HelpName = "P" },
            new("--out") { Description = "Write law.json here", HelpName = "FILE" });
        var verb = new Verb("fit", "Fit a scaling law: parameters with intervals, residuals, a held-out check, a verdict.",
            "isoflop fit ladder", "isoflop fit ladder --form all",
            "isoflop fit --table runs.csv --n params --d tokens --loss val_loss --predict larger.csv",
            "isoflop fit --table runs.csv --n params --d tokens --loss bpb --form two-step --y acc --items 1000 --chance 0.25",
            "isoflop fit --table curve.csv --form saturating-power --x step --y reward --at 1e6")
        {
            o.Study, o.Table, o.Form, o.Objective, o.N, o.D, o.C, o.Loss, o.X, o.Y, o.Unique, o.Group, o.Seeds, o.Replicates,
            o.Where, o.Bootstraps, o.Seed, o.At, o.Predict, o.Fix, o.Prior, o.Accuracies,
            o.Items, o.Chance, o.Ceiling, o.Out,
        };
        verb.Runs(call => Run(call, o));
        return verb;
    }

    static int Run(Invocation call, Options o)
    {
        string? study = call.Parsed.GetValue(o.Study), table = call.Parsed.GetValue(o.Table);
        if (study is null == table is null) throw new ConfigException("give a study or --table FILE, one of them");
        string form = call.Parsed.GetValue(o.Form)!;
        var options = new FitOptions
        {
            Bootstraps = call.Parsed.GetValue(o.Bootstraps),
            Seed = call.Parsed.GetValue(o.Seed),
            Objective = call.Parsed.GetValue(o.Objective) is { } name ? Parse<Objective>(name, "--objective") : null,
            Replicates = call.Parsed.GetValue(o.Replicates),
            Known = [.. (call.Parsed.GetValue(o.Fix) ?? []).Select(t => KnownOptions.Parse(t, prior: false)),
                .. (call.Parsed.GetValue(o.Prior) ?? []).Select(t => KnownOptions.Parse(t, prior: true))],
            NMeaning = call.Parsed.GetValue(o.N) ?? (study is null ? "C / (6 D)" : StudyResults.DefaultN),
        };
        if (options.Bootstraps is < 0 or > 1_000_000)
            throw new ConfigException($"--bootstraps {options.Bootstraps} must be from 0 to 1000000");
        string[] where = call.Parsed.GetValue(o.Where) ?? [];
        if (form is "two-step" or "all" && call.Parsed.GetValue(o.Out) is not null)
            throw new ConfigException($"--out writes one law; --form {form} makes several, choose one");
        if (form == "all" && (call.Parsed.GetValue(o.At) ?? call.Parsed.GetValue(o.Predict)) is not null)
            throw new ConfigException($"--{(call.Parsed.GetValue(o.At) is null ? "predict" : "at")} asks one law; " +
                "choose one with --form");
        if (study is not null && call.Parsed.GetValue(o.Predict) is not null)
            throw new ConfigException("--predict goes with --table; a study's own forecasts: isoflop forecast STUDY");
        if (form == "all" && options.Known.Count > 0)
            throw new ConfigException("--fix and --prior name parameters of one law; choose one with --form");
        if (form == "two-step")
            return TwoSteps(call, o, table ?? throw new ConfigException("--form two-step needs --table"), options, where);

        foreach (Option option in (Option[])[o.Accuracies, o.Items, o.Chance, o.Ceiling])
            if (call.Parsed.GetResult(option) is { Implicit: false })
                throw new ConfigException($"{option.Name} goes with --form two-step; --fix holds a parameter of --form {form}");
        LawForm[] forms = form == "all" ? [] : [LawForms.Find(form)];
        if (study is not null)
            foreach (Option<string?> column in (Option<string?>[])[o.D, o.C, o.Loss, o.X, o.Y, o.Unique, o.Group, o.Seeds])
                if (call.Parsed.GetValue(column) is { } given)
                    throw new ConfigException($"{column.Name} {given} names a column of --table FILE; a study knows its own");
        string? loss = call.Parsed.GetValue(o.Loss) ?? call.Parsed.GetValue(o.Y);
        List<Observation> points = study is not null ? ReadStudy(call, o, study, where)
            : ReadTable(call, o, table!, where, loss).Points;
        // Read before the fit: what is wrong with it is said at once.
        List<Observation>? asked = call.Parsed.GetValue(o.Predict) is { } other
            ? ReadTable(call, o, other, where, loss, asked: true).Points : null;
        double secondsPerFlop = study is null ? double.NaN : StudyResults.SecondsPerFlop(call.Here, study);
        if (form == "all") return All(call, points, options, curves: call.Parsed.GetValue(o.X) is not null);

        Law law = Law.Fit(forms[0], points, options, call.Stop);
        string? path = call.Parsed.GetValue(o.Out)
            ?? (study is null ? null : Path.Combine(call.Here.StudyFolder(study), LawFile.Name));
        if (path is not null) law.Save(path);
        if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(law, FitCommandJson.Default.Law));
        else LawText.Write(call.Out, law, secondsPerFlop);
        if (path is not null) call.Err.WriteLine(path);
        string but = law.Fits ? "" : "; no interval: the form does not fit";
        if (call.Parsed.GetValue(o.At) is { } at)
            PredictAt(call, at, x => law.Form.IsSurface ? law.PredictAt(x) : law.Predict(x), (n, d) => law.Predict(n, d), but);
        if (asked is not null) Write(call, Foretold.Of(law, asked), call.Parsed.GetValue(o.Predict)!, law.Form.IsSurface);
        return 0;
    }

    static void Write(Invocation call, Foretold f, string path, bool surface)
    {
        if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(f, FitCommandJson.Default.Foretold));
        else ForetoldText.Write(call.Out, f, path, surface);
    }

    /// <param name="at">"1e15", or "N=1e8,D=2e9"</param>
    static void PredictAt(Invocation call, string at, Func<double, Estimate> one, Func<double, double, Estimate> two,
        string but = "")
    {
        static double? Value(string text, string name = "") => text.Trim() is var t
            && t.StartsWith(name, StringComparison.OrdinalIgnoreCase)
            && double.TryParse(t[name.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out double v) ? v : null;
        string[] parts = at.Split(',');
        Estimate y = parts.Length == 1 && Value(at) is { } x ? one(x)
            : parts.Length == 2 && Value(parts[0], "N=") is { } n && Value(parts[1], "D=") is { } d ? two(n, d)
            : throw new ConfigException($"--at {at}: give FLOPs or a curve's x, as 1e15, or N=1e8,D=2e9");
        if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(y, FitCommandJson.Default.Estimate));
        else call.Out.WriteLine($"at {at}  {LawText.Show(y)} for a new run{but}");
    }

    /// <summary>Rows of results.csv whose runs are still there: what reports and forecasts of the study count too.</summary>
    static List<Observation> ReadStudy(Invocation call, Options o, string study, string[] where)
    {
        List<Observation> points =
            StudyResults.Read(call.Here, study, call.Parsed.GetValue(o.N) ?? StudyResults.DefaultN, where);
        if (!File.Exists(Path.Combine(call.Here.StudyFolder(study), Study.RecordFile))) return points;
        Study.Open(call.Here, study);                            // refuses another version
        var store = new RunStore(call.Here);
        List<Observation> gone = [.. points.Where(p => !Directory.Exists(store.PathOf(p.Name)))];
        if (gone.Count > 0)
            call.Err.WriteLine($"left out, since their runs were deleted: {string.Join(", ", gone.Select(p => p.Name))}; " +
                "the study's 'isoflop ladder' trains them again");
        return [.. points.Except(gone)];
    }

    static (List<Observation> Points, double[] More) ReadTable(Invocation call, Options o, string path, string[] where,
        string? loss, string? more = null, bool asked = false, string? x = null)
    {
        var table = new ObservationTable(path);
        var map = new TableColumns
        {
            N = x is null ? call.Parsed.GetValue(o.N) : null,
            D = x is null ? call.Parsed.GetValue(o.D) : null,
            C = x is null ? call.Parsed.GetValue(o.C) : null,
            X = x ?? (call.Parsed.GetValue(o.Accuracies) is null ? call.Parsed.GetValue(o.X) : null),
            Loss = loss,
            Unique = call.Parsed.GetValue(o.Unique),
            Group = call.Parsed.GetValue(o.Group),
            Seed = call.Parsed.GetValue(o.Seeds),
            More = more is null ? [] : [more],
            Asked = asked,
            // A second column goes with the first row by row.
            Replicates = call.Parsed.GetValue(o.Replicates) || more is not null || asked || x is not null,
            Where = where,
        };
        List<Observation> points = table.Observations(map);
        table.CheckUnits(points, map);
        if (points.Count == 0)
            throw new DataException($"{path}: no row is left to {(asked ? "predict" : "fit")}" +
                (table.Notes.Count > 0 ? $": {string.Join("; ", table.Notes)}"
                    : where.Length > 0 ? $"; {string.Join(" and ", where)} holds for none"
                    : "; below the line of names there are none"));
        foreach (string note in table.Notes) call.Err.WriteLine($"{path}: {note}");
        return (points, more is null ? [] : table.Numbers(more, map));
    }

    static int TwoSteps(Invocation call, Options o, string path, FitOptions options, string[] where)
    {
        string loss = call.Parsed.GetValue(o.Loss)
            ?? throw new ConfigException("--form two-step needs --loss COL, the task's loss");
        string y = call.Parsed.GetValue(o.Y) ?? throw new ConfigException("--form two-step needs --y COL, the accuracy");
        string? other = call.Parsed.GetValue(o.Accuracies);
        List<Observation> losses, accuracies;
        if (other is null)
        {
            (losses, double[] shares) = ReadTable(call, o, path, where, loss, y);
            accuracies = [.. losses.Select((p, i) =>
                Observation.Point(p.Loss, shares[i], p.Group, p.Seed) with { C = p.C, Name = p.Name })];
        }
        else
        {
            losses = ReadTable(call, o, path, where, loss).Points;
            accuracies = ReadTable(call, o, other, [], y, x: call.Parsed.GetValue(o.X) ?? loss).Points;
        }
        if (call.Parsed.GetValue(o.Items) is { } items)
            accuracies = WithItems(accuracies, items, other ?? path, new()
            {
                Loss = y,
                More = [other is null ? loss : call.Parsed.GetValue(o.X) ?? loss],
                Where = other is null ? where : [],
            });
        var ends = new AccuracyEnds(call.Parsed.GetValue(o.Chance), call.Parsed.GetValue(o.Ceiling));
        TwoStep both = TwoStep.Fit(losses, accuracies, ends, options, call.Stop);
        if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(both, FitCommandJson.Default.TwoStep));
        else
        {
            call.Out.WriteLine("step 1: the task's loss");
            LawText.Write(call.Out, both.Loss, double.NaN);
            call.Out.WriteLine();
            call.Out.WriteLine("step 2: accuracy by that loss");
            LawText.Write(call.Out, both.Accuracy, double.NaN);
        }
        if (call.Parsed.GetValue(o.At) is { } at) PredictAt(call, at, both.PredictAt, both.Predict);
        if (call.Parsed.GetValue(o.Predict) is { } asked)
            Write(call, Foretold.Of(ReadTable(call, o, asked, where, y, asked: true).Points, p => both.Predict(p.N, p.D),
                p => p.C > both.Loss.MaxFlops), asked, surface: true);
        return 0;
    }

    /// <param name="items">a number for all rows, or a column</param>
    static List<Observation> WithItems(List<Observation> points, string items, string path, TableColumns map)
    {
        if (double.TryParse(items, NumberStyles.Float, CultureInfo.InvariantCulture, out double all))
            return all >= 2 ? [.. points.Select(p => p with { Items = all })]
                : throw new ConfigException($"--items {items} must be at least 2: so many answers each accuracy is a mean of");
        double[] each = new ObservationTable(path).Numbers(items, map);
        return each.Length == points.Count ? [.. points.Select((p, i) => p with { Items = each[i] })]
            : throw new DataException($"{path}: {each.Length} rows hold '{items}' and {points.Count} an accuracy");
    }

    static int All(Invocation call, List<Observation> points, FitOptions options, bool curves)
    {
        LawForm[] forms = curves
            ? [LawForms.PowerLaw, LawForms.SaturatingPower, LawForms.SaturatingExponential, LawForms.Broken]
            : [LawForms.Chinchilla, LawForms.OverTraining, LawForms.Kaplan, LawForms.KaplanN, LawForms.KaplanD, LawForms.KaplanC,
                LawForms.IsoFlop, LawForms.Envelope, LawForms.LocalTrend];
        List<Law> laws = [.. forms.Select(f => Law.Fit(f, points,
            options with { Bootstraps = 0, Objective = options.Objective ?? (curves ? Objective.SquaredLog : null) },
            call.Stop))];
        if (call.Json)
        {
            foreach (Law law in laws) call.Out.WriteLine(JsonSerializer.Serialize(law, FitCommandJson.Default.Law));
            return 0;
        }
        static string Percent(double? x) => x is { } v ? (100 * v).ToString("0.00", CultureInfo.InvariantCulture) + " %" : "-";
        TextTable.Write(call.Out, [["form", "objective", "", "starts", "held-out", "largest", "skill", "next point",
            "verdict"],
            .. laws.Select(l => (string[])[l.Form.Name, Name(l.Objective),
                double.IsNaN(l.ObjectiveValue) ? "-" : l.ObjectiveValue.ToString("0.####e0", CultureInfo.InvariantCulture),
                $"{l.Agreeing}/{l.Starts}", Percent(l.HeldOut?.MeanRelativeError), Percent(l.HeldOut?.LargestRelativeError),
                l.HeldOut is { } h && double.IsFinite(h.Skill) ? h.Skill.ToString("0.00", CultureInfo.InvariantCulture) : "-",
                LawText.Price(l), Symbols.In(l.Verdict.Text)])], 0, 1, 7, 8);
        return 0;
    }

    public static string Name<T>(T value) where T : struct, Enum =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    static T Parse<T>(string name, string option) where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
            if (Name(value) == name || string.Equals(value.ToString(), name, StringComparison.OrdinalIgnoreCase)) return value;
        string names = string.Join(", ", Enum.GetValues<T>().Select(Name));
        throw new ConfigException($"{option} {name}: no such name; here there are: {names}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(Law))]
[JsonSerializable(typeof(TwoStep))]
[JsonSerializable(typeof(Estimate))]
[JsonSerializable(typeof(Foretold))]
sealed partial class FitCommandJson : JsonSerializerContext;
