using System.IO.Compression;
using System.Text;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class SourceTests : CorpusFixture
{
    static readonly string[] Texts = [.. Enumerable.Range(0, 20).Select(i => Prose(i, 80))];

    static byte[] Gz(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gz = new GZipStream(packed, CompressionLevel.Fastest)) gz.Write(bytes);
        return packed.ToArray();
    }

    static byte[] Zst(byte[] bytes)
    {
        using var zstd = new ZstdSharp.Compressor();
        return zstd.Wrap(bytes).ToArray();
    }

    static byte[] Pack(byte[] bytes, string packing) => packing switch { ".gz" => Gz(bytes), ".zst" => Zst(bytes), _ => bytes };

    static byte[] Json(string field = "text") => Encoding.UTF8.GetBytes(string.Join("\r\n",
        Texts.Select((t, i) => $$"""{"id":{{i}},"meta":{"{{field}}":1},"{{field}}":"{{t.Replace("\n", "\\n")}}"}""")));

    static byte[] ParquetFile(bool binary = false)
    {
        DataField id = new DataField<int>("id"), text = binary ? new DataField<byte[]>("body") : new DataField<string>("body");
        var bytes = new MemoryStream();
        Write().GetAwaiter().GetResult();
        return bytes.ToArray();

        async Task Write()
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, text), bytes);
            foreach (int from in (int[])[0, 13])                        // two row groups
            {
                int to = from == 0 ? 13 : 20;
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAsync<int>(id, Enumerable.Range(from, to - from).ToArray());
                if (binary) await rows.WriteAsync(text, (IReadOnlyCollection<byte[]>)[.. Texts[from..to]
                    .Select(Encoding.UTF8.GetBytes)]);
                else await rows.WriteAsync(text, (IReadOnlyCollection<string>)Texts[from..to]);
            }
        }
    }

    void HoldsTheTexts(CorpusRecipe recipe) =>
        Assert.Equal(Texts.Order(StringComparer.Ordinal), All(Build(recipe, force: true)).Order(StringComparer.Ordinal));

    [Theory, InlineData(""), InlineData(".gz"), InlineData(".zst")]
    public void Every_format_is_read_also_compressed(string packing)
    {
        string lines = Put("rows.jsonl" + packing, Pack(Json("body"), packing));
        HoldsTheTexts(Recipe(lines) with { Field = "body" });
        HoldsTheTexts(Recipe(Put("rows.parquet" + packing, Pack(ParquetFile(), packing))) with { Field = "body" });
        HoldsTheTexts(Recipe(Put("raw.parquet" + packing, Pack(ParquetFile(binary: true), packing))) with { Field = "body" });
        for (int i = 0; i < Texts.Length; i++)
            Put($"texts{packing}/deep/er/{i}{(i % 2 == 0 ? ".txt" : ".md")}{packing}",
                Pack(Encoding.UTF8.GetBytes(Texts[i]), packing));
        HoldsTheTexts(Recipe(Path.Combine(Folder, "texts" + packing)));
        HoldsTheTexts(Recipe(Path.Combine(Folder, "texts" + packing, "**", "*.txt" + packing),
            Path.Combine(Folder, "texts" + packing, "*", "*", "?*.md" + packing)));
    }

    [Fact]
    public void A_folder_is_read_without_files_of_other_kinds_and_hidden_ones()
    {
        for (int i = 0; i < Texts.Length; i++) Put($"f/{i}.txt", Texts[i]);
        Put("f/picture.png", [0xFF, 0xD8, 0]);
        Put("f/.git/note.txt", "hidden");
        HoldsTheTexts(Recipe(Path.Combine(Folder, "f")));
    }

    [Fact]
    public void A_file_of_any_name_is_text_when_it_is_named_itself() =>
        Assert.Equal(2, All(Build(Put("Main.cs", Prose(1, 200)), Put("NOTES", Prose(2, 200)))).Count);

    [Theory]
    [InlineData("none.txt", "none.txt: no such file or folder")]
    [InlineData("*.xyz", "no file matches")]
    [InlineData("nowhere/**/*.txt", "no file matches")]
    [InlineData("empty", "no files to read in this folder")]
    public void A_source_that_is_not_there_is_named(string source, string message)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "empty"));
        Assert.Contains(message, Assert.Throws<ConfigException>(() => Build(Path.Combine(Folder, source))).Message);
    }

    [Fact]
    public void Long_text_is_cut_at_blank_lines_and_nothing_is_lost()
    {
        string[] parts = [.. Enumerable.Range(0, 300).Select(i => Prose(i, 1000))];
        string text = string.Join("\n\n", parts);                     // about 2 MB, so also across read buffers
        List<string> documents = All(Build(Recipe(Put("book.txt", "\uFEFF" + text)) with { ValidShare = 0.05 }));
        Assert.All(documents, d => Assert.InRange(Encoding.UTF8.GetByteCount(d), 1, 64 * 1024));
        Assert.All(documents, d => Assert.Contains(d.Split("\n\n")[0], parts));
        Assert.Equal(text.Replace("\n\n", "\n").Split('\n').Order(StringComparer.Ordinal),
            documents.SelectMany(d => d.Replace("\n\n", "\n").Split('\n')).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Text_without_a_line_is_cut_between_characters()
    {
        // One to four bytes a character, so that windows end inside characters in every way.
        string[] letters = ["a", "é", "日", "\U0001F600"];
        var rng = new Random(1);
        string text = string.Concat(Enumerable.Range(0, 300_000).Select(_ => letters[rng.Next(4)]));
        List<string> documents = All(Build(Put("line.txt", text)));
        Assert.Equal(text.Length, documents.Sum(d => d.Length));
        Assert.All(documents, d => Assert.Contains(d, text));
    }

    [Fact]
    public void Line_ends_become_line_feeds()
    {
        Put("e/a.txt", "one\r\ntwo\rthree\n");
        Put("e/b.txt", Prose(1, 300));
        Put("e/c.txt", Prose(2, 300));
        Assert.Contains("one\ntwo\nthree", All(Build(Path.Combine(Folder, "e"))));
    }

    [Theory, InlineData("texts/bad.txt"), InlineData("bad.jsonl")]
    public void What_is_not_UTF8_is_named_by_its_byte_or_replaced(string name)
    {
        byte[] before = Encoding.UTF8.GetBytes(name.EndsWith("txt") ? Prose(1, 30_000) : """{"text":"ä fine"}""" + "\n"
            + $$"""{"text":"{{Prose(1, 400).Replace('\n', ' ')}}"}""" + "\n" + """{"text":"b""");
        byte[] after = Encoding.UTF8.GetBytes(name.EndsWith("txt") ? Prose(2, 10) : "c\"}\n");
        string path = Put(name, [.. before, 0xC3, 0x28, .. after]);
        var e = Assert.Throws<DataException>(() => Build(path));
        Assert.StartsWith($"{path}: byte {before.Length} (0xC3) is not UTF-8", e.Message);
        Assert.Contains("lossy=true", e.Message);
        Assert.Contains(All(Build(Recipe(path) with { Lossy = true })), d => d.Contains("\uFFFD("));
    }

    [Theory]
    [InlineData("""{"text":"a"}|{"text":"b"|{"text":"c"}""", "line 2 is not JSON")]
    [InlineData("""{"text":"a"}||["text"]""", "line 3 is a JSON StartArray")]
    [InlineData("""{"text":"a"} x""", "line 1 is not JSON")]
    [InlineData("""{"body":"a","n":1}""", "line 1: no property 'text'; here there are: body, n")]
    [InlineData("""{"text":"a"}|{"text":7}""", "line 2: 'text' is a Number")]
    [InlineData("""{"text":"a"}|{"text":"\ud800"}""", "line 2 has half of a surrogate pair")]
    public void A_broken_line_is_named(string lines, string message)
    {
        string path = Put("rows.jsonl", lines.Replace('|', '\n'));
        Assert.StartsWith($"{path}: {message}", Assert.Throws<DataException>(() => Build(path)).Message);
    }

    [Fact]
    public void A_broken_line_far_into_a_file_has_its_number()
    {
        string path = Put("rows.jsonl", string.Join("\n", Enumerable.Range(0, 30_000).Select(i =>
            $$"""{"text":"{{Prose(i, 10).Replace("\n", " ")}}"}""")) + "\nx");
        Assert.StartsWith($"{path}: line 30001 is not JSON", Assert.Throws<DataException>(() => Build(path)).Message);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_replaced_when_loss_is_allowed()
    {
        string path = Put("rows.jsonl", """{"text":"a \ud83d\ude00 b"}""" + "\n" + """{"text":"c \ud800 d"}"""
            + string.Concat(Enumerable.Range(0, 9).Select(i => $$"""{{"\n"}}{"text":"{{Prose(i, 99).Replace('\n', ' ')}}"}""")));
        List<string> documents = All(Build(Recipe(path) with { Lossy = true }));
        Assert.Contains("a \U0001F600 b", documents);
        Assert.Contains("c \uFFFD d", documents);
    }

    [Fact]
    public void A_line_longer_than_the_buffer_is_one_document()
    {
        string text = Prose(1, 400_000).Replace("\n", " ");
        string path = Put("rows.jsonl", $$"""{"text":"{{text}}"}""" + "\n" + """{"text":"short"}""" + "\n\n");
        Assert.Equal([.. ((string[])[text, "short"]).Order()], All(Build(path)).Order());
    }

    [Fact]
    public void A_missing_column_is_named_with_those_there_are()
    {
        string path = Put("rows.parquet", ParquetFile());
        Assert.Equal($"{path}: no column 'text'; here there are: id, body", Assert.Throws<DataException>(() => Build(path))
            .Message);
        var number = Assert.Throws<DataException>(() => Build(Recipe(path) with { Field = "id" }));
        Assert.Contains("column 'id' holds Int32, not text", number.Message);
    }

    [Theory, InlineData("a.parquet"), InlineData("a.txt.gz"), InlineData("a.txt.zst"), InlineData("a.parquet.gz"),
        InlineData("a.jsonl.zst")]
    public void A_file_that_is_not_what_its_name_says_is_named(string name)
    {
        string path = Put(name, "This is no archive and no table at all, but it is long enough to be looked into.");
        Assert.StartsWith(path + ": ", Assert.Throws<DataException>(() => Build(path)).Message);
    }

    [Theory, InlineData(".gz"), InlineData(".zst")]
    public void An_archive_cut_short_is_refused(string packing)
    {
        byte[] packed = Pack(Encoding.UTF8.GetBytes(Prose(1, 50_000)), packing);
        string path = Put("a.txt" + packing, packed[..(packed.Length / 2)]);
        Assert.StartsWith(path + ": cannot be read", Assert.Throws<DataException>(() => Build(path)).Message);
    }

    [Fact]
    public void A_source_that_changes_between_the_passes_is_noticed()
    {
        string folder = ProseFolder(), victim = Path.Combine(folder, "020.txt");
        bool changed = false;
        var progress = new Listener(p =>
        {
            if (p.Stage != "encoding" && p.Stage != "tokenizer" || changed) return;
            changed = true;
            File.WriteAllText(victim, Prose(999, 300));
        });
        var e = Assert.Throws<DataException>(() => Build(Recipe(folder), threads: 1, progress: progress));
        Assert.Contains("changed while", e.Message);
    }
}
