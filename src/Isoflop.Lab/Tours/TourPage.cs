using System.Net;
using System.Text;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Pages;
using Isoflop.Store;

namespace Isoflop.Lab.Tours;

/// <summary>report.html of the tour: the talk's questions in order, each with its answer, its charts and what they
/// cost.</summary>
static class TourPage
{
    public static string Write(IReadOnlyList<TourPart> parts, Workspace here)
    {
        string page = Path.Combine(here.Root, StudyReport.FileName);
        WholeFile.Write(page, Html(parts, here.Root));
        return page;
    }

    internal static string Html(IReadOnlyList<TourPart> parts, string root)
    {
        var b = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width\"><title>Two paradigms of scaling</title><style>{StudyReport.Style}</style>\n" +
            "<h1>Two paradigms of scaling, on this machine</h1>\n<p>After the talk by Jason Wei, University of Pennsylvania, " +
            "November 2024. Every number was measured here, by small models; each answer follows from its numbers.</p>\n");
        foreach (TourPart part in parts)
        {
            b.Append($"<h2>{E(part.Question)}</h2>\n<p class=\"verdict\">{E(part.Answer)}</p>\n");
            foreach (Chart chart in part.Charts.Where(c => c.IsEnough)) b.Append(chart.Html());
            if (part.Figure.Length > 0) StudyReport.Wide(b, part.Figure);
            foreach (TourTable table in part.Tables)
            {
                if (table.Caption.Length > 0) b.Append($"<p>{E(table.Caption)}</p>\n");
                StudyReport.Rows(b, [.. table.Heads], table.Rows);
            }
            if (part.Note.Length > 0) b.Append($"<p>{E(part.Note)}</p>\n");
            if (part.More.Length > 0)
                b.Append($"<p>More: <a href=\"{E(Path.GetRelativePath(root, part.More).Replace('\\', '/'))}\">" +
                    $"{E(Path.GetFileName(Path.GetDirectoryName(part.More)!))}</a></p>\n");
        }
        return b.Append(Glossary.Of(b.ToString())).Append("</html>\n").ToString();
    }

    static string E(string text) => WebUtility.HtmlEncode(text);
}
