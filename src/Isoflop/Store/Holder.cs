using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Isoflop.Store;

/// <summary>Who holds a folder, or held it when it was killed: what <see cref="FolderLock"/> writes beside its lock.</summary>
/// <param name="Started">when the folder was taken, UTC</param> <param name="Beat">the last sign of life</param>
/// <param name="Step">that it had come to</param>
sealed record Holder(int Pid, string Host, DateTime Started, DateTime Beat, int Step)
{
    /// <summary>Seconds between two signs of life; ten missed ones are a death.</summary>
    public const int BeatSeconds = 3, DeadSeconds = 10 * BeatSeconds;

    /// <summary>It gave a sign of life a moment ago and, on this host, its process is there.</summary>
    public bool IsAlive(TimeProvider clock) => (clock.GetUtcNow().UtcDateTime - Beat).Duration().TotalSeconds < DeadSeconds
        && (Host != Environment.MachineName || ProcessLives(Pid));

    /// <summary>A process of this host.</summary>
    public static bool ProcessLives(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Holder))]
sealed partial class HolderJson : JsonSerializerContext;
