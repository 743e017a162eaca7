using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace Isoflop.Tests.Corpora;

/// <summary>Sources as they are met: under wrong names, in archives, with lists and paths, through links and pipes.</summary>
public sealed class StrangeSourceTests : CorpusFixture
{
    static readonly string[] texts = [.. Enumerable.Range(0, 20).Select(i => Prose(i, 60).Replace('\n', ' '))];

    static string Lines(Func<string, string> row) => string.Join("\n", texts.Select(row)) + "\n";

    static string Row(string text) => $$"""{"text": "{{text}}"}""";

    static byte[] Gz(string text) => Gz(Encoding.UTF8.GetBytes(text));

    static byte[] Gz(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write(bytes);
        return packed.ToArray();
    }

    void Holds(IEnumerable<string> want, CorpusRecipe recipe) =>
        Assert.Equal(want.Order(StringComparer.Ordinal), All(Build(recipe, force: true)).Order(StringComparer.Ordinal));

    string Refused(CorpusRecipe recipe)
    {
        string message = Assert.Throws<DataException>(() => Build(recipe, force: true)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    List<string> Remarks(CorpusRecipe recipe)
    {
        List<string> remarks = [];
        Build(recipe, force: true, progress: new Listener(p => { if (p.Stage.Length == 0) remarks.Add(p.Note); }));
        return remarks;
    }

    [Theory]
    [InlineData("rows.jsonl"), InlineData("rows.json"), InlineData("rows.ndjson"), InlineData("rows"), InlineData("rows.txt")]
    [InlineData("rows.json.gz"), InlineData("rows.jsonl.gz"), InlineData("rows.txt.gz")]
    public void Lines_of_JSON_are_read_as_such_under_any_name(string name)
    {
        string lines = Lines(Row);
        byte[] bytes = name.EndsWith(".gz", StringComparison.Ordinal) ? Gz(lines) : Encoding.UTF8.GetBytes(lines);
        Holds(texts, Recipe(Put(name, bytes)));
    }

    [Theory, InlineData("rows.jsonl", true), InlineData("rows.txt", true), InlineData("rows.jsonl.gz", false)]
    public void What_is_compressed_without_a_name_for_it_is_read_and_said(string name, bool said)
    {
        string path = Put(name, Gz(Lines(Row)));
        Holds(texts, Recipe(path));
        Assert.Equal(said ? [$"{path}: read as what it is: JSON lines, compressed with gzip"] : [], Remarks(Recipe(path)));
    }

    [Fact]
    public void A_list_is_read_member_by_member()
    {
        string pretty = "[\n" + string.Join(",\n", texts.Select(t => $$"""  { "n": [1, {"]": "},\""}], "text": "{{t}}" }""")) + "\n]\n";
        Holds(texts, Recipe(Put("rows.json", pretty)));
        Holds(texts, Recipe(Put("rows.jsonl", "\uFEFF[" + string.Join(",", texts.Select(Row)) + "]")));
        string many = "[" + string.Join(",", Enumerable.Range(0, 4000).Select(i => Row(Prose(i, 60).Replace('\n', ' ')))) + "]";
        Assert.Equal(4000, All(Build(Recipe(Put("many.json", many)), force: true)).Count);                            // several buffers
        Assert.Contains("cut short in member 20", Refused(Recipe(Put("cut.json", pretty[..^60]))));
        Assert.Contains("something follows the list", Refused(Recipe(Put("two.json", pretty + "[]"))));
        CorpusBuild lossy = Build(Recipe(Put("cut.json", pretty[..^60])) with { Lossy = true }, force: true);
        Assert.Equal((19, 1), (All(lossy).Count, (int)lossy.Info.LinesLeftOut));
    }

    [Theory]
    [InlineData("a.txt", "PK\u0003\u0004", "a ZIP archive", "unzip")]
    [InlineData("a.jsonl", "BZh91AY&SY", "compressed with bzip2", "bzip2 -d")]
    [InlineData("a.md", "%PDF-1.5\n", "a PDF document", "pdftotext")]
    [InlineData("a.txt", "\u00FF\u00FEa\0b\0", "UTF-16 text", "iconv")]
    [InlineData("a.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer", "git lfs pull")]
    [InlineData("a.txt", "\0\0\0\0\0\0\0\0", "a binary file", "name another")]
    public void What_is_no_text_is_named_with_what_to_do(string name, string bytes, string what, string next)
    {
        string path = Put(name, Encoding.Latin1.GetBytes(bytes));
        foreach (bool lossy in (bool[])[false, true])
        {
            string message = Refused(Recipe(path) with { Lossy = lossy });
            Assert.StartsWith($"{path}: is {what}", message);
            Assert.Contains(next, message);
            Assert.DoesNotContain("lossy", message);
        }
        string packed = Put(name + ".gz", Gz(Encoding.Latin1.GetBytes(bytes)));
        Assert.StartsWith($"{packed}: is {what}", Refused(Recipe(packed)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_members_of_a_tar_archive_are_read(bool packed)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            Add("./", null);
            for (int i = 0; i < 10; i++) Add($"./{new string('d', 90)}/{new string('e', 90)}/{i}.txt", texts[i]);
            Add("rows.jsonl", string.Join("\n", texts[10..].Select(Row)));
            Add("about.json", """{"licence": "free"}""");
            Add("picture.png", "\u0089PNG");
            Add(".hidden.txt", "hidden");

            void Add(string name, string? text)
            {
                var entry = new PaxTarEntry(text is null ? TarEntryType.Directory : TarEntryType.RegularFile, name);
                if (text is not null) entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text));
                tar.WriteEntry(entry);
            }
        }
        byte[] bytes = archive.ToArray();
        string path = packed ? Put("docs.tar.gz", Gz(bytes)) : Put("docs.tar", bytes);
        Holds(texts, Recipe(path));
        Holds(texts, Recipe(Put("docs.txt", packed ? Gz(bytes) : bytes)));
        Assert.Equal(2, Remarks(Recipe(path)).Count);                                            // of about.json and picture.png
        Assert.Contains("cut short", Refused(Recipe(Put("cut.tar", bytes[..8000]))));
    }

    [Fact]
    public void Of_a_tar_archive_all_is_read_or_refused()
    {
        byte[] first = Tar("a.txt", texts[0]), second = Tar("b.txt", texts[1]);
        Holds(texts[..2], Recipe(Put("two.tar", [.. first, .. second, .. new byte[100]])));
        Assert.Contains("no header of a member at byte", Refused(Recipe(Put("more.tar", [.. first, .. Encoding.UTF8.GetBytes(new string('x', 600))]))));
        byte[] packed = Gz(Encoding.UTF8.GetBytes(string.Join("\n", texts.Select(Row))));
        packed[^6] ^= 1;
        Assert.Contains("its gzip data are damaged", Refused(Recipe(Put("sum.jsonl.gz", packed))));

        static byte[] Tar(string name, string text)
        {
            using var archive = new MemoryStream();
            using (var tar = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
            {
                foreach (string other in (string[])["1.json", "2.json"])
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, other) { DataStream = new MemoryStream([.. "{}"u8]) });
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
            }
            return archive.ToArray();
        }
    }

