using System.Globalization;
using Isoflop.Lab.Studies;
using Spectre.Console;

namespace Isoflop.Cli;

/// <summary>
/// Progress of a study on stderr: on a terminal whose cursor moves a table that is drawn over, a bar for each run under way and
/// one for all; elsewhere a line when a run ends, and one a minute.
/// </summary>
sealed class LadderLines(PlainWriter error, bool terminal)
{
    readonly IAnsiConsole? screen = terminal
        ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error.Raw) }) : null;

    int drawn;
    long last = long.MinValue / 2;

    /// <param name="of">share of the FLOPs</param>
    public void Report(Store.Progress of, LadderProgress p)
    {
        if (screen is not { Profile.Capabilities.Ansi: true }) Plain(of, p);
        else Draw(of, p);
    }

    void Plain(Store.Progress of, LadderProgress p)
    {
        long now = Environment.TickCount64;
        if (p.Ended is null && now - last < 60_000) return;
        last = now;
        error.WriteLine($"{Ended(p)}{Overall(of, p)}");
    }

    void Draw(Store.Progress of, LadderProgress p)
    {
        if (drawn > 0) screen!.WriteAnsi(w => w.CursorUp(drawn).EraseInDisplay(0));
        if (p.Ended is not null) screen!.MarkupLine(Escaped(Ended(p).TrimEnd(' ', '·')));
        foreach (RunningRun r in p.Running)
        {
            double share = (double)r.Step / Math.Max(1, r.Run.Steps);
            string line = string.Create(CultureInfo.InvariantCulture,
                $"  {r.Run.Name,-34} {Bar(share)} {100 * share,3:0} %") +
                (double.IsFinite(r.Loss) ? string.Create(CultureInfo.InvariantCulture, $"  loss {r.Loss:0.000}") : "");
            screen!.MarkupLine($"[blue]{Escaped(Fit(line))}[/]");
        }
        screen!.MarkupLine($"[green]{Escaped(Fit($"{Bar(of.Done)} {Overall(of, p)}"))}[/]");
        drawn = p.Running.Count + 1;
    }

    static string Escaped(string text) => Markup.Escape(PlainWriter.Shown(text));

    string Fit(string line) => line.Length < screen!.Profile.Width ? line : line[..(screen.Profile.Width - 1)];

    static string Bar(double share)
    {
        int full = (int)Math.Round(20 * Math.Clamp(share, 0, 1));
        return new string('█', full) + new string('░', 20 - full);
    }

    static string Ended(LadderProgress p) => p.Ended is null ? "" : p.Result is { } r
        ? string.Create(CultureInfo.InvariantCulture,
            $"{r.Run.Name}  loss {r.Loss:0.0000}  {r.BitsPerByte:0.0000} bits/byte  {r.Seconds:0.0} s · ")
        : $"{p.Ended.Name}  FAILED: {p.Failure} · ";

    static string Overall(Store.Progress of, LadderProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"{of.Stage}: {p.Done} of {p.Total} runs, {100 * of.Done:0} % of the FLOPs, {ProgressLine.Span(p.SecondsLeft)} left") +
        (p.Failed > 0 ? $", {p.Failed} failed" : "");
}
