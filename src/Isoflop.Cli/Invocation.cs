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

    /// <param name="stop">cancelled by Ctrl-C</param>
    /// <exception cref="ConfigException">A workspace that cannot be.</exception>
    public Invocation(ParseResult parsed, Streams streams, CancellationToken stop)
    {
        (Parsed, this.streams) = (parsed, streams);
        output = new(streams.Output, courtesy: false);
        error = new(streams.Error, courtesy: true);
        progress = new(error, streams.Terminal);
        Here = new(parsed.GetValue(App.Home)!)
        {
            Threads = parsed.GetValue(App.Threads),
            Device = parsed.GetValue(App.Device)!,
            Progress = progress,
            Stop = stop,
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

    PlainWriter Ended(PlainWriter to)
    {
        progress.End();
        return to;
    }
}
