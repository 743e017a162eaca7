using System.Text;
using Parquet;
using Parquet.Schema;

namespace Isoflop.Lab.Corpora;

/// <summary>Reads one column of a Parquet file, a row group at a time; a row is a document.</summary>
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
            for (int group = 0; group < reader.RowGroupCount; group++)
            {
                using ParquetRowGroupReader rows = reader.OpenRowGroupReader(group);
                string?[] texts = Strings(file, rows, text);
                string?[]? tags = tag is null ? null : Strings(file, rows, tag);
                long bytes = file.Bytes / reader.RowGroupCount;
                for (int at = 0; at < texts.Length; at += RowsInChunk)
                {
                    int from = at, to = Math.Min(texts.Length, at + RowsInChunk);
                    yield return new Chunk(bytes * (to - from) / texts.Length, () => Parse(texts, tags, from, to));
                }
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    static List<TextDocument> Parse(string?[] texts, string?[]? tags, int from, int to)
    {
        var documents = new List<TextDocument>();
        for (int i = from; i < to; i++)
            if (!string.IsNullOrWhiteSpace(texts[i]))
                documents.Add(new(Encoding.UTF8.GetBytes(texts[i]!), tags is null ? null : tags[i] ?? ""));
        return documents;
    }

    /// <summary>Parquet is read from its end, so a compressed file is unpacked to a temporary one first.</summary>
    static FileStream Seekable(SourceFile file)
    {
        Stream stream = file.Open(out FileStream raw);
        if (file.Packing.Length == 0) return raw;
        using (stream)
        {
            var unpacked = new FileStream(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16,
                FileOptions.DeleteOnClose);
            try
            {
                stream.CopyTo(unpacked);
                return unpacked;
            }
            catch (Exception e) when (e is InvalidDataException or IOException or ZstdSharp.ZstdException)
            {
                unpacked.Dispose();
                throw new DataException($"{file.Path}: cannot be unpacked past byte {raw.Position}: {e.Message}", e);
            }
        }
    }

    static DataField Column(SourceFile file, ParquetReader reader, string name)
    {
        DataField? field = reader.Schema.DataFields.FirstOrDefault(f => f.Path.ToString() == name || f.Name == name);
        if (field is null)
            throw ChunkReader.NoField($"{file.Path}: no column", name, reader.Schema.DataFields.Select(f => f.Path.ToString()));
        if (!IsText(field) && field.ClrType != typeof(ReadOnlyMemory<byte>))
            throw new DataException($"{file.Path}: column '{name}' holds {field.ClrType.Name}, not text");
        return field;
    }

    static bool IsText(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(string);

    string?[] Strings(SourceFile file, ParquetRowGroupReader rows, DataField field)
    {
        string?[] texts = new string?[rows.RowCount];
        if (IsText(field))
        {
            Guard(file, async () => { await rows.ReadAsync(field, texts.AsMemory()!); return 0; });
            return texts;
        }
        byte[]?[] raw = new byte[]?[rows.RowCount];
        Guard(file, async () => { await rows.ReadAsync(field, raw.AsMemory()!); return 0; });
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] is null) continue;
            if (!recipe.Lossy && !System.Text.Unicode.Utf8.IsValid(raw[i]))
                throw new DataException($"{file.Path}: row {i} of a row group is not UTF-8; convert the file, or replace such " +
                    $"bytes with lossy=true");
            texts[i] = Encoding.UTF8.GetString(raw[i]!);
        }
        return texts;
    }

    /// <summary>Runs a reader's task here; whatever a broken file makes it throw becomes one line that names the file.</summary>
    static T Guard<T>(SourceFile file, Func<Task<T>> read)
    {
        try
        {
            return read().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new DataException($"{file.Path}: not a readable Parquet file: {e.Message}", e);
        }
    }
}
