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

    /// <summary>Reads what is new, 64 MB of it at most. Not by two threads at once.</summary>
    /// <returns>more is there</returns>
    /// <exception cref="DataException">It cannot be read.</exception>
    public bool Look()
    {
        try
        {
            using var file = new FileStream(Path.Combine(path, RunFolder.MetricsFile), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete, 0);
            if (!Continues(file)) (offset, last, Count) = (0, [], 0);
            int most = (int)Math.Clamp(file.Length - offset, 0, 16L * Piece);
            byte[] text = GC.AllocateUninitializedArray<byte>(most);
            file.Position = offset;
            int length = file.ReadAtLeast(text, most, throwOnEndOfStream: false);
            int end = text.AsSpan(0, length).LastIndexOf((byte)'\n') + 1;
            if (end == 0) return false;
            Add(text.AsMemory(0, end), (double)file.Length / (offset + end));
            last = text[(text.AsSpan(0, end - 1).LastIndexOf((byte)'\n') + 1)..end];
            offset += end;
            return length == 16 * Piece && offset < file.Length;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            (offset, last, Count) = (0, [], 0);
            return false;
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

    /// <param name="whole">the file's length, of what is read with this text</param>
    void Add(ReadOnlyMemory<byte> text, double whole)
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
        int room = Math.Max((int)Math.Ceiling((Count + rows) * whole), Math.Min(2 * Count, Count + (1 << 20)));
        for (int c = 0; c < columns.Length; c++)
            if (columns[c].Length < Count + rows) Array.Resize(ref columns[c], room);
        Parallel.ForEach(pieces, p =>
        {
            var layout = new Layout();
            ReadOnlySpan<byte> rest = text.Span[p.Start..p.End];
            for (int row = p.Row, length; (length = rest.IndexOf((byte)'\n')) >= 0; row++, rest = rest[(length + 1)..])
                if (!ParseLike(layout, rest[..length], row)) Parse(layout, rest[..length], row);
        });
        Count += rows;
    }

    /// <summary>How a row was written: what stands before each of its numbers, and how long its end is.</summary>
    sealed class Layout
    {
        public readonly List<(byte[] Before, int Column)> Numbers = [];
        public int Rest = -1;
    }

    /// <summary>A row that is written like the one before; false: it is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]       // the first look may have a million rows
    bool ParseLike(Layout layout, ReadOnlySpan<byte> line, int row)
    {
        foreach (double[] column in columns) column[row] = double.NaN;
        foreach ((byte[] before, int column) in layout.Numbers)
        {
            if (!line.StartsWith(before)) return false;
            line = line[before.Length..];
            double value = Number(line, out int length);
            if (double.IsNaN(value)) return false;
            columns[column][row] = value;
            line = line[length..];
        }
        return line.Length == layout.Rest;
    }

    /// <summary>{"step":1,"loss":6.2,…}: what is no number is passed over.</summary>
    void Parse(Layout layout, ReadOnlySpan<byte> line, int row)
    {
        foreach (double[] column in columns) column[row] = double.NaN;
        layout.Numbers.Clear();
        int done = 0, at = 0;
        while (line[at..].IndexOf((byte)'"') is >= 0 and var open)
        {
            int key = at + open + 1, length = line[key..].IndexOf((byte)'"');
            if (length < 0) break;
            at = key + length + 1;
            if (at == line.Length || line[at] != ':') continue;
            at++;
            double value = Number(line[at..], out int digits);
            if (double.IsNaN(value) || ColumnOf(line.Slice(key, length)) is not (>= 0 and var c)) continue;
            columns[c][row] = value;
            layout.Numbers.Add((line[done..at].ToArray(), c));
            done = at += digits;
        }
        layout.Rest = line.Length - done;
    }

    /// <summary>A number of JSON, within two units in the last place, which no chart shows; NaN: there is none.</summary>
    static double Number(ReadOnlySpan<byte> text, out int length)
    {
        ulong digits = 0;
        length = 0;
        int at = text.Length > 0 && text[0] == '-' ? 1 : 0, power = 0;
        bool number = false, fraction = false;
        for (; at < text.Length; at++)
        {
            uint digit = text[at] - (uint)'0';
            if (digit <= 9)
            {
                number = true;
                bool counts = digits < 100_000_000_000_000_000;  // 18 digits are more than a double holds
                if (counts) digits = digits * 10 + digit;
                if (counts == fraction) power += fraction ? -1 : 1;
            }
            else if (text[at] == '.' && !fraction) fraction = true;
            else break;
        }
        if (!number) return double.NaN;
        if (at < text.Length && (text[at] | 0x20) == 'e' && Utf8Parser.TryParse(text[(at + 1)..], out int exponent, out int more))
            (power, at) = (power + exponent, at + 1 + more);
        length = at;
        double size = Math.Abs(power) < Powers.Length ? Powers[Math.Abs(power)] : Math.Pow(10, Math.Abs(power));
        return (text[0] == '-' ? -1 : 1) * (power < 0 ? digits / size : digits * size);
    }

    static ReadOnlySpan<double> Powers =>
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ];

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
