using System.Globalization;
using System.Net;
using System.Text;
using Isoflop.Text;

namespace Isoflop.Lab.Charts;

/// <summary>Text whose tokens are coloured by their loss: pale where the model knew, deep where the next token was
/// work.</summary>
/// <param name="Pieces">each token as text, with its loss in nats</param>
sealed record LossText(IReadOnlyList<(string Token, double Nats)> Pieces)
{
    // From here on the colour is full: as if one had guessed among 400 tokens.
    const double Full = 6;

    /// <summary>Joins tokens to losses; bytes of a character that tokens split are shown with its last one.</summary>
    public static LossText Of(Tokenizer tokenizer, IReadOnlyList<int> tokens, IReadOnlyList<float> logProbs)
    {
        List<(string, double)> pieces = [];
        List<int> open = [];
        double nats = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            open.Add(tokens[i]);
            nats -= logProbs[i];
            string text = tokenizer.Decode([.. open]);
            if (text.EndsWith('\uFFFD') && open.Count < 4 && i + 1 < tokens.Count) continue;
            pieces.Add((text, nats));
            (open, nats) = ([], 0);
        }
        return new(pieces);
    }

    /// <summary>For a terminal with 256 colours.</summary>
    public string Ansi()
    {
        var text = new StringBuilder();
        foreach ((string token, double nats) in Pieces)
        {
            (int r, int g, int b) = Colour(nats);
            text.Append(CultureInfo.InvariantCulture,
                $"\u001b[48;2;{r};{g};{b}m\u001b[38;2;{(nats > Full / 2 ? "255;255;255" : "20;20;20")}m{token}");
        }
        return text.Append("\u001b[0m").ToString();
    }

    /// <summary>Loss a token in a line each, for where there are no colours.</summary>
    public string Plain() => string.Join('\n', Pieces.Select(p => string.Create(CultureInfo.InvariantCulture,
        $"{p.Nats,7:0.00}  {new string('█', (int)Math.Round(Math.Min(p.Nats, 2 * Full) * 3))} {p.Token.Replace("\n", "\\n")}")));

    /// <summary>A page of its own; the loss stands in each token's title.</summary>
    public string Html(string title)
    {
        var page = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width\"><title>{WebUtility.HtmlEncode(title)}</title><style>:root{{color-scheme:light " +
            $"dark}}" +
            "body{font:16px/1.9 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}" +
            "span{border-radius:3px;white-space:pre-wrap;padding:.1em 0}</style>\n" +
            $"<h1>{WebUtility.HtmlEncode(title)}</h1><p>Loss a token, nats: ");
        for (double n = 0; n <= Full; n++) Span(page, $" {n} ", n);
        page.Append("</p>\n<p>").Append(Spans());
        double total = Pieces.Sum(p => p.Nats);
        page.Append(CultureInfo.InvariantCulture,
            $"</p>\n<p>{total:0.00} nats in all, {total / Math.Max(1, Pieces.Count):0.000} a token.</p>\n");
        return page.Append(Glossary.Of("loss, nats a token")).Append("</html>\n").ToString();
    }

    /// <summary>The tokens as HTML, for a page that has room for them.</summary>
    public string Spans()
    {
        var spans = new StringBuilder();
        foreach ((string token, double nats) in Pieces) Span(spans, token, nats);
        return spans.ToString();
    }

    static void Span(StringBuilder page, string text, double nats)
    {
        (int r, int g, int b) = Colour(nats);
        string ink = nats > Full / 2 ? "#fff" : "#111";
        page.Append(CultureInfo.InvariantCulture,
            $"<span title=\"{nats:0.000} nats\" style=\"background:rgb({r},{g},{b});color:{ink}\">");
        page.Append(WebUtility.HtmlEncode(text)).Append("</span>");
    }

    static (int R, int G, int B) Colour(double nats)
    {
        double a = Math.Clamp(nats / Full, 0, 1);
        return ((int)(255 + (165 - 255) * a), (int)(247 + (15 - 247) * a), (int)(236 + (21 - 236) * a));
    }
}
