using System.Net;
using System.Text;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Tours;

/// <summary>report.html of the tour: the talk's claims in order, each with its chart, the user's own numbers, and what they
/// cost.</summary>
static class TourPage
{
    public static string Write(TourResult tour, Workspace here)
    {
        string page = Path.Combine(here.Root, StudyReport.FileName);
        WholeFile.Write(page, Html(tour, here));
        return page;
    }

    static string Html(TourResult t, Workspace here)
    {
        var b = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width\"><title>Two paradigms of scaling</title><style>{StudyReport.Style}</style>\n" +
            "<h1>Two paradigms of scaling, on this machine</h1>\n<p>After the talk by Jason Wei, University of Pennsylvania, " +
            "November " +
            "2024. Every number was measured here.</p>\n");
        IReadOnlyList<StudyResult> text = t.Ladder.Results, world = Results(t.World, here);
        ThinkingTour k = t.Thinking;

        Claim(b, "Scaling is an axis along which things keep improving");
        Picture(b, t.Findings.Charts.First(c => c.File == "compute.svg").Chart);
        Say(b, t.Findings.Law.Verdict.Text);
        Account(b, $"{text.Count} runs", text.Sum(r => r.Spent), text.Sum(r => r.Seconds));

        Claim(b, "and it can be foretold");
        Say(b, I($"Before the run of {t.Forecast.Flops:0.##e0} FLOPs the law said {t.Forecast.Loss.Value:0.000} nats a token ") +
            I($"({t.Forecast.Loss.Low:0.000} to {t.Forecast.Loss.High:0.000}); measured {t.Score.Loss:0.000}, ") +
            I($"{100 * Math.Abs(t.Score.RelativeError):0.0} % off, {(t.Score.Inside ? "inside" : "outside")} of the interval."));
        Account(b, t.Score.Run, t.Stops[^1].Flops, t.Stops[^1].Seconds);

        Claim(b, "Predicting the next word is learning many tasks at once");
        Say(b, "Each continues the same beginning, small to large:");
        Rows(b, ["run", "FLOPs", "bits a byte", "text"], t.Stops.Select(s => (string[])[s.Run, I($"{s.Flops:0.0e0}"),
            I($"{s.BitsPerByte:0.000}"), t.Prompt + s.Text.ReplaceLineEndings(" ")]));

        Claim(b, "Some abilities are flat, some rise smoothly, some appear at once");
        b.Append(MapPictures.Svg(t.World.Map)).Append('\n');
        Say(b, $"One question through the rungs: “{t.World.Question} …”, right would be “{t.World.Answer.Trim()}”.");
        Rows(b, ["budget", "run", "continues"], t.World.Climbed.Select(c => (string[])[I($"{c.Budget:0.##e0}"), c.Run,
            c.Text.ReplaceLineEndings(" ")]));
        Account(b, $"{world.Count} runs", world.Sum(r => r.Spent), world.Sum(r => r.Seconds));

        Claim(b, "The same compute for every word is too little for hard ones: a chain of thought gives more");
        RlEval? Eval(int step, ReplyForm form) => k.Evals.FirstOrDefault(e => e.Step == step && e.Form == form);
        if ((Eval(0, ReplyForm.Open), Eval(0, ReplyForm.Think)) is ({ } open, { } think))
            Say(b, I($"{open.Level}: taught by demonstrations of which some think first, the model thinks first in ") +
                I($"{open.Thinking:P0} of ") +
                I($"its replies and is right in {open.PassAt1:0.000} (chance {open.Chance:0.0}); made to think, in ") +
                    I($"{think.PassAt1:0.000}, ") +
                I($"for {think.Length:0} tokens a reply instead of {open.Length:0}."));

        Claim(b, "Reinforcement on chains of thought: accuracy rises with training compute");
        Picture(b, k.Training);
        foreach (Chart chart in k.Habits) Picture(b, chart);
        b.Append("<pre>");
        foreach (ReplyRow r in k.Replies)
            b.Append(E($"step {r.Step,3}  {(r.Reward > 0 ? "right" : "wrong")}  {r.Prompt} {r.Reply}\n"));
        b.Append("</pre>\n");
        Ledger(b, k.Spent);

        Claim(b, "and with the time that a model is given to think");
        Picture(b, k.Longer);
        Say(b, "The first policy, before reinforcement; broken: drawing answers at random as often.");

        Claim(b, "Where should the next FLOP go?");
        Picture(b, k.Frontier);
        Say(b, "Each line is the same model after more reinforcement: what training buys once, thought buys anew with every " +
            "question. " +
            "‘isoflop frontier’ adds sizes and data, ‘isoflop spend’ divides a budget.");

        double all = text.Sum(r => r.Spent) + t.Stops[^1].Flops + world.Sum(r => r.Spent) + k.Spent.Spent.Flops;
        Claim(b, "What all of it cost");
        Say(b, I($"{all:0.00e0} FLOPs of training, reinforcement and replies; measuring is not in it. ") +
            $"More: <a href=\"studies/{E(Path.GetFileName(Path.GetDirectoryName(t.Findings.Page)!))}/report.html\">the " +
            $"ladder</a>, " +
            $"<a href=\"studies/{E(Path.GetFileName(Path.GetDirectoryName(t.World.Page)!))}/report.html\">the world</a>.",
                raw: true);
        return b.Append("</html>\n").ToString();
    }

    static IReadOnlyList<StudyResult> Results(WorldTour world, Workspace here) =>
        StudyPoints.Counted(Study.Open(here, world.Map.Study), here);

    static void Claim(StringBuilder b, string claim) => b.Append($"<h2>{E(claim)}</h2>\n");

    static void Picture(StringBuilder b, Chart chart) => b.Append(chart.Svg()).Append('\n');

    static void Say(StringBuilder b, string text, bool raw = false) => b.Append($"<p>{(raw ? text : E(text))}</p>\n");

    static void Account(StringBuilder b, string what, double flops, double seconds) =>
        Say(b, I($"Account: {what}, {flops:0.00e0} FLOPs of next-word training, {seconds:0} s of one thread."));

    static void Ledger(StringBuilder b, Ledger ledger) => Rows(b, ["account", "FLOPs", "tokens", "seconds"],
        ((string, Spending)[])[("train: next words", ledger.Train), ("tune: demonstrations and learning", ledger.Tune),
            ("sample: replies", ledger.Sample), ("verify: checking", ledger.Verify), ("measure: not spent", ledger.Measure)],
                r => (string[])[r.Item1,
            I($"{r.Item2.Flops:0.00e0}"), I($"{r.Item2.Tokens:n0}"), I($"{r.Item2.Seconds:0.0}")]);

    static void Rows<T>(StringBuilder b, string[] head, IEnumerable<T> rows, Func<T, string[]> of) =>
        Rows(b, head, rows.Select(of));

    static void Rows(StringBuilder b, string[] head, IEnumerable<string[]> rows) => StudyReport.Rows(b, head, rows);

    static string E(string text) => WebUtility.HtmlEncode(text);

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
