using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Studies;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop next</c>: what a model expects after a text, as bars.</summary>
static class NextCommand
{
    const int Width = 40;

    public static Verb Create()
    {
        var model = new Argument<string>("model") { Description = "RUN, RUN@STEP, a model folder; or a STUDY: every rung of it" };
        var text = new Argument<string>("text") { Description = "Text before the token in question" };
        var truth = new Option<string>("--true")
        {
            Description = "What really follows: its loss and rank are shown",
            HelpName = "TEXT",
        };
        var top = new Option<int>("--top") { Description = "Tokens to show", HelpName = "N", DefaultValueFactory = _ => 15 };
        var loss = new Option<bool>("--loss") { Description = "Colour the text itself by its loss a token instead" };
        var html = new Option<string>("--html") { Description = "The text coloured by its loss, as a page", HelpName = "FILE" };
        var verb = new Verb("next", "Show the distribution of the next token; or of a text, which tokens were work.",
            "isoflop next my-run \"Gets the number of\" --true \" elements\"",
            "isoflop next world \"The capital of France is\"                     how it sharpens, rung by rung",
            "isoflop next my-run \"The key to the cabinets is here.\" --loss --html loss.html")
        { model, text, truth, top, loss, html };
        verb.Runs(call =>
        {
            string which = call.Parsed.GetValue(model)!;
            int bars = SamplingOptions.Positive(call.Parsed.GetValue(top), "--top");
            bool rungs = File.Exists(Path.Combine(call.Here.StudyFolder(which), Study.RecordFile))
                && !Directory.Exists(call.Here.RunFolder(which));
            string? asked = call.Parsed.GetValue(truth) is not null ? "--true"
                : call.Parsed.GetResult(top) is { Implicit: false } ? "--top" : null;
            if (call.Parsed.GetValue(loss) || call.Parsed.GetValue(html) is not null)
                return asked is null ? Losses(call, which, call.Parsed.GetValue(text)!, call.Parsed.GetValue(html))
                    : throw new ConfigException($"{asked} is of the next token's distribution, --loss and --html show the " +
                        "loss of the text itself; give one of them");
            if (rungs && asked == "--true")
                throw new ConfigException($"--true is of one model, and '{which}' is a study; name one of its runs");
            if (rungs) return Rungs(call, Study.Open(call.Here, which), call.Parsed.GetValue(text)!, bars);
            using LanguageModel open = LanguageModel.Open(call.Here, call.Parsed.GetValue(model)!);
            (float[] next, _, _) = open.Read(call.Parsed.GetValue(text)!);
            int[] order = [.. Enumerable.Range(0, next.Length).OrderByDescending(i => next[i]).ThenBy(i => i)];
            int? target = call.Parsed.GetValue(truth) is { Length: > 0 } given ? open.Tokenizer.Encode(given)[0] : null;
            List<int> shown = [.. order.Take(bars)];
            if (target is { } missing && !shown.Contains(missing)) shown.Add(missing);
            var rows = shown.Select(t => new NextToken(
                Array.IndexOf(order, t) + 1, Reading(open, t), Math.Exp(next[t]), -next[t], t == target)).ToList();
            if (call.Json)
            {
                foreach (NextToken row in rows) call.Out.WriteLine(JsonSerializer.Serialize(row, NextJson.Default.NextToken));
                return 0;
            }
            double most = rows.Max(r => r.Probability), entropy = next.Sum(p => -Math.Exp(p) * p);
            foreach (NextToken row in rows)
                call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{row.Rank,5} {row.Token,-16} {100 * row.Probability,6:F2} %  " +
                    $"{Bar(row.Probability / most)}{(row.IsTrue ? "  ← true" : "")}"));
            call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"entropy {entropy:F2} nats, as if {Math.Exp(entropy):F1} tokens were equally likely"));
            if (rows.FirstOrDefault(r => r.IsTrue) is { } own)
                call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{own.Token} has loss {own.LossNats:F2} nats and rank {own.Rank} of {next.Length}"));
            return 0;
        });
        return verb;
    }

    /// <summary>A column a rung: how the distribution at one position sharpens.</summary>
    static int Rungs(Invocation call, Study study, string text, int top)
    {
        IReadOnlyList<StudyResult> rungs = Climb.Rungs(study, call.Here);
        SharpenedRung[] next = [.. Climb.Next(rungs, call.Here, text)];
        if (call.Json)
        {
            foreach (SharpenedRung rung in next) call.Out.WriteLine(JsonSerializer.Serialize(rung,
                NextJson.Default.SharpenedRung));
            return 0;
        }
        using LanguageModel reader = LanguageModel.Open(call.Here, rungs[^1].Run.Name);
        int[] shown = [.. Enumerable.Range(0, next[^1].LogProbs.Length).OrderByDescending(i => next[^1].LogProbs[i]).Take(top)];
        call.Out.WriteLine($"{"",18}" + string.Concat(next.Select(r => string.Create(CultureInfo.InvariantCulture,
            $"{r.Budget,10:0.##e0}"))) + "  FLOPs");
        foreach (int token in shown)
            call.Out.WriteLine($"{Reading(reader, token),-18}" + string.Concat(next.Select(r =>
                string.Create(CultureInfo.InvariantCulture,
                $"{100 * Math.Exp(r.LogProbs[token]),8:F2} %"))) + "  " + Bar(Math.Exp(next[^1].LogProbs[token])));
        call.Out.WriteLine($"{"entropy, nats",-18}" + string.Concat(next.Select(r => string.Create(CultureInfo.InvariantCulture,
            $"{r.Entropy,10:F2}"))));
        return 0;
    }

    /// <summary>The text coloured by loss.</summary>
    static int Losses(Invocation call, string which, string text, string? page)
    {
        using LanguageModel model = LanguageModel.Open(call.Here, which);
        (_, int[] tokens, float[] logProbs) = model.Read(text);
        LossText coloured = LossText.Of(model.Tokenizer, tokens, logProbs);
        if (page is not null)
        {
            WholeFile.Write(page, coloured.Html(which));
            call.Out.WriteLine(page);
            return 0;
        }
        if (call.Json)
            foreach ((string token, double nats) in coloured.Pieces)
                call.Out.WriteLine(JsonSerializer.Serialize(new(token, nats), NextJson.Default.TokenLoss));
        else if (call.Coloured is { } screen)
        {
            (string, double)[] shown = [.. coloured.Pieces.Select(p => (PlainWriter.Shown(p.Token), p.Nats))];
            screen.WriteLine(new LossText(shown).Ansi());
        }
        else call.Out.WriteLine(coloured.Plain());
        return 0;
    }

    static string Reading(LanguageModel model, int token) => token >= model.Tokenizer.VocabSize
        ? "(padding)"                                            // published models round their vocabulary up
        : "'" + model.Tokenizer.Decode([token]).Replace("\n", "\\n") + "'";

    /// <summary>A bar in eighths of a character.</summary>
    static string Bar(double share)
    {
        int eighths = (int)Math.Round(share * Width * 8);
        return new string('█', eighths / 8) + (eighths % 8 > 0 ? ((char)('█' + 8 - eighths % 8)).ToString() : "");
    }
}

/// <summary>One token's chance, as a script sees it.</summary>
sealed record NextToken(int Rank, string Token, double Probability, double LossNats, bool IsTrue);

/// <summary>One token of a text, with the bytes of a character that several tokens share at its last.</summary>
sealed record TokenLoss(string Token, double LossNats);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NextToken))]
[JsonSerializable(typeof(SharpenedRung))]
[JsonSerializable(typeof(TokenLoss))]
sealed partial class NextJson : JsonSerializerContext;
