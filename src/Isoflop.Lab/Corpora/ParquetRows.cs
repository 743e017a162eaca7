using System.Text;
using System.Text.Unicode;
using Isoflop.Store;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Isoflop.Lab.Corpora;

/// <summary>Reads one column of a Parquet file, a row group at a time; a row is a document, a list a line each.</summary>
sealed class ParquetRows(CorpusRecipe recipe)
{
    const int RowsInChunk = 512;

    /// <exception cref="DataException">Not Parquet, or without the column; names the columns there are.</exception>
    public IEnumerable<Chunk> Chunks(SourceFile file)
    {
        using Stream stream = Seekable(file);
        ParquetReader reader = Guard(file, () => ParquetReader.CreateAsync(stream));
        try
        {
            DataField text = Column(file, reader, recipe.Field);
            DataField? tag = recipe.TagField is null ? null : Column(file, reader, recipe.TagField);
            if (tag is { MaxRepetitionLevel: > 0 })
                throw new DataException($"{file.Path}: column '{recipe.TagField}' holds lists, a tag is one value");
            for (int group = 0; group < reader.RowGroupCount; group++)
            {
                using ParquetRowGroupReader rows = Guard(file, () => Task.FromResult(reader.OpenRowGroupReader(group)));
                string?[] texts = Strings(file, rows, text, stream.Length);
                string?[]? tags = tag is null ? null : Strings(file, rows, tag, stream.Length);
                long bytes = file.Bytes / reader.RowGroupCount;
                for (int at = 0; at < texts.Length; at += RowsInChunk)
                {
                    int from = at, to = Math.Min(texts.Length, at + RowsInChunk);
                    yield return new Chunk(bytes * (to - from) / texts.Length, () => Parse(file.Path, texts, tags, from, to));
                }
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    Parsed Parse(string path, string?[] texts, string?[]? tags, int from, int to)
    {
        var parsed = new Parsed();
        for (int i = from; i < to; i++)
            if (!string.IsNullOrWhiteSpace(texts[i]))
                parsed.Documents.Add(new(Encoding.UTF8.GetBytes(texts[i]!), tags is null ? null
                    : JsonDocuments.TagOf(tags[i] ?? "", path, "row", i, recipe.Lossy)));
        return parsed;
    }

    /// <summary>Parquet is read from its end, so a compressed file is unpacked to a temporary one first.</summary>
    static FileStream Seekable(SourceFile file)
    {
        Stream stream = file.Open(out FileStream raw);
        if (file.Packing == FileForm.Text) return raw;
        using (stream)
        {
            var unpacked = new FileStream(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16,
                FileOptions.DeleteOnClose);
            try
            {
                stream.CopyTo(unpacked);
                return unpacked;
            }
            catch (Exception e) when (SourceFile.IsBroken(e))
            {
                unpacked.Dispose();
                throw new DataException($"{file.Path}: cannot be unpacked past byte {raw.Position}: {e.Message}", e);
            }
        }
    }

    /// <summary>The column of a whole path, "data/text" or "data.text"; else the one whose last name it is.</summary>
    static DataField Column(SourceFile file, ParquetReader reader, string name)
    {
        DataField[] all = Guard(file, () => Task.FromResult(reader.Schema.DataFields));
        string path = name.Replace('.', '/');
        DataField[] found = [.. all.Where(f => f.Path.ToString() == name)];
        if (found.Length == 0) found = [.. all.Where(f => f.Path.ToString().Replace('.', '/') == path || Plain(f) == path)];
        if (found.Length == 0) found = [.. all.Where(f => Plain(f).Split('/')[^1] == name)];
        if (found.Length == 0)
        {
            string[] below = [.. all.Select(Plain).Where(p => p.StartsWith(path + "/", StringComparison.Ordinal))];
            if (below.Length > 0)
                throw new DataException($"{file.Path}: column '{name}' has parts, and is no text itself; name one: " +
                    string.Join(", ", below));
            throw JsonDocuments.NoField($"{file.Path}: no column", name, all.Select(Plain));
        }
        if (found.Length > 1)
            throw new DataException($"{file.Path}: '{name}' may be {string.Join(" or ", found.Select(Plain))}; " +
                "give the whole path");
        DataField field = found[0];
        if (!IsText(field) && field.ClrType != typeof(ReadOnlyMemory<byte>))
            throw new DataException($"{file.Path}: column '{name}' holds {field.ClrType.Name}, not text");
        return field;
    }

    /// <summary>A column's path without the two names that Parquet sets between a list and what is in it.</summary>
    static string Plain(DataField field)
    {
        List<string> names = [.. field.Path.ToList()];
        for (int i = names.Count - 2; i > 0; i--)
            if (names[i] is "list" or "bag" && names[i + 1] is "element" or "item" or "array" or "array_element")
                names.RemoveRange(i, 2);
        return string.Join('/', names);
    }

    static bool IsText(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(string);

    string?[] Strings(SourceFile file, ParquetRowGroupReader rows, DataField field, long fileBytes)
    {
        // What a broken file says of itself takes no memory: text has not many rows a byte, however well it is packed.
        long most = (1 << 20) + 16 * fileBytes;
        if (rows.RowCount < 0 || rows.RowCount > most)
            throw new DataException($"{file.Path}: not a readable Parquet file: {rows.RowCount} rows in {fileBytes} bytes");
        if (field.MaxRepetitionLevel > 0) return Lists(file, rows, field);
        string?[] texts = new string?[rows.RowCount];
        if (IsText(field))
        {
            Guard(file, async () => { await rows.ReadAsync(field, texts.AsMemory()!); return 0; });
            return texts;
        }
        byte[]?[] raw = new byte[]?[rows.RowCount];
        Guard(file, async () => { await rows.ReadAsync(field, raw.AsMemory()!); return 0; });
        for (int i = 0; i < raw.Length; i++)
            if (raw[i] is { } bytes) texts[i] = Text(file, bytes, i);
        return texts;
    }

    string Text(SourceFile file, ReadOnlySpan<byte> bytes, int row) => recipe.Lossy || Utf8.IsValid(bytes)
        ? Encoding.UTF8.GetString(bytes)
        : throw new DataException($"{file.Path}: row {row} of a row group is not UTF-8; convert the file, or replace such " +
            "bytes with lossy=true");

    /// <summary>A column with several values a row: where a row begins, the repetition level is 0; a value that is there has the
    /// highest definition level.</summary>
    string?[] Lists(SourceFile file, ParquetRowGroupReader rows, DataField field)
    {
        using RawColumnData column = Guard(file, () => rows.ReadRawColumnDataBaseAsync(field).AsTask());
        string?[] texts = new string?[rows.RowCount];
        int row = -1, value = 0;
        for (int i = 0; i < column.RepetitionLevels.Length; i++)
        {
            if (column.RepetitionLevels[i] == 0) row++;
            if (column.DefinitionLevels.Length > 0 && column.DefinitionLevels[i] < field.MaxDefinitionLevel) continue;
            if (row < 0 || row >= texts.Length) break;
            string next = column switch
            {
                RawColumnData<ReadOnlyMemory<char>> text => text.Values[value++].ToString(),
                RawColumnData<ReadOnlyMemory<byte>> bytes => Text(file, bytes.Values[value++].Span, row),
                _ => throw new DataException($"{file.Path}: column '{Plain(field)}' holds lists of what is not text"),
            };
            texts[row] = texts[row] is { } before ? $"{before}\n{next}" : next;
        }
        if (row + 1 != texts.Length)
            throw new DataException($"{file.Path}: not a readable Parquet file: {row + 1} lists in {texts.Length} rows");
        return texts;
    }

    /// <summary>Runs a reader's task here; whatever a broken file makes it throw becomes one line that names the file.</summary>
    static T Guard<T>(SourceFile file, Func<Task<T>> read)
    {
        try
        {
            return read().GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw new DataException($"{file.Path}: not a readable Parquet file: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
