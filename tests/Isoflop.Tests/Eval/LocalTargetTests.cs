using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Eval;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tests.Sample;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Eval;

/// <summary>Suites asked of a tiny model: likelihoods, replies, files of results, the training text.</summary>
public sealed class LocalTargetTests(TrainedHome home) : IClassFixture<TrainedHome>
{
    static readonly string[] Nouns = ["river", "stone", "houses", "morning"];

    static EvalItem Choice(int i, string prompt = "") => new()
    {
        Id = $"c{i}",
        Task = "choice",
        Template = $"t{i % 3}",
        Prompt = prompt.Length > 0 ? prompt : $"cold {Nouns[i % 4]} sings {i}",
        Choices = [" under", " walks seven", " bright"],
        Answer = i % 2 == 0 ? " under" : " walks seven",
    };

    static EvalItem Reply(int i, string answer = " seven") => new()
    {
        Id = $"r{i}",
        Task = "reply",
        Prompt = string.Join(' ', Nouns.Take(i % 4)) + i,
        Answer = answer,
    };

    static readonly EvalItem[] Items = [.. Enumerable.Range(0, 24).Select(i => i % 3 == 0 ? Reply(i) : Choice(i))];

    LanguageModel Open(int threads = 1) => LanguageModel.Open(new(home.Path) { Threads = threads }, "run");

    static List<ItemResult> Ask(LanguageModel model, int together, params EvalItem[] items) =>
        [.. new LocalTarget(model, together).Answer(items, default).SelectMany(r => r)];

    [Fact]
    public void Likelihoods_are_those_of_reading_the_text()
    {
        using LanguageModel model = Open();
        EvalItem[] items = [Choice(0), Choice(1), Choice(2) with { Prompt = "", Choices = ["river sings", "stone"], Answer = "stone" }, Reply(3)];
        foreach ((ItemResult got, EvalItem item) in Ask(model, 256, items).Zip(items))
        {
            string[] texts = item.Choices.Count > 0 ? [.. item.Choices] : [item.Answer];
            double[] nll = [.. texts.Select(t => model.Read(item.Prompt + t).LogProbs.Skip(model.Tokenizer.Encode(item.Prompt).Count).Sum(p => -(double)p))];
            int answer = Array.IndexOf(texts, item.Answer);
            Assert.Equal(nll[answer], got.AnswerNll!.Value, 1e-4);
            if (item.Choices.Count == 0) continue;
            double best = nll.Where((_, i) => i != answer).Min();
            Assert.Equal(best - nll[answer], got.Margin!.Value, 2e-4);
            Assert.Equal(best > nll[answer] ? 1 : 0, got.Score);
            double[] perByte = [.. nll.Select((x, i) => x / texts[i].Length)];
            Assert.Equal(perByte.Min() == perByte[answer] ? 1 : 0, got.ScorePerByte);
            Assert.Equal(1.0 / texts.Length, got.Chance);
        }
    }

    [Fact]
    public void A_choice_whose_first_letters_join_the_prompts_last_token_is_encoded_for_itself()
    {
        using LanguageModel model = Open();
        List<int> whole = model.Tokenizer.Encode("river"), part = model.Tokenizer.Encode("r");
        Assert.False(whole.Take(part.Count).SequenceEqual(part));              // else this tests nothing
        int[] tokens = [model.Tokenizer.EndOfText, .. part, .. model.Tokenizer.Encode("iver")];
        ItemResult got = Ask(model, 1, Choice(0) with { Prompt = "r", Choices = ["iver", "iverstone"], Answer = "iver" })[0];
        Assert.Equal(model.Nll([(tokens, 1 + part.Count)])[0].Sum(x => (double)x), got.AnswerNll);
        Assert.Equal(tokens.Length - 1 - part.Count, got.Tokens);
    }

    [Fact]
    public void Results_are_the_same_bits_whatever_the_company_and_the_threads()
    {
        using LanguageModel one = Open(), three = Open(3);
        List<ItemResult> want = Ask(one, 1, Items);
        foreach (int together in new[] { 2, 7, 256 }) Assert.Equal(want, Ask(one, together, Items));
        Assert.Equal(want, Ask(three, 256, Items));
        Assert.Equal(want, Ask(three, 5, [.. Items.Reverse()]).AsEnumerable().Reverse());
        Assert.All(want, r => Assert.True(r.Flops > 0));
    }

