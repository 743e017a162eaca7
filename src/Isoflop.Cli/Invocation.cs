using System.CommandLine;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli;

/// <summary>One call of a command: what was given, and where records and progress go.</summary>
sealed class Invocation
{
    readonly PlainWriter output, error;
    readonly Reporter progress;
    readonly Streams streams;
    readonly Interrupts interrupts;

    /// <exception cref="ConfigException">A workspace that cannot be.</exception>
    public Invocation(ParseResult parsed, Streams streams, Interrupts interrupts)
    {
        (Parsed, this.streams, this.interrupts) = (parsed, streams, interrupts);
        output = new(streams.Output, courtesy: false);
        error = new(streams.Error, courtesy: true);
        progress = new(error, streams.Terminal);
        Here = new(parsed.GetValue(App.Home)!)
        {
            Threads = parsed.GetValue(App.Threads),
            Device = parsed.GetValue(App.Device)!,
            Progress = progress,
            Stop = interrupts.Stop,
            AllowOtherBits = parsed.GetValue(App.AllowOtherBits),
        };
    }

    public ParseResult Parsed { get; }
    /// <summary>Where and with what the command works.</summary>
    public Workspace Here { get; }
    public CancellationToken Stop => Here.Stop;
    /// <summary>Records. Ends the line of the progress.</summary>
    public TextWriter Out => Ended(output);
    /// <summary>What else is to be said.</summary>
    public TextWriter Err => Ended(error);
    /// <summary>Errors go to a terminal.</summary>
    public bool Terminal => streams.Terminal;
    /// <summary>Records in colours; null: none are wanted.</summary>
    public TextWriter? Coloured => streams.Colours && !Json ? ((PlainWriter)Out).Raw : null;
    /// <summary>Write records as JSON.</summary>
    public bool Json => Parsed.GetValue(App.Json);
    /// <summary>Where answers to questions come from; null: nobody can be asked.</summary>
    public TextReader? In => streams.Input;
    /// <summary>Standard input, whoever writes it.</summary>
    public TextReader Lines => streams.Input ?? streams.Piped ?? TextReader.Null;
    /// <summary>What Ctrl-C stops instead of the command, until it is disposed of.</summary>
    public CancellationTokenSource Part() => interrupts.Part();

    PlainWriter Ended(PlainWriter to)
    {
        progress.End();
        return to;
    }
}
