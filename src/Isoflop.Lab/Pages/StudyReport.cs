using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Lab.Pages;

/// <summary>What a study says, with its pictures.</summary>
/// <param name="Law">of all its runs over size and data, in the form that extrapolated best when tried out</param>
/// <param name="Forecaster">what foretells losses: that law, or a straight line where one did better</param>
/// <param name="Longest">over how many decades one law survives the tests of its misfit; null: over none</param>
/// <param name="SecondsPerFlop">of training, by the study's own runs: prices the next point</param>
/// <param name="Charts">file name and picture</param> <param name="Page">report.html</param>
sealed record StudyFindings(Law Law, Forecaster Forecaster, LawRange? Longest, double SecondsPerFlop,
    IReadOnlyList<(string File, Chart Chart)> Charts, string Page)
{
    /// <summary>Whether the recipe carries over; null: too few seeds to tell.</summary>
    public Collapse? Collapse { get; init; }
}

/// <summary>report.html: one self-contained file that tells a study from axis to forecast, and the pictures beside it.</summary>
static partial class StudyReport
{
    /// <summary>File name in a study's folder.</summary>
    public const string FileName = "report.html";

    /// <summary>Fits, draws and writes: law.json, *.svg, report.html.</summary>
    /// <exception cref="ConfigException">No finished run counts for a law.</exception>
    public static StudyFindings Write(Study study, Workspace here)
    {
        IReadOnlyList<StudyResult> results = StudyPoints.Counted(study, here);
        if (results.Count == 0) throw None(study);
        IReadOnlyList<Forecast> forecasts = Forecasts.All(study);
        IReadOnlyList<Score> scores = Forecasts.Scores(study);
        StudyFindings findings = Draw(study.Name, study.Folder, results, forecasts, scores, Collapse.Of(results, here),
            here.Stop);
        WholeFile.Write(findings.Page, Html(study, Blocks(study, here, results, findings, forecasts, scores)));
        return findings;
    }

    /// <summary>Fits and draws: law.json and *.svg.</summary>
    /// <param name="collapse">of the runs' curves; null: they are not at hand</param>
    internal static StudyFindings Draw(string name, string folder, IReadOnlyList<StudyResult> results,
        IReadOnlyList<Forecast> forecasts, IReadOnlyList<Score> scores, Collapse? collapse, CancellationToken stop)
    {
        StudyFindings findings = Find(folder, results, forecasts, scores, collapse, stop);
        findings.Law.Save(Path.Combine(folder, Study.LawFile));
        foreach ((string file, Chart chart) in findings.Charts)
            WholeFile.Write(Path.Combine(folder, file), (chart with { Title = $"{name}: {chart.Title}" }).Svg());
        return findings;
    }

    /// <summary>What the page says, without writing anything.</summary>
    /// <exception cref="ConfigException">No finished run counts for a law.</exception>
    public static IReadOnlyList<PageBlock> Read(Study study, Workspace here)
    {
        IReadOnlyList<StudyResult> results = StudyPoints.Counted(study, here);
        if (results.Count == 0) throw None(study);
        IReadOnlyList<Forecast> forecasts = Forecasts.All(study);
        IReadOnlyList<Score> scores = Forecasts.Scores(study);
        return Blocks(study, here, results, Find(study.Folder, results, forecasts, scores, Collapse.Of(results, here), here.Stop),
            forecasts, scores);
    }

    static ConfigException None(Study study) =>
        new($"{study.Folder} has no finished run that counts for a law; train it with 'isoflop ladder'");

