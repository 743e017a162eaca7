namespace Isoflop.Cli;

/// <summary>Where a command's words go, and what reads them.</summary>
/// <param name="Output">records</param> <param name="Error">progress, and all else that is to be said</param>
/// <param name="Terminal">errors go to a terminal, on which lines may be drawn over</param>
/// <param name="Colours">records go to a terminal that shows colours, and its user wants them</param>
/// <param name="Input">where answers to questions come from; null: nobody can be asked</param>
/// <param name="Piped">what another program or a file sends in the place of a person; null: nothing</param>
sealed record Streams(TextWriter Output, TextWriter Error, bool Terminal = false, bool Colours = false, TextReader? Input = null,
    TextReader? Piped = null)
{
    /// <summary>The process's own.</summary>
    /// <remarks>Colours: https://no-color.org and TERM=dumb.</remarks>
    public static Streams OfProcess()
    {
        bool dumb = Environment.GetEnvironmentVariable("TERM") == "dumb";
        bool plain = dumb || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        return new(Console.Out, Console.Error, !Console.IsErrorRedirected && !dumb, !Console.IsOutputRedirected && !plain,
            Console.IsInputRedirected ? null : new Asked(), Console.IsInputRedirected ? new Asked() : null);
    }

    /// <summary>Standard input, opened when something is asked: opening it sets up the terminal.</summary>
    sealed class Asked : TextReader
    {
        public override string? ReadLine() => Console.In.ReadLine();
    }
}