    [Fact]
    public void A_reply_is_the_greedy_one_up_to_its_limit()
    {
        using LanguageModel model = Open();
        EvalItem item = Reply(2);
        int limit = model.Tokenizer.Encode(item.Answer).Count + 8;
        string want = model.Tokenizer.Decode([.. model.Continue(item.Prompt, 1, limit, new(0), seed: 1)[0].Said]);
        ItemResult got = Ask(model, 256, Items[0], item, Items[3])[1];
        Assert.Equal((want, limit, true, 0), (got.Reply, got.Tokens, got.FormatError, got.Score));     // such a model writes no line ends
    }

    [Fact]
    public void Greedy_replies_stop_where_they_are_told_to()
    {
        using LanguageModel model = Open();
        int[] prompt = [model.Tokenizer.EndOfText, .. model.Tokenizer.Encode("river")];
        int[] free = Greedy(null, 20)[0];
        Assert.Equal(20, free.Length);
        bool[] stops = new bool[model.Tokenizer.VocabSize];
        stops[free[2]] = true;
        int[] stopped = free[..(Array.IndexOf(free, free[2]) + 1)];
        Assert.Equal([stopped, stopped], Greedy(stops, 20, 5));
        Assert.Equal([free, free[..5]], Greedy(null, 20, 5));

        int[][] Greedy(bool[]? stops, params int[] limits) =>
            [.. model.Draw([.. limits.Select(l => new SampleRequest(prompt, l, 0, stops))], new SamplingRule(0), 1).Select(r => r.Said.ToArray())];
    }

    [Fact]
    public void A_prompt_too_long_keeps_its_end_and_says_so()
    {
        using LanguageModel model = Open();
        string tail = " cold stone sings", head = string.Concat(Enumerable.Repeat("xyz ", 30));
        int context = model.Config.ContextLen;
        List<int> all = model.Tokenizer.Encode(head + tail);
        EvalItem item = Choice(0, head + tail);
        int longest = item.Choices.Max(c => model.Tokenizer.Encode(c).Count), cut = all.Count + longest - context;
        ItemResult got = Ask(model, 256, item)[0];
        Assert.Equal($"prompt cut by {cut} tokens", got.Note);
        int[] tokens = [model.Tokenizer.EndOfText, .. all.Skip(cut), .. model.Tokenizer.Encode(item.Answer)];
        Assert.Equal(model.Nll([(tokens, 1 + all.Count - cut)])[0].Sum(x => (double)x), got.AnswerNll);
        Assert.StartsWith("prompt cut by", Ask(model, 256, Reply(1) with { Prompt = head + tail })[0].Note);
        Assert.Contains("the model's context is 64; leave it out",
            Assert.Throws<DataException>(() => Ask(model, 256, Reply(1, head))).Message);
    }

