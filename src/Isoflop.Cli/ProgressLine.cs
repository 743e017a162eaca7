using System.Globalization;
using Spectre.Console;

namespace Isoflop.Cli;

/// <summary>
/// Progress on stderr: percent, rate and time left of the stage under way. On a terminal one line that is drawn over; elsewhere
/// a plain line when a stage starts, ends, and every ten seconds between. May be told from any thread.
/// </summary>
sealed class ProgressLine : IDisposable
{
    readonly PlainWriter plain;
    readonly IAnsiConsole? terminal;
    readonly TimeProvider time;
    readonly Lock one = new();
    string stage = "";
    long started, drawn;
    double from;                                                // done when the stage was first heard of
    bool ended = true;

    public ProgressLine(PlainWriter error, bool terminal, TimeProvider? time = null)
    {
        plain = error;
        this.time = time ?? TimeProvider.System;
        if (terminal) this.terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error.Raw) });
    }

    /// <param name="stage">what is being done; a new name starts a new line and a new clock</param>
    /// <param name="done">of <paramref name="total"/></param>
    /// <param name="unit">"B", "tokens", "steps"; the rate is in it. Empty: no rate</param>
    /// <param name="note">anything else worth showing, such as the loss</param>
    public void Report(string stage, double done, double total = 1, string unit = "", string note = "")
    {
        lock (one)
        {
            long now = time.GetTimestamp();
            bool first = stage != this.stage;
            if (first)
            {
                if (!ended && terminal is not null) plain.WriteLine();
                (this.stage, started, from, ended) = (stage, now, done, false);
            }
            else if (ended)
            {
                return;                                         // late reports of a finished stage
            }
            bool last = done >= total;
            double sinceDrawn = time.GetElapsedTime(drawn, now).TotalSeconds;
            if (!first && !last && sinceDrawn < (terminal is null ? 10 : 0.1)) return;
            drawn = now;
            Draw(Text(done, total, unit, note, time.GetElapsedTime(started, now).TotalSeconds, last), last);
        }
    }

    string Text(double done, double total, string unit, string note, double seconds, bool last)
    {
        double share = total > 0 ? Math.Clamp(done / total, 0, 1) : 1, step = done - from;
        var parts = new List<string> { string.Create(CultureInfo.InvariantCulture,
            $"{stage,-10} {Math.Floor(100 * share),3:F0} %") };
        if (unit.Length > 0 && seconds > 0.5 && step > 0) parts.Add(Rate(step / seconds, unit));
        if (last) parts.Add($"in {Span(seconds)}");
        else if (seconds > 1 && step > 0) parts.Add($"{Span(seconds * (total - done) / step)} left");
        if (note.Length > 0) parts.Add(note);
        return string.Join("  ", parts);
    }

    void Draw(string text, bool last)
    {
        ended = last;
        if (terminal is null)
        {
            plain.WriteLine(text);
            return;
        }
        plain.Write('\r');
        string line = text.Length < terminal.Profile.Width ? text.PadRight(terminal.Profile.Width - 1)
            : text[..(terminal.Profile.Width - 1)];
        terminal.Markup($"[{(last ? "green" : "blue")}]{Escaped(line)}[/]");
        if (last) plain.WriteLine();
    }

    static string Escaped(string text) => Markup.Escape(PlainWriter.Shown(text));

    /// <summary>12.3 MB/s, 8.1 ktokens/s.</summary>
    internal static string Rate(double perSecond, string unit) => Format.Quantity(perSecond, unit) + "/s";

    /// <summary>42 s, 3 min 20 s, 5 h 12 min, 2 d 4 h.</summary>
    internal static string Span(double seconds)
    {
        if (!(seconds < 1e9)) return "very long";
        long s = (long)Math.Ceiling(seconds);
        return s < 100 ? $"{s} s" : s < 6000 ? $"{s / 60} min {s % 60} s" : s < 172800 ? $"{s / 3600} h {s / 60 % 60} min"
            : $"{s / 86400} d {s / 3600 % 24} h";
    }

    public void Dispose()
    {
        if (!ended && terminal is not null) plain.WriteLine();
        ended = true;
    }
}

/// <summary>Numbers for people: three digits and a prefix.</summary>
static class Format
{
    static readonly (double Size, string Prefix)[] Prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

    /// <summary>12.3 MB, 456 tokens, 1.20 Gtokens.</summary>
    public static string Quantity(double value, string unit)
    {
        (double size, string prefix) = Prefixes.FirstOrDefault(p => Math.Abs(value) >= p.Size * 0.9995, (1, ""));
        double scaled = value / size;
        string digits = prefix.Length == 0 ? "0.##" : scaled >= 99.95 ? "0" : scaled >= 9.995 ? "0.0" : "0.00";
        return $"{scaled.ToString(digits, CultureInfo.InvariantCulture)} {prefix}{unit}";
    }
}