    [Fact]
    public void A_tar_header_that_lies_takes_no_memory()
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Gnu, leaveOpen: true))
            tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, "a.txt") { DataStream = new MemoryStream([.. "one"u8]) });
        byte[] bytes = archive.ToArray();
        bytes[156] = (byte)'L';                                                                   // its content is a long name
        Encoding.ASCII.GetBytes("77777777777\0").CopyTo(bytes, 124);
        bytes.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(bytes[..512].Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(bytes, 148);
        Assert.Contains("a header of 8589934591 bytes", Refused(Recipe(Put("a.tar", bytes))));
    }

    [Theory, InlineData("data.text"), InlineData("data/text")]
    public void A_field_may_lie_further_in(string field)
    {
        string lines = Lines(t => $$$"""{"text": "no", "data": {"more": {"text": "no"}, "text": "{{{t}}}"} }""");
        Holds(texts, Recipe(Put("rows.jsonl", lines)) with { Field = field });
        string named = Lines(t => $$$"""{"data": {"text": "no"}, "{{{field}}}": "{{{t}}}"}""");
        Holds(texts, Recipe(Put("named.jsonl", named)) with { Field = field });                   // the whole name wins
    }

    [Fact]
    public void Lists_are_one_document_a_line_each()
    {
        string chat = Lines(t => $$"""{"messages": [{"role": "user", "content": "{{t}}"}, {"role": "x", "content": "yes"}]}""");
        string path = Put("chat.jsonl", chat);
        Holds(texts.Select(t => t + "\nyes"), Recipe(path) with { Field = "messages.content" });
        Assert.Contains("'messages' is a list of objects, not text; name what to read in it: field=messages.NAME",
            Refused(Recipe(path) with { Field = "messages" }));
        string list = Lines(t => $$"""{"text": ["{{t}}", null, "no"]}""");
        Holds(texts.Select(t => t + "\nno"), Recipe(Put("list.jsonl", list)));
    }

    [Fact]
    public void What_Python_writes_beside_the_text_does_no_harm()
    {
        string deep = new string('[', 500) + new string(']', 500);
        string lines = "\uFEFF" + Lines(t =>
            $$"""{"score": NaN, "of": [-Infinity, Infinity], "cut": "\ud83d", "deep": {{deep}}, "text": "{{t}} \\ud83d NaN"}""")
            .Replace("\n", "\r\n");
        Holds(texts.Select(t => t + " \\ud83d NaN"), Recipe(Put("rows.jsonl", lines)));
    }

    [Fact]
    public void Half_a_pair_is_repaired_beside_backslashes_that_only_look_like_one()
    {
        // a literal \ud83d of source code, then a lone low half; and the reverse
        string extra = """{"text": "print(\"\\ud83d\ude00\") is code"}""" + "\n" + """{"text": "\ud83d\\ude00 is code"}""" + "\n";
        string path = Put("code.jsonl", Lines(Row) + extra);
        Assert.Contains("line 21 has half of a surrogate pair", Refused(Recipe(path)));
        Holds([.. texts, "print(\"\\ud83d\uFFFD\") is code", "\uFFFD\\ude00 is code"], Recipe(path) with { Lossy = true });
    }

    [Fact]
    public void Broken_lines_are_left_out_and_counted_where_that_is_asked_for()
    {
        string path = Put("rows.jsonl", Lines(Row) + "oops\n[1]\n" + """{"text": "cut of""");
        Assert.Contains("line 21 is not JSON", Refused(Recipe(path)));
        CorpusBuild build = Build(Recipe(path) with { Lossy = true });
        Assert.Equal(texts.Length, All(build).Count);
        Assert.Equal(3, build.Info.LinesLeftOut);
        Assert.Contains("\"lines_left_out\": 3", File.ReadAllText(Path.Combine(build.Folder, CorpusInfo.FileName)));
    }

    [Fact]
    public void A_line_without_end_is_refused_before_it_fills_the_memory()
    {
        string path = Path.Combine(Folder, "bomb.jsonl.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            gzip.Write("{\"text\": \""u8);
            byte[] letters = new byte[1 << 20];
            letters.AsSpan().Fill((byte)'a');
            for (int i = 0; i < 300; i++) gzip.Write(letters);
        }
        Assert.Contains("line 1 is longer than 64 MB", Refused(Recipe(path)));
    }

    [Fact]
    public void Tags_are_of_fields_and_of_one_line()
    {
        string text = Put("a.txt", Prose(1, 300));
        Assert.Contains("is plain text, which has no 'topic'", Refused(Recipe(text) with { TagField = "topic" }));
        string path = Put("rows.jsonl", Lines(t => $$$"""{"text": "{{{t}}}", "meta": {"topic": "a\u001bb"}}"""));
        CorpusRecipe tagged = Recipe(path) with { TagField = "meta.topic" };
        Assert.Contains("holds a control character", Refused(tagged));
        Assert.Equal(["a b"], Build(tagged with { Lossy = true }).Info.Tags);
        string list = Put("list.jsonl", Lines(t => $$"""{"text": "{{t}}", "topic": ["a", "b"]}"""));
        Assert.Contains("'topic' has 2 values, a tag is one", Refused(Recipe(list) with { TagField = "topic" }));
    }

    async Task<string> Parquet(string name)
    {
        var schema = new ParquetSchema(new StructField("meta", new DataField<string>("text"), new DataField<string>("title")),
            new ListField("messages", new StructField("element", new DataField<string>("role"), new DataField<string>("content"))),
            new StructField("more", new DataField<string>("title")), new DataField<string>("text"),
            new ListField("lines", new DataField<string>("element")));
        string path = Path.Combine(Folder, name);
        await using FileStream file = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file);
        using ParquetRowGroupWriter rows = writer.CreateRowGroup();
        foreach (DataField field in schema.DataFields)
        {
            bool list = field.MaxRepetitionLevel > 0;
            string[] values = [.. texts.SelectMany(t => list ? (string[])[$"{field.Path} {t}", "yes"] : [$"{field.Path} {t}"])];
            int[] levels = [.. texts.SelectMany(_ => (int[])[0, 1])];
            await rows.WriteAsync(field, values, list ? levels.AsMemory() : null);
        }
        return path;
    }

    [Fact]
    public async Task A_whole_path_wins_over_a_last_name_and_a_last_name_must_be_the_only_one()
    {
        string path = await Parquet("a.parquet");
        Holds(texts.Select(t => "text " + t), Recipe(path));
        foreach (string field in (string[])["meta.text", "meta/text"])
            Holds(texts.Select(t => "meta/text " + t), Recipe(path) with { Field = field });
        Assert.Contains("'title' may be meta/title or more/title; give the whole path", Refused(Recipe(path) with { Field = "title" }));
        Assert.Contains("column 'meta' has parts", Refused(Recipe(path) with { Field = "meta" }));
    }

    [Fact]
    public async Task Lists_in_a_column_are_one_document_a_line_each()
    {
        string path = await Parquet("a.parquet");
        foreach (string field in (string[])["messages.content", "messages/list/element/content", "content"])
            Holds(texts.Select(t => $"messages/list/element/content {t}\nyes"), Recipe(path) with { Field = field });
        Holds(texts.Select(t => $"lines/list/element {t}\nyes"), Recipe(path) with { Field = "lines" });
        Assert.Contains("holds lists, a tag is one value", Refused(Recipe(path) with { TagField = "lines" }));
    }

    [Fact]
    public void A_frame_with_a_long_window_is_read()
    {
        using var packed = new MemoryStream();
        using (var zstd = new ZstdSharp.CompressionStream(packed, 3, leaveOpen: true))
        {
            zstd.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_windowLog, 28);
            zstd.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_enableLongDistanceMatching, 1);
            zstd.Write(Encoding.UTF8.GetBytes(Lines(Row)));
        }
        Holds(texts, Recipe(Put("long.jsonl.zst", packed.ToArray())));
    }

    [Fact]
    public void Links_are_followed_once()
    {
        if (OperatingSystem.IsWindows()) return;                                                  // links need rights there
        string folder = Path.Combine(Folder, "f");
        for (int i = 0; i < texts.Length; i++) Put($"f/{i}.txt", texts[i]);
        Put("blobs/0a1b", Prose(100, 60));
        foreach (string name in (string[])["self", "other"]) Directory.CreateSymbolicLink(Path.Combine(folder, name), ".");
        Directory.CreateSymbolicLink(Path.Combine(folder, "up"), "..");
        File.CreateSymbolicLink(Path.Combine(folder, "copy.txt"), "0.txt");
        File.CreateSymbolicLink(Path.Combine(folder, "blob.txt"), "../blobs/0a1b");
        File.CreateSymbolicLink(Path.Combine(folder, "gone.txt"), "nowhere");
        CorpusBuild build = Build(folder);
        Assert.Equal((21, 0), ((int)build.Info.Sources[0].Files, (int)build.Info.DuplicatesDropped));
        Assert.Equal(1, Build(Recipe(Path.Combine(folder, "?lob.*"), Path.Combine(folder, "1.txt")), force: true).Info.Sources[0].Files);
    }

    [Fact]
    public void A_pipe_in_a_folder_is_left_out_and_one_that_is_named_is_read()
    {
        if (!OperatingSystem.IsLinux()) return;
        for (int i = 0; i < texts.Length; i++) Put($"f/{i}.txt", texts[i]);
        string pipe = Path.Combine(Folder, "f", "pipe.txt");
        using (Process made = Process.Start("mkfifo", pipe)) made.WaitForExit();
        Assert.Equal([$"{pipe}: left out: a pipe, socket or device; name it to have it read"],
            Remarks(Recipe(Path.Combine(Folder, "f"))));
        Task written = Task.Run(() => File.WriteAllText(pipe, Lines(Row)));
        Holds(texts, Recipe(pipe));
        Assert.True(written.IsCompletedSuccessfully);
        using var stop = new CancellationTokenSource(200);
        Assert.ThrowsAny<OperationCanceledException>(() => Build(Recipe(pipe), force: true, stop: stop.Token));  // nobody writes
        Assert.Contains("is a binary file", Refused(Recipe("/dev/zero")));
        Task.Run(() => File.OpenHandle(pipe, FileMode.Open, FileAccess.Write).Dispose());        // lets the reader go
    }

    [Fact]
    public void An_edited_source_of_the_same_size_is_not_the_same()
    {
        string path = Put("rows.jsonl", Lines(Row));
        CorpusBuild first = Build(path);
        Assert.True(Build(path).AlreadyThere);
        string edited = File.ReadAllText(path);
        File.WriteAllText(path, edited.Replace(texts[3], texts[3].Replace('a', 'e')));
        Assert.Equal(edited.Length, File.ReadAllText(path).Length);
        Assert.Contains("changed since", Assert.Throws<ConfigException>(() => Build(path)).Message);
        // A corpus that is older than the hash has sizes to go by.
        string info = Path.Combine(first.Folder, CorpusInfo.FileName);
        JsonNode json = JsonNode.Parse(File.ReadAllText(info))!;
        Assert.True(json["sources"]![0]!.AsObject().Remove("xx_hash128"));
        Assert.True(json.AsObject().Remove("hash") && json.AsObject().Remove("format_version"));
        File.WriteAllText(info, json.ToJsonString());
        Assert.True(Build(path).AlreadyThere);
    }
}
