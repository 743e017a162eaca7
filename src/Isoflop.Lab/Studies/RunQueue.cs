using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>A run under way.</summary>
readonly record struct RunningRun(PlannedRun Run, int Step, double Loss);

/// <summary>How far a study is, beside its share of the FLOPs.</summary>
/// <param name="SecondsLeft">at the pace so far; before any run is done, as reckoned</param>
/// <param name="Ended">the run that ended since the last report, with its result or its failure</param>
sealed record LadderProgress(int Done, int Failed, int Total, double SecondsLeft, IReadOnlyList<RunningRun> Running,
    PlannedRun? Ended = null, StudyResult? Result = null, string Failure = "");

/// <summary>A run that could not be done; repeating the command tries it again from its last checkpoint.</summary>
public sealed record FailedRun(string Name, string Reason);

/// <summary>
/// Trains runs side by side, each on threads of its own. A run that is done is never repeated, one that fails is named and the
/// rest goes on. Where this process is one of several workers it claims each run first, and waits for those of others.
/// </summary>
/// <remarks>
/// Two runs on two cores share no barriers: at every size they finish at least as early as one after the other on both (LOG.md).
/// So a run gets more threads only when fewer runs than cores are left. On a card each has a stream and a thread of the host.
/// </remarks>
sealed class RunQueue(Workspace here, string stage, IReadOnlyList<PlannedRun> runs, int workers)
{
    readonly Ladder.Place place = Ladder.PlaceOf(here, workers);
    readonly Lock one = new();
    readonly List<PlannedRun> waiting = [.. runs];
    readonly Dictionary<string, RunningRun> running = [];
    readonly HashSet<string> open = [.. runs.Select(r => r.Name)];
    readonly List<StudyResult> results = [];
    readonly List<FailedRun> failed = [];
    readonly long began = Environment.TickCount64;
    readonly Claims? claims = here.Claims;
    double doneFlops, paidSeconds;                             // the second as reckoned, of what this process has done
    long told;

