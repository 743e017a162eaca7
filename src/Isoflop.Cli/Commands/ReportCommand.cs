using System.CommandLine;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop report</c>: a study's law, pictures and page.</summary>
static class ReportCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("study") { Description = "The study" };
        var verb = new Verb("report", "Fit a study's law, draw its pictures, write report.html: one file that needs no other.",
            "isoflop report decades") { name };
        verb.Runs(call =>
        {
            StudyTables.Findings(call.Out, StudyReport.Write(Study.Open(call.Home, call.Parsed.GetValue(name)!), call.Home,
                call.Stop), 2);
            return 0;
        });
        return verb;
    }
}
