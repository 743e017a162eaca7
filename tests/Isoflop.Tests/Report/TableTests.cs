using System.Globalization;
using System.Text;
using System.Text.Json;
using Isoflop.Lab.Tables;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace Isoflop.Tests.Report;

public sealed class TableTests : IDisposable
{
    sealed record Row(string? Name, int Step, double? Loss, bool Whole, DateTime? When);

    static readonly Row[] Records =
    [
        new("plain", 1, 0.1 + 0.2, true, new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
        new("a, \"b\"\r\nc\nd", -7, 1e300, false, new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc).AddTicks(1230)),
        new("", int.MaxValue, null, true, null),
        new(null, 0, double.NaN, false, null),
        new("Grüße 😀", 0, double.Epsilon, false, null),
    ];

    static readonly Table Sample = Table.Of(Records, ("name", r => r.Name), ("step", r => r.Step), ("loss, nats", r => r.Loss),
        ("whole", r => r.Whole), ("when", r => r.When));

    readonly string folder = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

    string At(string name) => Path.Combine(folder, name);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>RFC 4180, read a character at a time; a field that was not quoted and is empty is null.</summary>
    internal static List<List<string?>> ParseCsv(string text)
    {
        var rows = new List<List<string?>> { new() };
        for (int at = 0; at < text.Length;)
        {
            var field = new StringBuilder();
            bool quoted = text[at] == '"';
            if (quoted)
            {
                for (at++; text[at] != '"' || at + 1 < text.Length && text[at + 1] == '"'; at++)
                {
                    field.Append(text[at]);
                    if (text[at] == '"') at++;
                }
                at++;
            }
            else
            {
                while (text[at] is not (',' or '\r')) field.Append(text[at++]);
            }
            rows[^1].Add(quoted || field.Length > 0 ? field.ToString() : null);
            if (text[at] == ',')
            {
                at++;
                if (text[at] == '\r') rows[^1].Add(null);
            }
            if (text[at] != '\r') continue;
            Assert.Equal("\r\n", text.Substring(at, 2));
            at += 2;
            if (at < text.Length) rows.Add([]);
        }
        return rows;
    }