    [Fact]
    public void A_text_longer_than_a_pass_has_the_likelihoods_of_reading_it()
    {
        Trainer.Train(Config.Load(null, "corpus=tiny", "name=long", "train.steps=1", "train.batch_tokens=1200",
            "model.context_len=1200", "model.d_model=16", "model.n_layer=1", "model.n_head=1"),
            new Workspace(home.Path) { Threads = 1, PeakFlops = 1 });
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "long");
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => " " + i));
        int[] tokens = [model.Tokenizer.EndOfText, .. model.Tokenizer.Encode(text).Take(1200)];
        Assert.Equal(1201, tokens.Length);
        float[] all = model.Nll([([.. tokens[..20]], 1), (tokens, 1), ([.. tokens[..1000]], 990)]) is var nll ? nll[1] : [];
        Assert.Equal(nll[2], all[989..999], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(nll[0], all[..19], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(model.Nll([(tokens, 1195)])[0], all[1194..]);
        Assert.Equal(1200, all.Length);
    }

    // ---- files of results -----------------------------------------------------------------------------------------------------

    sealed class Counting(IEvalTarget target, string? hash = null) : IEvalTarget
    {
        public int Asked { get; private set; }
        public string Name => target.Name;
        public string Hash => hash ?? target.Hash;

        public IEnumerable<IReadOnlyList<ItemResult>> Answer(IReadOnlyList<EvalItem> items, CancellationToken stop)
        {
            Asked += items.Count;
            return target.Answer(items, default);
        }
    }

    [Fact]
    public void What_was_asked_is_not_asked_again_and_a_torn_line_is()
    {
        using LanguageModel model = Open();
        var suite = new EvalSuite("resumed", Items);
        string file = EvalRun.FileFor(model.Folder, suite)!;
        Assert.EndsWith(Path.Combine("run", "evals", "resumed-000006.jsonl"), file);
        var target = new Counting(new LocalTarget(model, 4));
        using (var stop = new CancellationTokenSource())
            Assert.Throws<OperationCanceledException>(() => EvalRun.Ask(target, suite, new Workspace().Reporting(p => { if (p.Done == 8) stop.Cancel(); }) with { Stop = stop.Token }, file));
        string[] lines = File.ReadAllLines(file);
        Assert.Equal(1 + 8, lines.Length);
        File.WriteAllText(file, string.Join('\n', lines)[..^20]);                // the eighth result is torn
        target = new(new LocalTarget(model, 4));
        IReadOnlyList<ItemResult> all = EvalRun.Ask(target, suite, new(), file);
        Assert.Equal(24 - 7, target.Asked);
        Assert.Equal(EvalRun.Ask(new LocalTarget(model), suite, new(), null), all);
        target = new(new LocalTarget(model));
        Assert.Equal(all, EvalRun.Ask(target, suite, new(), file));
        Assert.Equal(all.Take(5), EvalRun.Ask(target, suite, new(), file, limit: 5));
        Assert.Equal(0, target.Asked);
    }

    [Fact]
    public void Another_suite_or_model_starts_anew_and_damage_is_named()
    {
        using LanguageModel model = Open();
        EvalItem[] items = [Choice(0), Choice(1), Choice(2)];
        string file = EvalRun.FileFor(model.Folder, new EvalSuite("changed", items))!;
        Assert.Equal(3, AskedOf(items));
        Assert.Equal(0, AskedOf(items));
        Assert.Equal(3, AskedOf([.. items[..2], items[2] with { Prompt = "seven" }]));
        Assert.Equal(3, AskedOf(items, "other weights"));
        string[] lines = File.ReadAllLines(file);
        File.WriteAllLines(file, [lines[0], "{}", .. lines[2..]]);
        Assert.Contains("line 2 is not a result", Assert.Throws<DataException>(() => AskedOf(items, "other weights")).Message);
        File.WriteAllLines(file, [lines[0].Replace("\"format_version\":2", "\"format_version\":9")]);
        Assert.Contains("format version 9", Assert.Throws<DataException>(() => AskedOf(items, "other weights")).Message);
        File.Delete(file);
        using (new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            Assert.Contains("another process", Assert.Throws<ConfigException>(() => AskedOf(items)).Message);

        int AskedOf(EvalItem[] of, string? hash = null)
        {
            var target = new Counting(new LocalTarget(model), hash);
            EvalRun.Ask(target, new EvalSuite("changed", of), new(), file);
            return target.Asked;
        }
    }

    [Fact]
    public void Outside_of_a_run_nothing_is_kept()
    {
        string folder = Path.Combine(home.Path, "copied");
        Directory.CreateDirectory(folder);
        using (LanguageModel model = Open())
            foreach (string path in Directory.GetFiles(model.Folder)) File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        Assert.Null(EvalRun.FileFor(folder, new EvalSuite("s", Items)));
        Assert.Empty(EvalRun.CorporaOf(folder));
        Directory.Delete(folder, recursive: true);
    }

    // ---- training text --------------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(1000)]
    [InlineData(37)]
    [InlineData(1)]
    public void Items_of_the_training_text_are_found_and_others_are_not(int stretch)
    {
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder("tiny"));
        int[] tokens = new int[Math.Min(3000, corpus.Train.Count)];
        corpus.Train.Read(0, tokens);
        string[] documents = corpus.Tokenizer.Decode(tokens).Split("<|endoftext|>");
        string[] first = documents[0].Split(' '), second = documents[1].Split(' ');
        EvalItem[] items =
        [
            Item("start", string.Join(' ', first[..9]), " " + first[9]),
            Item("middle", string.Join(' ', first[20..29]), "  \n" + first[29] + " "),
            Item("end", string.Join(' ', second[^8..^1]), " " + second[^1]),
            Item("whole", "", documents[1]),
            Item("other", string.Join(' ', first[..9]), " nowhere"),
            Item("half", string.Join(' ', first[..9]), " " + first[9][..^1]),
            Item("late", string.Join(' ', first[30..39])[1..], " " + first[39]),
            Item("across", string.Join(' ', first[^6..]), " " + string.Join(' ', second[..6])),
            Item("short", first[0], " " + first[1]),
        ];
        Contamination got = Contamination.Search(items, corpus.Train, corpus.Tokenizer, new() { Threads = 2 }, stretch);
        Assert.Equal(["end", "middle", "start", "whole"], got.Found.Order());
        Assert.Equal(["short"], got.TooShort);

        static EvalItem Item(string id, string prompt, string answer) => new() { Id = id, Task = "t", Prompt = prompt, Answer = answer };
    }

    // ---- the command ----------------------------------------------------------------------------------------------------------

    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(["eval", .. args, "--home", home.Path], [EvalCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void The_command_writes_a_table_a_record_and_a_file()
    {
        string suite = Path.Combine(home.Path, "asked.jsonl"), csv = Path.Combine(home.Path, "scores.csv");
        File.WriteAllLines(suite,
        [
            """{"id":"a","task":"pairs","template":"p","choices":["river stone walks","river xq walks"],"answer":"river stone walks"}""",
            """{"id":"b","task":"pairs","template":"p","choices":["seven houses","zzz houses"],"answer":"seven houses"}""",
            """{"id":"c","task":"replies","prompt":"river stone walks under bright","answer":"seven"}""",
        ]);
        (int code, string output, string error) = Run("run", "--suite", suite, "--csv", csv);
        Assert.Equal(0, code);
        Assert.Contains("eval", error);
        Assert.Contains("intervals are clustered by template, * Wilson's", output);
        Assert.Contains("2 are too short to tell", output);
        string[] rows = File.ReadAllLines(csv);
        Assert.StartsWith("model,suite,suite_hash,slice,task,level,template,items,accuracy,low,high,", rows[0]);
        Assert.Equal(1 + 1 + 2 + 2 + 1 + 1, rows.Length);
        string json = Run("run@6", "--suite", suite, "--json", "--limit", "2", "--no-contamination").Out;
        Assert.Contains("\"slice\":\"all\",\"task\":null,\"level\":null,\"template\":null,\"items\":2,\"accuracy\":1,", json);
        Assert.Contains("\"contaminated\":null", json);
    }

    [Fact]
    public void Another_corpus_of_that_name_is_not_taken_for_the_training_text()
    {
        string suite = Path.Combine(home.Path, "one.jsonl"), corpus = new Workspace(home.Path).CorpusFolder("tiny");
        File.WriteAllText(suite, """{"id":"a","task":"replies","prompt":"river stone walks under bright","answer":"seven"}""");
        Assert.Equal([(Path.GetFullPath(corpus), 1)], EvalRun.CorporaOf(Path.Combine(home.Path, "runs", "run", "step-000006"))
            .Select(c => (c.Folder, Math.Sign(c.Then!.TrainTokens))));
        Directory.Move(corpus, corpus + "-away");
        Assert.Contains("is no longer there: the training text was not searched", Run("run", "--suite", suite).Err);
        string other = Path.Combine(home.Path, "other.jsonl");
        File.WriteAllLines(other, File.ReadLines(Path.Combine(home.Path, "texts.jsonl")).Take(50));
        CorpusBuilder.Build(new CorpusRecipe { Name = "tiny", Sources = [other], Vocab = 280, ValidShare = 0.1 }, new(home.Path));
        Assert.Contains("was built anew after the training", Run("run", "--suite", suite).Err);
        Directory.Delete(corpus, recursive: true);
        Directory.Move(corpus + "-away", corpus);
    }

    [Theory]
    [InlineData("--limit 0 must be positive", "run", "--suite", "x", "--limit", "0")]
    [InlineData("no such file", "run", "--suite", "none.jsonl")]
    [InlineData("was not made by 'isoflop corpus world'", "run")]
    [InlineData("was not made by", "run", "--suite", "world")]
    public void Mistakes_are_one_line_and_exit_code_2(string expected, params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.Equal((App.UserError, ""), (code, output));
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }
}
