using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;

namespace Isoflop.Bench;

/// <summary>Law and pictures of a study of which the table is left, by the rules of today; its forecasts stay as they were written.</summary>
static class Redraw
{
    public static void Run(IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            IReadOnlyList<StudyResult> results = StudyResult.Read(Path.Combine(folder, "results.csv"));
            StudyFindings found = StudyReport.Draw(Path.GetFileName(Path.GetFullPath(folder)), folder, results, Forecasts.All(folder),
                Forecasts.Scores(folder), null, default);
            Console.WriteLine($"{folder}: {found.Law.Form.Name}, {found.Law.Verdict.Text}");
        }
    }
}
