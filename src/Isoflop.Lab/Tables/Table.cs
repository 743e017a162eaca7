using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Isoflop.Store;
using Parquet;
using Parquet.Schema;

namespace Isoflop.Lab.Tables;

/// <summary>What the cells of a column are.</summary>
enum ColumnKind
{
    /// <summary>Text.</summary>
    Text,
    /// <summary>64-bit whole numbers.</summary>
    Whole,
    /// <summary>64-bit floating-point numbers.</summary>
    Real,
    /// <summary>True or false.</summary>
    Boolean,
    /// <summary>Points in time, UTC.</summary>
    Time,
}

/// <summary>
/// Named columns of one kind each, and rows: what is measured once stands in one row (Wickham 2014, "Tidy data"). A cell may be
/// missing. Goes out as CSV, JSON lines and Parquet; a file appears whole or not at all.
/// </summary>
sealed class Table
{
    const int RowsInGroup = 1 << 17;

    // string?[], long?[], double?[], bool?[] or DateTime?[], in the order of ColumnKind.
    readonly Array[] cells;

    Table(IReadOnlyList<(string, ColumnKind)> columns, Array[] cells, int rowCount)
    {
        (Columns, this.cells, RowCount) = (columns, cells, rowCount);
        var twice = columns.GroupBy(c => c.Item1).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new ArgumentException($"two columns are named '{twice.Key}'");
    }

    /// <summary>Names and kinds, in order.</summary>
    public IReadOnlyList<(string Name, ColumnKind Kind)> Columns { get; }

    /// <summary>Rows.</summary>
    public int RowCount { get; }

    /// <summary>A cell: string, long, double, bool or DateTime (UTC) by its column's kind; null where it is missing.</summary>
    public object? this[int row, int column] => cells[column].GetValue(row);

    /// <summary>
    /// A column each for what a function takes from a record. A column's kind is what holds all of its values; one without any is
    /// text: name the kinds where that matters.
    /// </summary>
    /// <exception cref="ArgumentException">Two columns of one name; a value that no kind holds.</exception>
    public static Table Of<T>(IEnumerable<T> rows, params IReadOnlyList<(string Name, Func<T, object?> Value)> columns) =>
        Of(rows, [.. columns.Select(c => (c.Name, (ColumnKind?)null, c.Value))]);

    /// <summary>The same with kinds given: a value that does not fit is an error.</summary>
    /// <inheritdoc cref="Of{T}(IEnumerable{T}, IReadOnlyList{ValueTuple{string, Func{T, object?}}})"/>
    public static Table Of<T>(IEnumerable<T> rows,
        params IReadOnlyList<(string Name, ColumnKind? Kind, Func<T, object?> Value)> columns)
    {
        List<T> all = [.. rows];
        var named = new List<(string, ColumnKind)>();
        var cells = new List<Array>();
        foreach ((string name, ColumnKind? given, Func<T, object?> value) in columns)
        {
            object?[] values = [.. all.Select(r => Plain(value(r)))];
            ColumnKind kind = given ?? KindOf(values);
            named.Add((name, kind));
            cells.Add(Packed(name, kind, values));
        }
        return new(named, [.. cells], all.Count);
    }

    /// <summary>Some of the columns, in the order named.</summary>
    /// <exception cref="ConfigException">There is no such column; names those there are.</exception>
    public Table Select(params IReadOnlyList<string> names)
    {
        int[] at = [.. names.Select(ColumnOf)];
        return new([.. at.Select(c => Columns[c])], [.. at.Select(c => cells[c])], RowCount);
    }

    /// <summary>Some of the rows, in the order given.</summary>
    public Table Rows(IReadOnlyList<int> rows)
    {
        return new(Columns, [.. cells.Select(Taken)], rows.Count);

        Array Taken(Array column)
        {
            var taken = Array.CreateInstanceFromArrayType(column.GetType(), rows.Count);
            for (int i = 0; i < rows.Count; i++) taken.SetValue(column.GetValue(rows[i]), i);
            return taken;
        }
    }

    /// <summary>Place of a column.</summary>
    /// <exception cref="ConfigException">There is no such column; names those there are.</exception>
    public int ColumnOf(string name)
    {
        for (int c = 0; c < Columns.Count; c++)
            if (Columns[c].Name == name) return c;
        throw new ConfigException($"no column '{name}'; there are: {string.Join(", ", Columns.Select(c => c.Name))}");
    }

    /// <summary>
    /// CSV as RFC 4180 has it, UTF-8: a line of names, then the rows; real numbers in the fewest digits that give back their
    /// bits; nothing between the commas where a cell is missing, and "" where it is empty text. Text that a spreadsheet would
    /// take for a formula has a ' before it.
    /// </summary>
    public void WriteCsv(string path) => WholeFile.Write(path, file => Through(file, WriteCsv));

    /// <inheritdoc cref="WriteCsv(string)"/>
    public void WriteCsv(TextWriter output)
    {
        output.Write(string.Join(',', Columns.Select(c => Quoted(c.Name))) + "\r\n");
        for (int row = 0; row < RowCount; row++)
        {
            for (int c = 0; c < cells.Length; c++)
            {
                if (c > 0) output.Write(',');
                if (this[row, c] is { } value) output.Write(value is string text ? Quoted(text) : Text(value));
            }
            output.Write("\r\n");
        }
    }

    /// <summary>One JSON object a row and line. Numbers that JSON does not have are null, as what is missing.</summary>
    public void WriteJsonLines(string path) => WholeFile.Write(path, file => Through(file, WriteJsonLines));

