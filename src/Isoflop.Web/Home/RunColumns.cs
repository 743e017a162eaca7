using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Isoflop.Train;

namespace Isoflop.Web.Home;

/// <summary>
/// metrics.jsonl as columns of numbers, followed: each look reads what was added. A million rows are to be there within a
/// second, so all cores read them, as what they are, flat objects of numbers, and their hashes are left alone: 'isoflop runs
/// verify' holds them.
/// </summary>
sealed class RunColumns(string path)
{
    /// <summary>Names of the columns.</summary>
    public static readonly string[] Names =
    [
        "step", "loss", "entropy", "grad_norm", "learning_rate", "tokens", "flops", "seconds", "tokens_per_second", "peak_share",
    ];

    const int Piece = 1 << 22;

    readonly double[][] columns = [.. Names.Select(_ => Array.Empty<double>())];
    long offset;
    byte[] last = [];                                            // the row before offset: a file that was replaced has another

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>A column by its name; NaN where a row lacks it. Holds until the next look.</summary>
    public ReadOnlySpan<double> this[string name] => columns[Array.IndexOf(Names, name)].AsSpan(0, Count);

    /// <summary>Reads what is new. Not by two threads at once.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    public void Look()
    {
        try
        {
            using var file = new FileStream(Path.Combine(path, RunFolder.MetricsFile), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete, 0);
            if (!Continues(file)) (offset, last, Count) = (0, [], 0);
            file.Position = offset;
            while (file.Length > offset)
            {
                byte[] text = new byte[(int)Math.Min(file.Length - offset, 16L * Piece)];
                file.Position = offset;
                int length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
                int end = Array.LastIndexOf(text, (byte)'\n', Math.Max(0, length - 1), length) + 1;
                if (end <= 0) return;
                Add(text.AsMemory(0, end));
                int start = end > 1 ? Array.LastIndexOf(text, (byte)'\n', end - 2, end - 1) + 1 : 0;
                last = text[start..end];
                offset += end;
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            (offset, last, Count) = (0, [], 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    bool Continues(FileStream file)
    {
        if (file.Length < offset) return false;
        byte[] there = new byte[last.Length];
        file.Position = offset - last.Length;
        return file.ReadAtLeast(there, there.Length, throwOnEndOfStream: false) == last.Length
            && there.AsSpan().SequenceEqual(last);
    }

    void Add(ReadOnlyMemory<byte> text)
    {
        List<(int Start, int End, int Row)> pieces = [];
        int rows = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = Math.Min(text.Length, at + Piece);
            end += end < text.Length ? text.Span[end..].IndexOf((byte)'\n') + 1 : 0;
            pieces.Add((at, end, Count + rows));
            rows += text.Span[at..end].Count((byte)'\n');
            at = end;
        }
        int room = Math.Max(Count + rows, Math.Min(2 * Count, Count + (1 << 20)));
        for (int c = 0; c < columns.Length; c++)
            if (columns[c].Length < Count + rows) Array.Resize(ref columns[c], room);
        Parallel.ForEach(pieces, p =>
        {
            ReadOnlySpan<byte> rest = text.Span[p.Start..p.End];
            for (int row = p.Row, length; (length = rest.IndexOf((byte)'\n')) >= 0; row++, rest = rest[(length + 1)..])
                Parse(rest[..length], row);
        });
        Count += rows;
    }

    /// <summary>{"step":1,"loss":6.2,…}: what is no number is passed over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]       // the first look may have a million rows
    void Parse(ReadOnlySpan<byte> line, int row)
    {
        foreach (double[] column in columns) column[row] = double.NaN;
        while (line.IndexOf((byte)'"') is >= 0 and var open)
        {
            line = line[(open + 1)..];
            int close = line.IndexOf((byte)'"');
            if (close < 0) return;
            ReadOnlySpan<byte> key = line[..close];
            line = line[(close + 1)..];
            if (line.Length == 0 || line[0] != ':') continue;
            line = line[1..];
            if (Utf8Parser.TryParse(line, out double value, out int used))
            {
                if (ColumnOf(key) is >= 0 and var c) columns[c][row] = value;
                line = line[used..];
            }
        }
    }

    static int ColumnOf(ReadOnlySpan<byte> key) => key.Length switch
    {
        4 => key.SequenceEqual("step"u8) ? 0 : key.SequenceEqual("loss"u8) ? 1 : -1,
        5 => key.SequenceEqual("flops"u8) ? 6 : -1,
        6 => key.SequenceEqual("tokens"u8) ? 5 : -1,
        7 => key.SequenceEqual("entropy"u8) ? 2 : key.SequenceEqual("seconds"u8) ? 7 : -1,
        9 => key.SequenceEqual("grad_norm"u8) ? 3 : -1,
        10 => key.SequenceEqual("peak_share"u8) ? 9 : -1,
        13 => key.SequenceEqual("learning_rate"u8) ? 4 : -1,
        17 => key.SequenceEqual("tokens_per_second"u8) ? 8 : -1,
        _ => -1,
    };
}