    static StudyFindings Find(string folder, IReadOnlyList<StudyResult> results, IReadOnlyList<Forecast> forecasts,
        IReadOnlyList<Score> scores, Collapse? collapse, CancellationToken stop)
    {
        Forecaster forecaster = Forecaster.Of(results, null, new() { Bootstraps = 400 }, stop);
        Law law = forecaster.Surface;
        LawRange[] ranges = [.. LawRange.All(results, LawForms.Chinchilla, stop),
            .. LawRange.All(results, LawForms.Kaplan, stop)];
        LawRange? longest = ranges.Where(r => r.Survives).OrderByDescending(r => r.Decades).ThenByDescending(r => r.To)
            .FirstOrDefault();
        List<(string, Chart)> charts = [("compute.svg", StudyCharts.Compute(results, forecaster, forecasts, scores)),
            ("isoflop.svg", StudyCharts.IsoFlops(results))];
        if (law.Identified) charts.AddRange([("surface.svg", StudyCharts.Surface(results, law)),
            ("residuals.svg", StudyCharts.Residuals(law,
                ranges.FirstOrDefault(r => r.Law.Form == law.Form && r.Law.Points == results.Count)))]);
        if (StudyCharts.Verdict(results, law, stop) is { } verdict) charts.Add(("verdict.svg", verdict));
        if (collapse is not null) charts.Add(("collapse.svg", collapse.Picture()));
        charts.RemoveAll(c => !c.Item2.IsEnough);
        return new(law, forecaster, longest, results.Sum(r => r.Seconds) / results.Sum(r => r.Spent), charts,
            Path.Combine(folder, FileName))
        { Collapse = collapse };
    }

    internal const string Style = """
        :root { color-scheme: light dark }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
        svg { max-width: 100%; height: auto } .scroll { overflow-x: auto; margin: 1rem 0 }
        .bleed { width: min(100vw - 2rem, 82rem); margin-left: calc(50% - min(50vw - 1rem, 41rem)) }
        .bleed svg { display: block; margin: auto; min-width: 56rem }
        table { border-collapse: collapse; font-size: .85rem }
        td, th { padding: .15rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid #8884 }
        .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
        .tokens span { border-radius: 3px; white-space: pre-wrap; padding: .1em 0 } .tokens { line-height: 1.9 }
        .verdict { border-left: 4px solid #0072B2; padding-left: 1rem } code { font-size: .9em } h2 { margin-top: 2.5rem }
        code, pre { overflow-wrap: anywhere; white-space: pre-wrap }
        """ + Chart.PageStyle;

    static string Html(Study study, IReadOnlyList<PageBlock> blocks)
    {
        var b = new StringBuilder();
        b.Append($"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width\">" +
            $"<title>{E(study.Name)}</title><style>{Style}</style>\n<h1>{E(study.Name)}</h1>\n");
        foreach (PageBlock block in blocks) PageHtml.Append(b, block, study.Folder);
        return b.Append(Glossary.Of(b.ToString())).Append("</html>\n").ToString();
    }

