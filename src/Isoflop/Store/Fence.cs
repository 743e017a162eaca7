namespace Isoflop.Store;

/// <summary>
/// The right to write a folder, where it may pass to another process while this one sleeps: hosts share no lock that holds.
/// Rights are numbered; the newest counts (Lamport's "fencing").
/// </summary>
abstract class Fence
{
    /// <summary>Of this right, from 1.</summary>
    public abstract int Number { get; }

    /// <summary>To be asked before something gets its final name.</summary>
    /// <exception cref="FenceLostException">A newer right was given.</exception>
    public abstract void ThrowIfLost();
}

/// <summary>The folder is another's by now, who does the same, bit for bit: nothing is lost.</summary>
sealed class FenceLostException(string message) : Exception(message);
