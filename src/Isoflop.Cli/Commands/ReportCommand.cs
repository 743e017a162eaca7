using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Pages;
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
            Study study = Study.Open(call.Here, call.Parsed.GetValue(name)!);
            StudyFindings findings = StudyReport.Write(study, call.Here);
            IReadOnlyList<PlannedRun> planned = [.. study.Record.Runs.Where(r => r.Phase == Phase.Ladder && !r.Later)];
            HashSet<string> there = [.. StudyResult.Of(call.Here, planned).Select(r => r.Run.Name)];
            string[] missing = [.. planned.Select(r => r.Name).Where(n => !there.Contains(n))];
            if (call.Json)
                call.Out.WriteLine(JsonSerializer.Serialize(new(Path.Combine(study.Folder, StudyReport.FileName),
                    Path.Combine(study.Folder, Study.LawFile), planned.Count, missing), ReportJson.Default.ReportRecord));
            else StudyTables.Findings(call.Out, findings, 2);
            if (missing.Length > 0)
                call.Err.WriteLine($"{missing.Length} of {planned.Count} planned runs are not there: {missing[0]}" +
                    (missing.Length > 1 ? ", …" : "") + "; the study's 'isoflop ladder' trains them");
            return 0;
        });
        return verb;
    }
}

/// <summary>What was written, and what the study still lacks.</summary>
sealed record ReportRecord(string Page, string Law, int Planned, IReadOnlyList<string> Missing);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ReportRecord))]
sealed partial class ReportJson : JsonSerializerContext;