    static List<PageBlock> Blocks(Study study, Workspace here, IReadOnlyList<StudyResult> results, StudyFindings f,
        IReadOnlyList<Forecast> forecasts, IReadOnlyList<Score> scores)
    {
        List<PageBlock> b = [];
        void P(string text) => b.Add(new WordsBlock(text));
        void H(string text) => b.Add(new HeadingBlock(text));
        void Picture(string file) =>
            b.AddRange(f.Charts.Where(c => c.File == file).Select(c => new ChartBlock(c.File, c.Chart)));
        IReadOnlyList<StudyResult> all = StudyResult.Of(here, study.Record.Runs);
        double spent = all.Where(r => r.Run.Phase is Phase.Ladder or Phase.Trunk).Sum(r => r.Spent),
            tuned = all.Where(r => r.Run.Phase is Phase.Tune or Phase.Transfer).Sum(r => r.Spent);
        double low = results.Min(r => r.Run.Budget), high = results.Max(r => r.Run.Budget);

        H("The axis");
        P(I($"Training compute from {low:0.##e0} to {high:0.##e0} FLOPs, {LawRange.Spanned(low, high)}: ") +
            I($"{results.Count} runs that count, on corpus ‘{study.Record.Recipe.Corpus}’. Each budget is spent on ") +
                I($"several sizes; ") +
            "the best of them is the point on the line. FLOPs are counted exactly, layer by layer; losses are on all " +
                "held-out text.");
        Picture("compute.svg");
        b.Add(new WordsBlock(Symbols.In(f.Law.Verdict.Text), IsVerdict: true));
        H("Size against data");
        Picture("isoflop.svg");
        Frontier(b, results);
        H("One law?");
        P($"`{Symbols.In(f.Law.Formula)}`, N = {f.Law.NMeaning}; {f.Law.Solver}, {f.Law.Agreeing} of " +
            $"{f.Law.Starts} starts agree. " +
            (double.IsFinite(f.Forecaster.ErrorPerDecade) ? $"Fitted below each budget and asked for those above, " +
                (f.Forecaster.Law.Form.IsSurface ? "it"
                    : "a straight line in log–log through the best sizes does better than it; the line") +
                I($" is {100 * f.Forecaster.ErrorPerDecade:0.0} % off for each decade of extrapolation.") : ""));
        Table(b, ["parameter", "value", "95 %"], f.Law.Parameters.Select(p => new[]
        {
            Symbols.In(p.Name), I($"{p.Estimate.Value:0.####e0}"), p.Estimate.Ends("0.####e0", " – "),
        }));
        Picture("residuals.svg");
        P(f.Longest is { } l
            ? I($"The longest stretch over which one law survives the tests of its misfit (against seeds and ") +
                I($"by half decades, Holm, 1 %): ") +
                I($"**{l.Span}**, {l.From:0.##e0} to {l.To:0.##e0} FLOPs, `{Symbols.In(l.Law.Formula)}`; ") +
                I($"the largest mean residual of a budget is {100 * l.Worst:0.0} %.")
            : "No stretch of three budgets survives the tests of its misfit (against seeds and by half decades, Holm, 1 %): " +
                "one law is not enough for these runs.");
        if (f.Forecaster.Regime is { Length: > 0 } regime) P($"The frontier by half decades: {regime}.");
        if (f.Collapse is { } collapse)
            P($"Does the recipe carry over? The {collapse.Says}. Where curves of a recipe do not collapse, what held at one " +
                "budget need not hold at the next (Qiu et al. 2025, arXiv:2507.02119).");
        Picture("collapse.svg");
        Picture("surface.svg");
        Picture("verdict.svg");
        H("Forecasts");
        Scored(b, forecasts, scores);
        if (Path.Combine(study.Folder, MapPictures.MapFile) is var map && File.Exists(map))
        {
            H("What each rung can do");
            b.Add(new DrawnBlock(MapPictures.MapFile));
            if (Path.Combine(study.Folder, MapPictures.LikelihoodFile) is var likelihood && File.Exists(likelihood))
            {
                P("Accuracy counts what is right; the likelihood of the right answer shows what comes before that.");
                b.Add(new DrawnBlock(MapPictures.LikelihoodFile));
            }
        }
        ColouredText.Write(b, study, here, results);
        H("What it cost");
        Table(b, ["purpose", "runs", "FLOPs", "thread hours"], all.GroupBy(r => r.Run.Phase).Select(g => new[]
        {
            g.Key.ToString().ToLowerInvariant(), I($"{g.Count()}"), I($"{g.Sum(r => r.Spent):0.00e0}"),
                I($"{g.Sum(r => r.Seconds) / 3600:0.00}"),
        }));
        P(I($"Tuning is charged: {tuned:0.00e0} FLOPs beside the ladder's {spent:0.00e0}. ") +
            (study.Record.Tuning?.Note is { } note ? $"It found: {note}." : "There was none."));
        NextPoint next = f.Law.Verdict.Next;
        P("The next point: " + (double.IsFinite(next.Flops) ? I($"{next.Flops:0.0e0} FLOPs") +
            I($", {next.Flops * f.SecondsPerFlop / 3600:0.00} thread hours here") : "") +
            (double.IsFinite(next.N) ? I($", {next.N:0.##e0} parameters on {next.D:0.##e0} tokens") : "") + $": {next.Why}.");
        return b;
    }

