namespace Isoflop.Store;

/// <summary>How far a piece of work is. The time left is the receiver's to reckon.</summary>
/// <param name="Stage">what is being done; empty: <paramref name="Note"/> is a remark, worth a line of its own</param>
/// <param name="Done">of <paramref name="Total"/>, in this stage</param>
/// <param name="Unit">what is counted: "B", "tokens", "steps"; empty: a share</param>
/// <param name="Note">what is under way, for a reader</param>
public readonly record struct Progress(string Stage, double Done, double Total = 1, string Unit = "", string Note = "")
{
    /// <summary>What else this kind of work has to tell, by its type; holds during the call.</summary>
    public object? Detail { get; init; }
}

/// <summary>Calls a delegate at once, on the thread that reports, which may be any.</summary>
sealed class Listener(Action<Progress> tell) : IProgress<Progress>
{
    public void Report(Progress value) => tell(value);
}
