using System.Diagnostics;
using System.IO.Hashing;
using Isoflop.Store;

namespace Isoflop.Lab.Failures;

/// <summary>How long a checkpoint takes: its files written, hashed and made durable one by one, as a run's.</summary>
static class SaveTime
{
    const int SmallFiles = 6, Piece = 1 << 20, Most = 128 * Piece;

    /// <summary>Measures it, in a folder that is removed again.</summary>
    /// <param name="folder">on the disk that is meant</param> <param name="bytes">of weights and moments; beyond 128 MB the
    /// rest is reckoned from the rate of those</param>
    /// <returns>seconds, the median of three</returns>
    public static double Measure(string folder, double bytes)
    {
        string own = Path.Combine(folder, $".save-{Path.GetRandomFileName()}");
        try
        {
            return Enumerable.Range(0, 3).Select(_ => Once(own, bytes)).Order().ElementAt(1);
        }
        finally
        {
            if (Directory.Exists(own)) Directory.Delete(own, recursive: true);
        }
    }

    static double Once(string folder, double bytes)
    {
        var piece = new byte[(int)Math.Clamp(bytes, 1, Piece)];
        new Random(1).NextBytes(piece);
        Directory.CreateDirectory(folder);
        long began = Stopwatch.GetTimestamp();
        ReadOnlySpan<byte> little = piece.AsSpan(0, Math.Min(piece.Length, 1000));
        for (int i = 0; i < SmallFiles; i++) Write(Path.Combine(folder, $"{i}"), little, 1);
        double small = Stopwatch.GetElapsedTime(began).TotalSeconds;
        long big = Stopwatch.GetTimestamp(), pieces = (long)Math.Ceiling(Math.Min(bytes, Most) / piece.Length);
        Write(Path.Combine(folder, "tensors"), piece, pieces);
        double large = Stopwatch.GetElapsedTime(big).TotalSeconds * Math.Max(1, bytes / Most);
        Disk.SyncFolder(folder);
        return small + large;
    }

    static void Write(string path, ReadOnlySpan<byte> piece, long times)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var hash = new XxHash128();
        for (long i = 0; i < times; i++)
        {
            hash.Append(piece);
            file.Write(piece);
        }
        file.Flush(flushToDisk: true);
    }
}
