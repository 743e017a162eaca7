using System.Globalization;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli;

/// <summary>Progress of whatever a command does: bars for the runs of a study, else one line. From any thread.</summary>
sealed class Reporter(PlainWriter error, bool terminal) : IProgress<Progress>
{
    readonly Lock one = new();
    ProgressLine? line;
    LadderLines? ladder;

    public void Report(Progress p)
    {
        lock (one)
        {
            if (p.Stage.Length == 0) Remark(p.Note);
            else if (p.Detail is LadderProgress study)
            {
                End();
                (ladder ??= new(error, terminal)).Report(p, study);
            }
            else
            {
                if (p.Detail is RlProgress { Found: { Count: > 0 } found })
                    foreach (Diagnosis d in found) Remark($"step {p.Done}: {d.Name}: {d.Text}");
                ladder = null;
                (line ??= new(error, terminal)).Report(p.Stage, p.Done, p.Total, p.Unit, NoteOf(p));
            }
        }
    }

    void Remark(string text)
    {
        End();
        error.WriteLine(text);
    }

    /// <summary>Ends the line that is drawn over: what is written next begins on one of its own.</summary>
    public void End()
    {
        line?.Dispose();
        line = null;
    }

    static string NoteOf(Progress p) => p.Detail switch
    {
        TrainProgress t => I($"loss {t.Loss:F4}  {Format.Quantity(t.TokensPerSecond, "tokens/s")}"),
        RlProgress { Last: { } r } => I($"reward {r.Reward:0.000}  length {r.Length:0.0}  thinks {r.Thinking:P0}  ") +
            I($"entropy {r.Entropy:0.000}"),
        SearchState s => I($"{s.Rounds} rounds  {s.Tokens:n0} tokens  {s.Distinct} answers") +
            (s.Best is null ? "" : I($"  best so far {s.Best} ({s.Votes}×)")),
        _ => p.Note,
    };

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
