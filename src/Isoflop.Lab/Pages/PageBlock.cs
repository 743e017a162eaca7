using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Lab.Charts;

namespace Isoflop.Lab.Pages;

/// <summary>
/// One thing on a page that tells a study: whoever shows it, report.html or the window, shows the same. In its words, `code`
/// stands between backticks and what matters between **two asterisks**, as in Markdown; nothing else is markup.
/// </summary>
abstract record PageBlock;

/// <summary>Begins a part.</summary>
sealed record HeadingBlock(string Text) : PageBlock;

/// <summary>A paragraph.</summary>
/// <param name="IsVerdict">it is what the part comes to</param>
sealed record WordsBlock(string Text, bool IsVerdict = false) : PageBlock;

/// <summary>A table.</summary>
sealed record TableBlock(IReadOnlyList<string> Heads, IReadOnlyList<string[]> Rows) : PageBlock;

/// <summary>A picture, drawn anew at any size.</summary>
/// <param name="File">its name beside the report</param>
sealed record ChartBlock(string File, Chart Chart) : PageBlock;

/// <summary>A wide picture that another command drew into the study's folder.</summary>
sealed record DrawnBlock(string File) : PageBlock;

/// <summary>A text coloured by its loss.</summary>
sealed record TokensBlock(LossText Text) : PageBlock;

/// <summary>Blocks as HTML.</summary>
static partial class PageHtml
{
    /// <summary>Appends a block.</summary>
    /// <param name="folder">where drawn pictures lie</param>
    public static void Append(StringBuilder page, PageBlock block, string folder)
    {
        switch (block)
        {
            case HeadingBlock heading: page.Append($"<h2>{E(heading.Text)}</h2>\n"); break;
            case WordsBlock { IsVerdict: true } words: page.Append($"<p class=\"verdict\">{Inline(words.Text)}</p>\n"); break;
            case WordsBlock words: page.Append($"<p>{Inline(words.Text)}</p>\n"); break;
            case TableBlock table: StudyReport.Rows(page, [.. table.Heads], table.Rows); break;
            case ChartBlock chart: page.Append(chart.Chart.Html()); break;
            case DrawnBlock drawn: StudyReport.Wide(page, File.ReadAllText(Path.Combine(folder, drawn.File))); break;
            case TokensBlock tokens: page.Append("<p class=\"tokens\">").Append(tokens.Text.Spans()).Append("</p>\n"); break;
        }
    }

    static string Inline(string text) => Strong().Replace(Code().Replace(E(text), "<code>$1</code>"), "<b>$1</b>");

    static string E(string text) => WebUtility.HtmlEncode(text);

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\*\*([^*]*)\*\*")]
    private static partial Regex Strong();
}
