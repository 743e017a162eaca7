using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class CorpusBuilderTests : CorpusFixture
{
    [Fact]
    public void Text_comes_back_from_the_shards_byte_for_byte()
    {
        string folder = ProseFolder();
        CorpusBuild build = Build(Recipe(folder), shardTokens: 5000);
        List<string> want = [.. Directory.GetFiles(folder).Select(File.ReadAllText)];
        (List<string> train, List<string> valid) = Sides(build);
        Assert.Equal(want.Order(StringComparer.Ordinal), train.Concat(valid).Order(StringComparer.Ordinal));
        Assert.True(build.Info.Train.Shards.Count > 2, "documents straddle shards");
        Assert.Equal((train.Count, valid.Count), ((int)build.Info.Train.Documents, (int)build.Info.Valid.Documents));
        long bytes = want.Sum(d => (long)System.Text.Encoding.UTF8.GetByteCount(d));
        Assert.Equal(bytes, build.Info.Train.Bytes + build.Info.Valid.Bytes);
        Assert.Equal(bytes / (double)(build.Info.Train.Tokens + build.Info.Valid.Tokens), build.Info.BytesPerToken);
        Assert.InRange(build.Info.Valid.Bytes / (double)bytes, 0.1, 0.2);
    }

    [Fact]
    public void The_bits_do_not_depend_on_the_thread_count()
    {
        ProseFolder();
        Put("texts/long.md", string.Join("\n\n", Enumerable.Range(100, 60).Select(i => Prose(i, 400))));
        Put("texts/rows.jsonl", string.Join("\n", Enumerable.Range(200, 300)
            .Select(i => $$"""{"text":"{{Prose(i, 20).Replace("\n", " ")}}"}""")));
        Dictionary<string, byte[]> first = [];
        foreach (int threads in (int[])[1, 2, 4])
        {
            CorpusBuild build = Build(Recipe(Path.Combine(Folder, "texts")), force: true, threads: threads, shardTokens: 20000);
            Dictionary<string, byte[]> files = Directory.GetFiles(build.Folder)
                .ToDictionary(f => Path.GetFileName(f)!, File.ReadAllBytes);
            if (threads == 1) first = files;
            Assert.Equal(first.Keys.Order(), files.Keys.Order());
            foreach ((string name, byte[] bytes) in files) Assert.True(bytes.AsSpan().SequenceEqual(first[name]),
                $"{name}, {threads} threads");
        }
    }

    [Fact]
    public void Near_duplicates_stay_on_one_side_and_copies_are_dropped()
    {
        // 30 texts in three versions each, a word in 60 changed; and a copy of ten with other white space.
        for (int i = 0; i < 30; i++)
        {
            string[] words = Prose(i, 300).Split(' ');
            for (int version = 0; version < 3; version++)
            {
                string[] changed = [.. words];
                for (int w = 20 + 7 * version; w < changed.Length; w += 60) changed[w] = $"version{version}";
                changed[0] = $"text{i}";
                Put($"texts/{i:D2}-{version}.txt", string.Join(' ', changed));
                if (i < 10 && version == 0) Put($"texts/{i:D2}-copy.txt", "  " + string.Join("  ", changed)
                    .Replace("\n", " \n\n "));
            }
        }
        foreach (ulong seed in (ulong[])[0, 1, 2, 3])
        {
            CorpusBuild build = Build(Recipe(Path.Combine(Folder, "texts")) with { Seed = seed }, force: true);
            (List<string> train, List<string> valid) = Sides(build);
            Assert.Equal(90, train.Count + valid.Count);
            Assert.Equal((10, 30, 90), (build.Info.DuplicatesDropped, build.Info.NearDuplicateClusters,
                build.Info.NearDuplicateDocuments));
            Assert.NotEmpty(valid);
            HashSet<string> inValid = [.. valid.Select(d => d.Split(' ')[0])];
            Assert.DoesNotContain(train, d => inValid.Contains(d.Split(' ')[0]));
            Assert.Equal(valid.Count, 3 * inValid.Count);
        }
    }

    [Fact]
    public void The_seed_draws_other_validation_documents()
    {
        string folder = ProseFolder();
        List<string> a = Sides(Build(Recipe(folder))).Valid, b = Sides(Build(Recipe(folder) with { Seed = 1 }, force: true))
            .Valid;
        Assert.NotEqual(a.Order(), b.Order());
    }

    [Fact]
    public void Verbatim_share_is_measured_against_training()
    {
        string folder = ProseFolder(60, 300);
        Assert.Equal(0, Build(Recipe(folder)).Info.VerbatimShare);
        // Now each text has twenty words that stand in all others too, in other company: 8 of the 288 runs of 13 in 300 words.
        string shared = Prose(9999, 20);
        for (int i = 0; i < 60; i++) Put($"texts/{i:D3}.txt", $"{Prose(i, 100)} start{i} {shared} end{i} {Prose(i + 500, 178)}");
        CorpusInfo info = Build(Recipe(folder), force: true).Info;
        Assert.Equal(0, info.NearDuplicateClusters);
        Assert.Equal(8 / 288.0, info.VerbatimShare, 1e-12);
    }

    [Fact]
    public void The_same_command_finds_the_corpus_and_another_recipe_is_refused()
    {
        string folder = ProseFolder();
        CorpusRecipe recipe = Recipe(folder);
        Assert.False(Build(recipe).AlreadyThere);
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(Home, "corpus/c/corpus.json"));
        CorpusBuild again = Build(recipe);
        Assert.True(again.AlreadyThere);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(again.Folder, "corpus.json")));

        var other = Assert.Throws<ConfigException>(() => Build(recipe with { Vocab = 400 }));
        Assert.Contains("vocab was 320, is 400", other.Message);
        Assert.Contains("force=true", other.Message);

        Put("texts/new.txt", "one more");
        Assert.Contains("changed since", Assert.Throws<ConfigException>(() => Build(recipe)).Message);
        Assert.False(Build(recipe, force: true).AlreadyThere);
        Assert.Contains("one more", All(Build(recipe)));
    }

    [Fact]
    public void A_build_that_is_stopped_leaves_nothing_and_keeps_what_was_there()
    {
        string folder = ProseFolder();
        foreach (string stage in (string[])["reading", "tokenizer", "encoding", "comparing"])
        {
            using var stop = new CancellationTokenSource();
            var progress = new Listener(p => { if (p.Stage == stage) stop.Cancel(); });
            Assert.ThrowsAny<OperationCanceledException>(() => Build(Recipe(folder), progress: progress, stop: stop.Token));
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Home, "corpus")));
        }
        Build(Recipe(folder));
        using var late = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Build(Recipe(folder) with { Vocab = 300 }, force: true,
            progress: new Listener(p => { if (p.Stage == "encoding") late.Cancel(); }), stop: late.Token));
        Assert.True(Build(Recipe(folder)).AlreadyThere);
    }

    [Fact]
    public void What_a_killed_build_left_is_removed_by_the_next()
    {
        Directory.CreateDirectory(Path.Combine(Home, "corpus/.c.partial"));
        File.WriteAllText(Path.Combine(Home, "corpus/.c.partial/train-007.tok.tmp"), "half");
        CorpusBuild build = Build(ProseFolder());
        Assert.Equal([build.Folder], Directory.GetFileSystemEntries(Path.Combine(Home, "corpus")));
        Assert.DoesNotContain(Directory.GetFiles(build.Folder), f => f.Contains("007") || f.EndsWith("lock"));
    }

    [Fact]
    public void Two_builds_of_one_name_do_not_meet()
    {
        string folder = ProseFolder();
        using var held = new BuildSite(new(Home), "c");
        Assert.Contains($"process {Environment.ProcessId} on ", Assert.Throws<ConfigException>(() => Build(folder)).Message);
    }

    [Fact]
    public void Tags_label_every_token_of_their_document()
    {
        string[] tags = ["poem", "proof", "recipe"];
        string rows = string.Join("\n", Enumerable.Range(0, 60).Select(i =>
            $$"""{"kind":"{{tags[i % 3]}}","text":"{{tags[i % 3]}} {{Prose(i, 50).Replace("\n", " ")}}"}"""));
        CorpusBuild build = Build(Recipe(Put("rows.jsonl", rows)) with { TagField = "kind" }, shardTokens: 777);
        using Corpus corpus = Corpus.Open(build.Folder);
        Assert.Equal(tags, corpus.Info.Tags);
        foreach ((TokenStream tokens, TokenStream labels) in ((TokenStream, TokenStream)[])[(corpus.Train, corpus.TrainTags!),
            (corpus.Valid, corpus.ValidTags!)])
        {
            Assert.Equal(tokens.Count, labels.Count);
            int[] label = new int[labels.Count], all = new int[tokens.Count];
            labels.Read(0, label);
            tokens.Read(0, all);
            int at = 0;
            foreach (string document in Documents(corpus, tokens))
            {
                int end = Array.IndexOf(all, corpus.EndOfText, at);
                Assert.All(label[at..(end + 1)], l => Assert.Equal(document.Split(' ')[0], corpus.Info.Tags[l]));
                at = end + 1;
            }
        }
    }

    [Fact]
    public void A_tokenizer_can_be_reused()
    {
        CorpusBuild first = Build(ProseFolder());
        string more = Put("more.txt", Prose(1000, 20000));
        CorpusBuild second = Build(Recipe(more) with { Name = "d", Tokenizer = first.Folder, Vocab = 9999 });
        Assert.Equal(first.Info.TokenizerHash, second.Info.TokenizerHash);
        Assert.Equal(File.ReadAllText(Path.Combine(first.Folder, "tokenizer.json")),
            File.ReadAllText(Path.Combine(second.Folder, "tokenizer.json")));
    }

    [Fact]
    public void Text_that_spells_the_end_of_text_is_text()
    {
        string[] texts = [.. Enumerable.Range(0, 10).Select(i => Prose(i, 60) + " <|endoftext|> " + Prose(i + 50, 60))];
        for (int i = 0; i < texts.Length; i++) Put($"t/{i}.txt", texts[i]);
        Assert.Equal(texts.Order(StringComparer.Ordinal), All(Build(Path.Combine(Folder, "t"))).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", "the sources hold no text")]
    [InlineData(" \n\n \n", "the sources hold no text")]
    [InlineData("only this", "1 document")]
    public void Too_little_text_is_refused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => Build(Put("a.txt", text))).Message);

    [Fact]
    public void Settings_are_checked_and_all_problems_named()
    {
        var e = Assert.Throws<ConfigException>(() => Build(Recipe("x") with
        {
            Vocab = 255,
            ValidShare = 0.9,
            Field = "",
            Name = "../up"
        }));
        foreach (string part in (string[])["vocab=255", "valid_share=0.9", "field", "'../up'"]) Assert.Contains(part, e.Message);
        Assert.Throws<ConfigException>(() => Build(Recipe("x") with { Vocab = 65537 }));
    }
}