    static void Frontier(List<PageBlock> b, IReadOnlyList<StudyResult> results) =>
        Table(b, ["budget", "best size", "tokens", "tokens a parameter", "loss", "bits a byte", "seeds"],
            results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key)
                .Select(g => g.GroupBy(r => r.Run.DModel).MinBy(s => s.Average(r => r.Loss))!.ToList())
                .Select(s => new[]
                {
                    I($"{s[0].Run.Budget:0.##e0}"), I($"{s[0].Run.ParametersWithoutEmbedding:N0}"), I($"{s[0].Tokens:N0}"),
                    I($"{(double)s[0].Tokens / s[0].Run.ParametersWithoutEmbedding:0.0}"), I($"{s.Average(r => r.Loss):0.0000}"),
                    I($"{s.Average(r => r.BitsPerByte):0.0000}"), I($"{s.Count}"),
                }));

    static void Scored(List<PageBlock> b, IReadOnlyList<Forecast> forecasts, IReadOnlyList<Score> scores)
    {
        if (forecasts.Count == 0) b.Add(new WordsBlock("None yet: `isoflop forecast` writes one before its run."));
        else Table(b,
            ["forecast", "from", "FLOPs", "predicted", "95 %", "measured", "error", "of the reducible", "skill", "interval"],
            forecasts.Select(f => (F: f, S: scores.FirstOrDefault(s => s.Id == f.Id))).Select(p => new[]
            {
                I($"{p.F.Id}{(p.F.Before ? "" : " (after its run)")}"), I($"{p.F.Below:0.##e0}"), I($"{p.F.Flops:0.##e0}"),
                I($"{p.F.Loss.Value:0.000}"), p.F.Loss.Ends("0.00", " – "),
                p.S is null ? "–" : I($"{p.S.Loss:0.0000}"), p.S is null ? "–" : I($"{100 * p.S.RelativeError:+0.0;-0.0} %"),
                p.S is null ? "–" : I($"{100 * p.S.ReducibleError:+0.0;-0.0} %"), p.S is null ? "–" : I($"{p.S.Skill:0.00}"),
                p.S is null ? "–" : p.S.Inside ? "held" : "did not hold",
            }));
        b.Add(new WordsBlock("Written before the run, scored after it, kept for good. Skill is one less the error over that of " +
            "a straight line in log–log."));
    }

    static void Table(List<PageBlock> b, string[] heads, IEnumerable<string[]> rows) =>
        b.Add(new TableBlock(heads, [.. rows]));

    /// <summary>A table that scrolls where the page is narrow: numbers to the right, text to the left.</summary>
    internal static void Rows(StringBuilder b, string[] heads, IEnumerable<string[]> rows)
    {
        string[][] all = [.. rows];
        string[] styles = [.. heads.Select((_, c) => all.Length > 0 && all.All(r => c >= r.Length || IsNumber(r[c]))
            ? " class=\"n\"" : "")];
        b.Append("<div class=\"scroll\"><table><tr>").AppendJoin("", heads.Select((h, c) => $"<th{styles[c]}>{E(h)}</th>"))
            .Append("</tr>\n");
        foreach (string[] row in all)
            b.Append("<tr>").AppendJoin("", row.Select((cell, c) => $"<td{styles[c]}>{E(cell)}</td>")).Append("</tr>\n");
        b.Append("</table></div>\n");
    }

    /// <summary>A picture that scrolls where the page is narrow: small print would be lost.</summary>
    internal static void Wide(StringBuilder b, string svg) =>
        b.Append("<div class=\"scroll bleed\">").Append(svg).Append("</div>\n");

    // A number, one with its unit, an interval, a dash for none.
    static bool IsNumber(string cell) => cell.Length is 0 || cell is "–" or "-" || NumberForm().IsMatch(cell);

    [GeneratedRegex(@"^[+−-]?[\d.,]+(e[+-]?\d+)?( ?[–…] ?[+−-]?[\d.,]+(e[+-]?\d+)?)?( ?[%a-zA-Z]{1,2})?$")]
    private static partial Regex NumberForm();

    static string E(string text) => WebUtility.HtmlEncode(text);

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
