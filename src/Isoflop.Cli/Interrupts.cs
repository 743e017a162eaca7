namespace Isoflop.Cli;

/// <summary>Ctrl-C. It asks the command to stop, or that part of its work which the command says may be stopped alone.</summary>
/// <param name="stop">cancelled where the whole command is to stop</param>
sealed class Interrupts(CancellationToken stop)
{
    CancellationTokenSource? part;

    /// <summary>The command is to stop.</summary>
    public CancellationToken Stop => stop;

    /// <summary>A part: an interrupt stops it and no more, once; so does the end of the command.</summary>
    public CancellationTokenSource Part() => part = CancellationTokenSource.CreateLinkedTokenSource(stop);

    /// <summary>Stops the part under way; false: there is none, and the command is meant.</summary>
    public bool StopPart()
    {
        try
        {
            if (Interlocked.Exchange(ref part, null) is not { } under) return false;
            under.Cancel();
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;                                        // it has just ended
        }
    }
}
