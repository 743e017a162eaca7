using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Sample;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop next</c>: what a model expects after a text, as bars.</summary>
static class NextCommand
{
    const int Width = 40;

    public static Verb Create()
    {
        var model = new Argument<string>("model") { Description = "RUN, RUN@STEP or a model folder" };
        var text = new Argument<string>("text") { Description = "Text before the token in question" };
        var truth = new Option<string>("--true")
        {
            Description = "What really follows: its loss and rank are shown",
            HelpName = "TEXT",
        };
        var top = new Option<int>("--top") { Description = "Tokens to show", HelpName = "N", DefaultValueFactory = _ => 15 };
        var verb = new Verb("next", "Show the distribution of the next token.",
            "isoflop next my-run \"Gets the number of\" --true \" elements\"")
        { model, text, truth, top };
        verb.Runs(call =>
        {
            using LanguageModel open = LanguageModel.Open(call.Home, call.Parsed.GetValue(model)!);
            (float[] next, _, _) = open.Read(call.Parsed.GetValue(text)!);
            int[] order = [.. Enumerable.Range(0, next.Length).OrderByDescending(i => next[i]).ThenBy(i => i)];
            int? target = call.Parsed.GetValue(truth) is { Length: > 0 } given ? open.Tokenizer.Encode(given)[0] : null;
            List<int> shown = [.. order.Take(Math.Max(1, call.Parsed.GetValue(top)))];
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

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NextToken))]
sealed partial class NextJson : JsonSerializerContext;
