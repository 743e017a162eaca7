using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Isoflop.Lab.Charts;

/// <summary>A box at the end of a page with the words that stand on it, for who meets them there first. NOTATION.md has
/// all.</summary>
static partial class Glossary
{
    /// <summary>Word, what it may look like in a text, what it means.</summary>
    static readonly (string Word, string Seen, string Means)[] all =
    [
        ("FLOPs", "FLOPs?", "additions and multiplications: the price of training and of replies, counted layer by layer"),
        ("token", "tokens?", "a piece of text, a word or a part of one: what a model reads and writes"),
        ("parameter", "parameters?|params", "a number that training sets; a model is as large as it has parameters"),
        ("loss, nats a token", "loss(es)?|nats", "−ln of the probability that the model gave to what really came, a mean over " +
            "tokens: 0 is certainty, and one nat less is 2.7 times the probability"),
        ("bits a byte", "bits(/| a | per )byte", "the same by bytes of text, so that different tokenizers can be compared"),
        ("held out", "held[- ]out|valid(ation)?", "text or questions that were kept from training, to measure on"),
        ("budget", "budgets?", "FLOPs of training that a run may spend"),
        ("ladder, rung", "ladders?|rungs?", "the same recipe at rising budgets, in several sizes; a rung is one budget"),
        ("isoFLOP", "isoflops?", "runs of one budget and several sizes: more parameters, fewer tokens, or the other way round"),
        ("epoch", "epochs?", "one pass over the training text"),
        ("law", "laws?", "a formula from size, data or compute to loss, fitted to the runs"),
        ("irreducible loss", "irreducible|reducible|E", "what no model of this kind saves, however large: E in a law; the rest " +
            "is reducible"),
        ("95 %", "95 %", "an interval made by a rule that holds the truth 95 times in 100"),
        ("residual", "residuals?", "what a law leaves: measured less fitted"),
        ("skill", "skill", "1 less the error over that of a straight line: 1 is perfect, below 0 the line was better"),
        ("seed", "seeds?", "what starts the random numbers; runs that differ in it alone show the noise"),
        ("decade", "decades?", "a factor of ten"),
        ("chance", "chance", "how often guessing is right"),
        ("ability", "ability|abilities", "accuracy above chance, as a share of what lies above chance"),
        ("flat, smooth, sudden, saturated, inverse, rising, unclear",
            "flat|smooth(ly)?|sudden(ly)?|saturated|inverse|rising|unclear",
            "how ability moves along the ladder: by less than 0.1; up; up with a break in the answers' likelihood; shown to be " +
            "full; down; up, with too few budgets or seeds to tell how; none of it can be shown"),
        ("break", "breaks?", "where a curve falls faster than any curve of slow bends does"),
        ("−ln p", "−ln p|likelihood", "how improbable the right answer was to the model, in nats: it moves before accuracy does"),
        ("policy", "policy|policies", "the model that is taught by reinforcement"),
        ("reinforcement", "reinforcement", "replies are drawn and checked, and the better are made likelier"),
        ("thought", "thoughts?|thinks?", "what a reply says before its answer"),
        ("greedy", "greedy", "taking the most probable token each time"),
        ("pass@k", "pass@(k|[0-9]+)", "share of questions of which one of k drawn replies is right"),
        ("majority", "majority|vote", "several replies are drawn and the most frequent answer is taken"),
        ("frontier", "frontiers?", "the best that a sum of FLOPs buys, however it is divided"),
    ];

    /// <summary>The box for a page as it is so far; nothing where none of the words stands on it.</summary>
    public static string Of(string page)
    {
        string text = WebUtility.HtmlDecode(Markup().Replace(page, " "));
        (string Word, string Seen, string Means)[] here = [.. all.Where(w =>
            Regex.IsMatch(text, $@"(?<![\w−])({w.Seen})(?!\w)", w.Word.StartsWith("irr", StringComparison.Ordinal)
                ? RegexOptions.CultureInvariant : RegexOptions.IgnoreCase | RegexOptions.CultureInvariant))];
        if (here.Length == 0) return "";
        var box = new StringBuilder("<aside style=\"border:1px solid #8886;border-radius:6px;padding:0 1rem;margin:3rem 0 1rem;" +
            "font-size:.85rem\"><h2 style=\"margin:.7rem 0 .3rem;font-size:1rem\">Words on this page</h2><dl>\n");
        foreach ((string word, _, string means) in here)
            box.Append("<dt><b>").Append(WebUtility.HtmlEncode(word)).Append("</b></dt><dd>")
                .Append(WebUtility.HtmlEncode(means)).Append("</dd>\n");
        return box.Append("</dl></aside>\n").ToString();
    }

    [GeneratedRegex(@"<style.*?</style>|<[^>]*>", RegexOptions.Singleline)]
    private static partial Regex Markup();
}