    [Fact]
    public void Csv_gives_back_every_cell()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)before.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = comma;
        try
        {
            Sample.WriteCsv(At("t.csv"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        byte[] bytes = File.ReadAllBytes(At("t.csv"));
        Assert.Equal((byte)'n', bytes[0]);                               // no byte order mark
        List<List<string?>> rows = ParseCsv(Encoding.UTF8.GetString(bytes));
        Assert.Equal(["name", "step", "loss, nats", "whole", "when"], rows[0]);
        Assert.Equal(Records.Length, rows.Count - 1);
        foreach ((Row record, List<string?> row) in Records.Zip(rows.Skip(1)))
        {
            Assert.Equal([record.Name, record.Step.ToString(CultureInfo.InvariantCulture), record.Whole ? "true" : "false"],
                (string?[])[row[0], row[1], row[3]]);
            Assert.Equal(record.Loss, row[2] is { } x ? double.Parse(x, CultureInfo.InvariantCulture) : null);
            Assert.Equal(record.When, row[4] is { } t
                ? DateTime.Parse(t, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) : null);
        }
    }

    [Theory, InlineData("=1+1"), InlineData("+x"), InlineData("-x"), InlineData("@SUM(A1)"), InlineData("\tx"), InlineData("'=1"), InlineData("''+1"), InlineData("-+"), InlineData("=\"a\",b")]
    public void Text_that_a_spreadsheet_would_reckon_with_is_marked_and_read_back(string text)
    {
        Table.Of<string>([text], ("run", r => r), ("x", _ => 1)).WriteCsv(At("f.csv"));
        Assert.StartsWith("'", ParseCsv(File.ReadAllText(At("f.csv")))[1][0]);
        Assert.Equal(text.Trim(), new ForeignTable(At("f.csv"))[0, 0].Trim());
    }

    [Theory, InlineData("-7"), InlineData("+1.5e3"), InlineData("'tis"), InlineData("a=b"), InlineData("x")]
    public void Other_text_and_numbers_stay_as_they_are(string text)
    {
        Table.Of<string>([text], ("run", r => r), ("x", _ => -1.5)).WriteCsv(At("f.csv"));
        Assert.Equal(["run,x", $"{text},-1.5"], File.ReadAllLines(At("f.csv")));
        Assert.Equal(text, new ForeignTable(At("f.csv"))[0, 0]);
    }

    [Fact]
    public async Task Parquet_gives_back_every_cell()
    {
        Sample.WriteParquet(At("t.parquet"));
        await using FileStream file = File.OpenRead(At("t.parquet"));
        await using ParquetReader reader = await ParquetReader.CreateAsync(file, cancellationToken: Token);
        DataField[] fields = reader.Schema.DataFields;
        Assert.Equal(["name", "step", "loss, nats", "whole", "when"], fields.Select(f => f.Name));
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(0);
        string?[] names = new string?[rows.RowCount];
        long?[] steps = new long?[rows.RowCount];
        double?[] losses = new double?[rows.RowCount];
        bool?[] wholes = new bool?[rows.RowCount];
        DateTime?[] times = new DateTime?[rows.RowCount];
        await rows.ReadAsync(fields[0], names.AsMemory()!, cancellationToken: Token);
        await rows.ReadAsync<long>(fields[1], steps, cancellationToken: Token);
        await rows.ReadAsync<double>(fields[2], losses, cancellationToken: Token);
        await rows.ReadAsync<bool>(fields[3], wholes, cancellationToken: Token);
        await rows.ReadAsync<DateTime>(fields[4], times, cancellationToken: Token);
        Assert.Equal(Records, names.Select((n, i) => new Row(n, (int)steps[i]!, losses[i], wholes[i]!.Value, times[i])));
    }

    [Fact]
    public void Json_lines_give_back_every_cell_and_have_no_odd_numbers()
    {
        Sample.WriteJsonLines(At("t.jsonl"));
        List<JsonElement> rows = [.. File.ReadLines(At("t.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];
        foreach ((Row record, JsonElement row) in Records.Zip(rows, (a, b) => (a, b)))
        {
            Assert.Equal((record.Name, record.Step, record.Whole),
                (row.GetProperty("name").GetString(), row.GetProperty("step").GetInt32(), row.GetProperty("whole").GetBoolean()));
            JsonElement loss = row.GetProperty("loss, nats");
            Assert.Equal(record.Loss is double.NaN ? null : record.Loss, loss.ValueKind == JsonValueKind.Null ? null : loss.GetDouble());
        }
        Assert.Equal(Records.Length, rows.Count);
    }

    [Fact]
    public void A_column_has_the_kind_that_holds_all_of_its_values()
    {
        Table table = Table.Of(Enumerable.Range(0, 2), ("whole", i => (long)i), ("real", i => i == 0 ? 1 : 0.5),
            ("mixed", i => i == 0 ? 1L : 0.5), ("large", i => i == 0 ? 1UL : ulong.MaxValue), ("odd", i => i == 0 ? true : "x"),
            ("missing", _ => null), ("enum", _ => ColumnKind.Real));
        Assert.Equal([ColumnKind.Whole, ColumnKind.Real, ColumnKind.Real, ColumnKind.Text, ColumnKind.Text, ColumnKind.Text,
            ColumnKind.Text], table.Columns.Select(c => c.Kind));
        Assert.Equal("18446744073709551615", table[1, 3]);
        Assert.Throws<ArgumentException>(() => Table.Of<int>([1], ("a", ColumnKind.Whole, _ => "x")));
        Assert.Throws<ArgumentException>(() => Table.Of<int>([1], ("a", _ => 1), ("a", _ => 2)));
    }

    [Fact]
    public void Columns_and_rows_are_chosen_and_reordered()
    {
        var output = new StringWriter();
        Sample.Select("step", "name").Rows([4, 0]).WriteCsv(output);
        Assert.Equal("step,name\r\n0,Grüße 😀\r\n1,plain\r\n", output.ToString());
        Assert.Contains("name, step", Assert.Throws<ConfigException>(() => Sample.Select("nmae")).Message);
    }

    [Fact]
    public async Task A_table_without_rows_keeps_its_columns()
    {
        Table none = Table.Of<int>([], ("a", ColumnKind.Real, i => i), ("b", ColumnKind.Time, _ => null));
        none.WriteCsv(At("none.csv"));
        none.WriteParquet(At("none.parquet"));
        Assert.Equal("a,b\r\n", await File.ReadAllTextAsync(At("none.csv"), Token));
        await using FileStream file = File.OpenRead(At("none.parquet"));
        await using ParquetReader reader = await ParquetReader.CreateAsync(file, cancellationToken: Token);
        Assert.Equal([typeof(double), typeof(DateTime)], reader.Schema.DataFields.Select(f => f.ClrType));
    }

    [Fact]
    public void A_file_is_replaced_whole_or_stays_as_it_was()
    {
        File.WriteAllText(At("t.csv"), "old");
        Assert.ThrowsAny<Exception>(() => Sample.WriteCsv(At("t.csv/below")));
        Assert.Equal("old", File.ReadAllText(At("t.csv")));
        Sample.WriteCsv(At("t.csv"));
        Sample.WriteCsv(At("new/folder/t.csv"));
        Assert.StartsWith("name,", File.ReadAllText(At("t.csv")));
        Assert.Equal(["new", "t.csv"], Directory.GetFileSystemEntries(folder).Select(p => Path.GetFileName(p)).Order());
    }

    static CancellationToken Token => TestContext.Current.CancellationToken;
}