    /// <summary>Results in the order of the plan, and failures.</summary>
    /// <exception cref="OperationCanceledException">Asked to stop: every run under way has saved.</exception>
    public (IReadOnlyList<StudyResult> Results, IReadOnlyList<FailedRun> Failed) Work()
    {
        foreach (PlannedRun run in runs)
            if (StudyResult.Of(here, run) is { } there && OnItsText(run)) Take(run, there);
        Report(null, null, "");
        var threads = new List<Thread>();
        Exception? bug = null;
        for (int i = 0; i < Math.Min(workers, waiting.Count); i++)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    while (bug is null && Next() is { } next) Do(next.Run, next.Threads, next.Claim);
                }
                catch (Exception e)
                {
                    lock (one) bug ??= e;
                }
            }, maxStackSize: 16 << 20)
            { Name = $"study {i}" };
            threads.Add(thread);
            thread.Start();
        }
        foreach (Thread thread in threads) thread.Join();
        if (bug is not null) throw new InvalidOperationException($"a run crashed: {bug.Message}", bug);
        here.Stop.ThrowIfCancellationRequested();
        return ([.. runs.Select(r => results.Find(x => x.Run.Name == r.Name)).OfType<StudyResult>()], failed);
    }

    readonly Dictionary<string, CorpusFacts?> texts = [];

    /// <summary>A run whose corpus was built anew is not done; the trainer says so.</summary>
    bool OnItsText(PlannedRun run)
    {
        string folder = here.RunFolder(run.Name);
        if (!File.Exists(Path.Combine(folder, RunRecord.FileName))) return true;
        CorpusFacts was = RunRecord.Load(folder).Corpus;
        if (!texts.TryGetValue(was.Name, out CorpusFacts? now) && Directory.Exists(here.CorpusFolder(was.Name)))
        {
            using Corpus corpus = Corpus.Open(here.CorpusFolder(was.Name));
            now = CorpusFacts.Of(corpus);
        }
        texts[was.Name] = now;
        return now is null || was.SameText(now);
    }

    void Take(PlannedRun run, StudyResult there)
    {
        waiting.Remove(run);
        open.Remove(run.Name);
        results.Add(there);
        doneFlops += run.NewFlops;
    }

    /// <summary>The next run whose source is there, and its threads; null: none is left. Waits where none can begin.</summary>
    (PlannedRun Run, int Threads, Claim? Claim)? Next()
    {
        while (true)
        {
            lock (one)
            {
                if (here.Stop.IsCancellationRequested) return null;
                claims?.Look();
                List<PlannedRun> able = [.. waiting.Where(r => r.After.Length == 0 || !open.Contains(r.After))];
                bool others = false;
                while (able.Count > 0 && Choose(able) is { } run)
                {
                    able.Remove(run);
                    switch (Ask(run, out Claim? claim, out StudyResult? there))
                    {
                        case ClaimAnswer.Won:
                            waiting.Remove(run);
                            running[run.Name] = new(run, 0, double.NaN);
                            return (run, place.ThreadsOf(Math.Min(workers, running.Count + waiting.Count)), claim);
                        case ClaimAnswer.Done:
                            Take(run, there!);
                            Report(run, there, "");
                            break;
                        case ClaimAnswer.GivenUp:
                            waiting.Remove(run);
                            open.Remove(run.Name);
                            failed.Add(new(run.Name, claims!.ReasonOf(run.Name)));
                            break;
                        default:
                            others = true;
                            break;
                    }
                }
                if (waiting.Count == 0) return null;
                if (running.Count == 0 && !others) return null;    // what is left waits for runs that failed
            }
            // Others' ends are looked for about once a second, by each worker at its own times.
            here.Stop.WaitHandle.WaitOne(claims is null ? 20 : Random.Shared.Next(500, 1500));
        }
    }

    ClaimAnswer Ask(PlannedRun run, out Claim? claim, out StudyResult? there)
    {
        StudyResult? result = null;
        claim = null;
        ClaimAnswer answer = claims?.Try(run.Name, () => (result = StudyResult.Of(here, run)) is not null, out claim)
            ?? ClaimAnswer.Won;
        there = result;
        return answer;
    }

    PlannedRun? Choose(IEnumerable<PlannedRun> able)
    {
        double left = waiting.Sum(r => r.SecondsAt(place.PeakFlops))
            + running.Values.Sum(r => r.Run.SecondsAt(place.PeakFlops) * (1 - PartOf(r)));
        long taken = running.Values.Sum(r => r.Run.MemoryOn(place.Device));
        return Choose([.. able], r => r.SecondsAt(place.PeakFlops), left / (claims?.Count ?? workers),
            r => r.MemoryOn(place.Device),
            running.Count == 0 ? long.MaxValue : place.Device.MemoryBytes - taken);
    }

    /// <summary>
    /// The first in the plan's order, small ones first; but the longest as soon as it would outlast an even share of what is
    /// left. None while there is no memory for it.
    /// </summary>
    internal static PlannedRun? Choose(IReadOnlyList<PlannedRun> able, Func<PlannedRun, double> seconds, double share,
        Func<PlannedRun, long> bytes, long memory)
    {
        PlannedRun? longest = able.MaxBy(seconds);
        PlannedRun? run = longest is not null && seconds(longest) > share ? longest : able.FirstOrDefault();
        return run is not null && bytes(run) > memory ? null : run;
    }

    void Do(PlannedRun run, int threads, Claim? claim)
    {
        string failure = "";
        StudyResult? result = null;
        if (failed.Exists(f => f.Name == run.After)) failure = $"its trunk {run.After} failed";
        else
        {
            try
            {
                TrainResult trained = Trainer.Train(run.Config!, here.Reporting(p => Moved(run, p)) with
                {
                    Threads = threads,
                    PeakFlops = place.PeakFlops * threads,
                    Fence = claim,
                });
                if (trained.Done) result = StudyResult.Of(here, run);
            }
            catch (FenceLostException)
            {
                claim = null;                                      // another has it: it is waited for like any of another's
            }
            catch (Exception e) when (e is ConfigException or DataException or IOException or UnauthorizedAccessException
                or OutOfMemoryException)
            {
                failure = e.Message;
            }
        }
        lock (one)
        {
            running.Remove(run.Name);
            if (claims is not null && result is null && (claim is null || failure.Length > 0))
            {
                claim?.End(Claim.Failed, failure);                // tried again, here or elsewhere, as often as the rules allow
                claims.Worker.Count(done: false);
                waiting.Add(run);
                return;
            }
            claim?.End(result is null ? Claim.Stopped : Claim.Done);
            if (result is not null) claims?.Worker.Count(done: true);
            if (result is not null)
            {
                paidSeconds += run.SecondsAt(place.PeakFlops) / workers;
                Take(run, result);
            }
            else if (failure.Length > 0)
            {
                open.Remove(run.Name);
                failed.Add(new(run.Name, failure));
            }
            else return;                                        // stopped: saved, and still open
            Report(run, result, failure);
        }
    }

    void Moved(PlannedRun run, Progress p)
    {
        lock (one)
        {
            if (p.Detail is TrainProgress now)
            {
                running[run.Name] = new(run, now.Step, now.Loss);
                claims?.Worker.Tell(run.Name, now.Step, run.Steps);
            }
            if (Environment.TickCount64 - told > 200) Report(null, null, "");
        }
    }

    void Report(PlannedRun? ended, StudyResult? result, string failure)
    {
        told = Environment.TickCount64;
        double total = runs.Sum(r => r.NewFlops), under = running.Values.Sum(r => r.Run.NewFlops * PartOf(r)),
            left = total - doneFlops - under - failed.Sum(f => runs.First(r => r.Name == f.Name).NewFlops);
        double seconds = (told - began) / 1000.0, reckoned = waiting.Concat(running.Values.Select(r => r.Run))
            .Sum(r => r.SecondsAt(place.PeakFlops)) / workers;
        // small runs reach less of the peak: what is left is weighed by its reckoned time
        double underway = running.Values.Sum(r => r.Run.SecondsAt(place.PeakFlops) * PartOf(r)) / workers, paid = paidSeconds
            + underway;
        double pace = paid > 0 && seconds > 3 ? seconds / paid : 1, timeLeft = (reckoned - underway) * pace;
        here.Report(stage, total > 0 ? 1 - left / total : 1, detail: new LadderProgress(results.Count, failed.Count, runs.Count,
            Math.Max(0, timeLeft), [.. running.Values.OrderBy(r => r.Run.Name, StringComparer.Ordinal)], ended, result, failure));
    }

    static double PartOf(RunningRun r) => r.Run.Steps == 0 ? 0 : (double)r.Step / r.Run.Steps;
}