    /// <inheritdoc cref="WriteJsonLines(string)"/>
    public void WriteJsonLines(TextWriter output)
    {
        var line = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(line, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        for (int row = 0; row < RowCount; row++)
        {
            json.WriteStartObject();
            for (int c = 0; c < cells.Length; c++)
            {
                json.WritePropertyName(Columns[c].Name);
                switch (this[row, c])
                {
                    case long whole: json.WriteNumberValue(whole); break;
                    case double real when double.IsFinite(real): json.WriteNumberValue(real); break;
                    case bool truth: json.WriteBooleanValue(truth); break;
                    case DateTime time: json.WriteStringValue(time); break;
                    case string text: json.WriteStringValue(text); break;
                    default: json.WriteNullValue(); break;
                }
            }
            json.WriteEndObject();
            json.Flush();
            output.Write(Encoding.UTF8.GetString(line.WrittenSpan) + "\n");
            line.ResetWrittenCount();
            json.Reset();
        }
    }

    /// <summary>Parquet; every column may hold nulls, times are in microseconds.</summary>
    public void WriteParquet(string path) => WholeFile.Write(path, file => WriteParquetAsync(file).GetAwaiter().GetResult());

    async Task WriteParquetAsync(Stream file)
    {
        DataField[] fields = [.. Columns.Select(c => FieldOf(c.Name, c.Kind))];
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), file);
        for (int from = 0; from < RowCount; from += RowsInGroup)
        {
            int count = Math.Min(RowsInGroup, RowCount - from);
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            for (int c = 0; c < fields.Length; c++)
                await (cells[c] switch
                {
                    string?[] text => rows.WriteAsync(fields[c], text.AsSpan(from, count).ToArray()!),
                    long?[] whole => rows.WriteAsync<long>(fields[c], whole.AsMemory(from, count)),
                    double?[] real => rows.WriteAsync<double>(fields[c], real.AsMemory(from, count)),
                    bool?[] truth => rows.WriteAsync<bool>(fields[c], truth.AsMemory(from, count)),
                    DateTime?[] time => rows.WriteAsync<DateTime>(fields[c], time.AsMemory(from, count)),
                    _ => throw new InvalidOperationException(),
                });
        }
    }

    static DataField FieldOf(string name, ColumnKind kind) => kind switch
    {
        ColumnKind.Text => new DataField<string>(name, nullable: true),
        ColumnKind.Whole => new DataField<long>(name, nullable: true),
        ColumnKind.Real => new DataField<double>(name, nullable: true),
        ColumnKind.Boolean => new DataField<bool>(name, nullable: true),
        _ => new DateTimeDataField(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, DateTimeTimeUnit.Micros,
            isNullable: true),
    };

    /// <summary>A value as one of the five types that cells have; a ulong stays one where it is too large for them.</summary>
    static object? Plain(object? value) => value switch
    {
        null or string or long or double or bool => value,
        int or short or sbyte or byte or ushort or uint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        ulong whole => whole <= long.MaxValue ? (long)whole : whole,
        float or Half or decimal => Convert.ToDouble(value is Half half ? (float)half : value, CultureInfo.InvariantCulture),
        DateTime { Kind: DateTimeKind.Local } time => time.ToUniversalTime(),
        DateTime time => DateTime.SpecifyKind(time, DateTimeKind.Utc),
        DateTimeOffset time => time.UtcDateTime,
        char or Enum => value.ToString(),
        _ => throw new ArgumentException($"a cell cannot hold {value.GetType().Name}"),
    };

    static ColumnKind KindOf(object?[] values)
    {
        ColumnKind? kind = null;
        foreach (object? value in values)
        {
            ColumnKind? own = value switch
            {
                null => null,
                long => ColumnKind.Whole,
                double => ColumnKind.Real,
                bool => ColumnKind.Boolean,
                DateTime => ColumnKind.Time,
                _ => ColumnKind.Text,
            };
            if (own is null || own == kind) continue;
            bool numbers = kind is ColumnKind.Whole or ColumnKind.Real && own is ColumnKind.Whole or ColumnKind.Real;
            kind = kind is null ? own : numbers ? ColumnKind.Real : ColumnKind.Text;
        }
        return kind ?? ColumnKind.Text;
    }

    static Array Packed(string name, ColumnKind kind, object?[] values)
    {
        try
        {
            return kind switch
            {
                ColumnKind.Text => values.Select(v => v is null ? null : Text(v)).ToArray(),
                ColumnKind.Whole => values.Select(v => (long?)v).ToArray(),
                ColumnKind.Real => values.Select(v => v is long whole ? whole : (double?)v).ToArray(),
                ColumnKind.Boolean => values.Select(v => (bool?)v).ToArray(),
                _ => values.Select(v => (DateTime?)v).ToArray(),
            };
        }
        catch (InvalidCastException e)
        {
            throw new ArgumentException($"column '{name}' is {kind} and holds something else", e);
        }
    }

    static string Text(object value) => value switch
    {
        string text => text,
        bool truth => truth ? "true" : "false",
        DateTime time => time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    static string Quoted(string text)
    {
        if (IsFormula(text) && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) text = "'" + text;
        return text.Length > 0 && text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";
    }

    /// <summary>A spreadsheet would reckon with it; also behind our own marks, so that they can be taken off.</summary>
    static bool IsFormula(string text) => text.TrimStart('\'') is [('=' or '+' or '-' or '@' or '\t' or '\r'), ..];

    /// <summary>Takes off the mark of text that looked like a formula.</summary>
    internal static string Unguarded(string cell) => cell.StartsWith('\'') && IsFormula(cell) ? cell[1..] : cell;

    static void Through(Stream file, Action<TextWriter> write)
    {
        using var text = new StreamWriter(file, new UTF8Encoding(false), leaveOpen: true);
        write(text);
    }
}
