using Isoflop.Web.Serving;

namespace Isoflop.Web;

/// <summary>How a window is opened.</summary>
public sealed record WebOptions
{
    /// <summary>The port; 0: any that is free.</summary>
    public int Port { get; init; } = 5180;

    /// <summary>The address it listens on; anything but loopback needs a <see cref="Key"/>.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>What requests must bear, "Authorization: Bearer KEY"; null: nothing, which is for loopback alone.</summary>
    public string? Key { get; init; }

    /// <summary>Program and first arguments of this command, with which pages start runs; empty: they can start none.</summary>
    public IReadOnlyList<string> Program { get; init; } = [];

    /// <summary>What models are served beside the home's, and what they may take; their home and threads are the
    /// workspace's.</summary>
    public IsoflopOptions Models { get; init; } = new();
}
