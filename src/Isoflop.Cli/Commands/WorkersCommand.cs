using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop workers</c> and <c>isoflop cancel</c>: who trains a study, and sending them home.</summary>
static class WorkersCommand
{
    static Argument<string> Study() => new("study") { Description = "Of --on" };

    public static Command Create()
    {
        Argument<string> study = Study();
        var verb = new Verb("workers",
            "Show the workers of a study that was started with --on: who does what, and who is silent.",
            "isoflop workers first                     one line a worker") { study };
        verb.Runs(call =>
        {
            string folder = FolderOf(call, call.Parsed.GetValue(study)!, out CrewRecord crew);
            var alive = Crew.AtWork(folder).Select(c => c.Worker).ToHashSet();
            IReadOnlyList<WorkerCard> all = Worker.AllOf(folder);
            if (call.Json)
            {
                foreach (WorkerCard card in all)
                    call.Out.WriteLine(JsonSerializer.Serialize(card, WorkerJson.Default.WorkerCard));
                return 0;
            }
            List<string[]> rows = [["worker", "host", "process", "state", "run", "step", "done", "failed"]];
            foreach (WorkerCard c in all)
                rows.Add([c.Worker, c.Host, I($"{c.Pid}"),
                    c.State == "ended" || alive.Contains(c.Worker) ? c.State : "silent", c.Run,
                    c.Run.Length == 0 ? "" : I($"{c.Step} of {c.Steps}"), I($"{c.Done}"), I($"{c.Failed}")]);
            TextTable.Write(call.Out, rows, 0, 1, 3, 4);
            string job = crew.Job.Length > 0 ? $", job {crew.Job}" : "";
            call.Out.WriteLine(I($"{crew.Engine}{job}: {alive.Count} of {crew.Workers} workers at work, ") +
                I($"{all.Sum(c => c.Done)} runs done by them, {all.Sum(c => c.Failed)} failed; ") +
                I($"a silent worker's run passes on after {crew.LeaseSeconds:0} s"));
            return 0;
        });
        return verb;
    }

    public static Command CreateCancel()
    {
        Argument<string> study = Study();
        var verb = new Verb("cancel", "Send the workers of a study home: each saves what it trains first.",
            "isoflop cancel first                      the same ladder command goes on later") { study };
        verb.Runs(call =>
        {
            string folder = FolderOf(call, call.Parsed.GetValue(study)!, out CrewRecord crew);
            if (crew.Job.Length > 0) Launch.Withdraw(crew.Job);
            Crew.Cancel(folder);
            int left = Crew.AtWork(folder).Count;
            for (int i = 0; left > 0 && i < 60 && !call.Stop.IsCancellationRequested; i++)
            {
                call.Here.Report("saving", crew.Workers - left, crew.Workers, "workers");
                call.Stop.WaitHandle.WaitOne(1000);
                left = Crew.AtWork(folder).Count;
            }
            call.Out.WriteLine(left == 0 ? "all workers are gone; nothing is lost"
                : $"{left} workers are still saving; 'isoflop workers {Path.GetFileName(folder)}' shows them");
            return 0;
        });
        return verb;
    }

    static string FolderOf(Invocation call, string study, out CrewRecord crew)
    {
        string folder = call.Here.StudyFolder(study);
        crew = Crew.Read(folder) ?? throw new ConfigException(Directory.Exists(folder)
            ? $"{folder} was never given to workers; 'isoflop ladder {study} … --on local' does"
            : $"study '{study}': there is none of that name in {call.Here.Studies}; make one with 'isoflop ladder'");
        return folder;
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
