using System.Text;
using Isoflop.Store;
using nietras.SeparatedValues;

namespace Isoflop.Lab.Tables;

/// <summary>
/// A table that another program wrote, as texts: comma, semicolon, tab or bar between cells, quotes as RFC 4180 has them; LF,
/// CRLF or CR; a byte order mark, a line <c>sep=;</c> and comments (#) before the header; a separator at the end of rows.
/// </summary>
sealed class ForeignTable
{
    const long MaxBytes = 1 << 28;
    const string Separators = ",;\t|";

    readonly string[] header = [];
    readonly List<(int Line, string[] Cells)> rows = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">Missing, no text, empty, a quote that does not end, a row of another length.</exception>
    public ForeignTable(string path)
    {
        Path = path;
        string[] lines = LinesOf(path);
        (int first, char? given) = Begin(lines);
        if (first == lines.Length) throw new DataException($"{path}: is empty; the first line names the columns");
        string text = string.Join('\n', lines[first..]);
        using SepReader reader = Sep.New(given ?? SeparatorOf(lines[first])).Reader(o => o with
        {
            HasHeader = false,                                   // two columns may have one name
            DisableColCountCheck = true,                         // ours names the line
            Unescape = true,
            Trim = SepTrim.Outer,
        }).FromText(text);
        foreach (SepReader.Row row in reader)
        {
            int line = first + (header.Length == 0 ? 1 : row.LineNumberFrom);
            if (row.Span.Count('"') % 2 != 0) throw new DataException($"{path}: line {line}: a quote that does not end");
            string[] cells = Array.ConvertAll(row[..].ToStringsArray(), c => Table.Unguarded(c.Trim()));
            if (Array.TrueForAll(cells, c => c.Length == 0)) continue;
            if (header.Length == 0) header = cells;
            else if (cells[0].StartsWith("# ", StringComparison.Ordinal)) continue;
            else if (Fitted(cells) is { } fitted) rows.Add((line, fitted));
            else if (cells[0].StartsWith('#')) continue;
            else throw new DataException($"{path}: line {line} has {cells.Length} cells, the header {header.Length}");
        }
    }

    /// <summary>Where it stands.</summary>
    public string Path { get; }
    /// <summary>Names of the columns.</summary>
    public IReadOnlyList<string> Header => header;
    /// <summary>Rows below the header, blank lines not counted.</summary>
    public int Count => rows.Count;
    /// <summary>A cell without its quotes and the space around it.</summary>
    public string this[int row, int column] => rows[row].Cells[column];
    /// <summary>Line of the file that a row begins on, from 1.</summary>
    public int LineOf(int row) => rows[row].Line;
    /// <summary>All cells of a row.</summary>
    public IReadOnlyList<string> Row(int row) => rows[row].Cells;

    /// <summary>Place of a column; upper and lower case are told apart where that helps.</summary>
    /// <exception cref="DataException">There is none, or there are several of that name.</exception>
    public int Column(string name)
    {
        foreach (StringComparison how in (StringComparison[])[StringComparison.Ordinal, StringComparison.OrdinalIgnoreCase])
        {
            int[] at = [.. Enumerable.Range(0, header.Length).Where(c => string.Equals(header[c], name, how))];
            if (at.Length == 1) return at[0];
            if (at.Length > 1)
                throw new DataException($"{Path}: {at.Length} columns are named '{Shown(name)}', at places " +
                    $"{string.Join(", ", at.Select(c => c + 1))}; rename all but the one that is meant");
        }
        string more = header.Length > 40 ? $" … ({header.Length} columns)" : "";
        throw new DataException($"{Path}: no column '{Shown(name)}'; here there are: " +
            string.Join(", ", header.Take(40).Select(Shown)) + more);
    }

    /// <summary>What is wrong with a cell.</summary>
    public DataException Bad(int row, int column, string why) =>
        new($"{Path}: line {LineOf(row)}, column '{Shown(header[column])}': {why}");

    /// <summary>A stranger's text for a message: short, without control characters.</summary>
    public static string Shown(string text) =>
        string.Concat((text.Length > 60 ? text[..60] + "…" : text).Select(c => char.IsControl(c) ? '\uFFFD' : c));

    /// <summary>Read once: it may be a pipe.</summary>
    static string[] LinesOf(string path)
    {
        if (Directory.Exists(path)) throw new DataException($"{path}: is a folder; name a file");
        byte[] bytes;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] head = FileForms.HeadOf(file);
            FileForm form = FileForms.Of(head);
            if (form != FileForm.Text) throw form.Refusal(path, "a table with a line of names and rows of cells, as CSV");
            using var all = new MemoryStream();
            all.Write(head);
            byte[] part = new byte[1 << 16];
            for (int n; (file.CanSeek ? file.Length : all.Length) <= MaxBytes && (n = file.Read(part)) > 0;) all.Write(part, 0,
                n);
            if (file.CanSeek && file.Length > MaxBytes || all.Length > MaxBytes)
                throw new DataException($"{path}: is too large for a table: {MaxBytes:n0} bytes at most");
            bytes = all.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        string text = Encoding.UTF8.GetString(bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes);
        return text.Replace("\r\n", "\n").Replace('\r', '\n').Split('\n');
    }

    /// <summary>Place of the header, and the separator if a line names it, as spreadsheets write it.</summary>
    static (int First, char? Separator) Begin(string[] lines)
    {
        char? separator = null;
        int at = 0;
        for (; at < lines.Length; at++)
        {
            string line = lines[at].Trim(' ');
            if (line.Length == 5 && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase)) separator = line[4];
            else if (line.Length > 0 && line[0] != '#') break;
        }
        return (at, separator);
    }

    /// <summary>The one that stands most often between the names.</summary>
    static char SeparatorOf(string header)
    {
        int[] counts = new int[Separators.Length];
        bool quoted = false;
        foreach (char c in header)
            if (c == '"') quoted = !quoted;
            else if (!quoted && Separators.IndexOf(c) is >= 0 and int which) counts[which]++;
        return Separators[Array.IndexOf(counts, counts.Max())];
    }

    /// <summary>With as many cells as the header: rows or header may end in a separator; null: another number.</summary>
    string[]? Fitted(string[] cells)
    {
        if (cells.Length == header.Length) return cells;
        if (cells.Length == header.Length - 1 && header[^1].Length == 0) return [.. cells, ""];
        bool ends = cells.Length > header.Length && cells.AsSpan(header.Length).IndexOfAnyExcept("") < 0;
        return ends ? cells[..header.Length] : null;
    }
}
