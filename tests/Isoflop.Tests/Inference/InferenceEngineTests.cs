using CsCheck;
using Isoflop.Kernels;
using Isoflop.Lab.Inference;
using Isoflop.Lab.Replies;
using Isoflop.Sample;
using Isoflop.Tests.Rl;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Inference;

public sealed class InferenceEngineTests(TaughtModels models) : IClassFixture<TaughtModels>
{
    const string Text = "The number of elements is returned, 12 of them; naïve 🦊 and so on. ";

    static int[] Prompt(Tokenizer tokenizer, string text) => [tokenizer.Beginning, .. tokenizer.Encode(text)];

    InferenceEngine Engine(string model = "chat", EngineLimits? limits = null) => new(LanguageModel.Open(models.Here, model), limits ?? new(4, 64, 16));

    static string TextOf(LanguageModel model, SampledReply reply) => model.Tokenizer.Decode(reply.Said);

    [Fact]
    public async Task A_reply_is_what_sample_says_with_its_seed_whatever_else_is_asked_and_whenever_it_comes()
    {
        using LanguageModel model = LanguageModel.Open(models.Here, "chat");
        using InferenceEngine engine = Engine();
        Gen<(string Text, int Most, float Temperature, float TopP, ulong Seed, int Wait)> asked =
            from length in Gen.Int[0, 40]
            from most in Gen.Int[1, 20]
            from temperature in Gen.Int[0, 2]
            from topP in Gen.Int[4, 5]
            from seed in Gen.ULong[0, 3]
            from wait in Gen.Int[0, 3]
            select (Text[..length], most, (float)temperature, topP / 5f, seed, wait);
        await asked.Array[1, 20].SampleAsync(async party =>
        {
            await Task.WhenAll(party.Select(async a =>
            {
                await Task.Delay(a.Wait);
                var rule = new SamplingRule(a.Temperature, 0, a.TopP);
                IReadOnlyList<LiveReply> two = engine.Submit([.. Enumerable.Range(0, 2).Select(i => new ReplyRequest
                {
                    Prompt = Prompt(model.Tokenizer, a.Text), MaxTokens = a.Most, Rule = rule, Seed = a.Seed, Index = i,
                })]);
                IReadOnlyList<SampledReply> expected;
                lock (model) expected = model.Continue(a.Text, 2, a.Most, rule, a.Seed);
                foreach ((LiveReply reply, SampledReply sampled) in two.Zip(expected))
                {
                    ReplyPiece whole = await reply.Whole(default);
                    lock (model) Assert.Equal(TextOf(model, sampled), whole.Answer);
                    Assert.Equal(sampled.Said.ToArray(), reply.Tokens);
                    Assert.Equal(sampled.Ended ? Ending.Stop : Ending.Length, whole.Ending);
                }
            }));
        }, iter: 30, threads: 1);
    }

    [Fact]
    public async Task Pieces_are_whole_characters_and_make_the_text_and_a_stop_never_shows()
    {
        using InferenceEngine engine = Engine();
        Tokenizer tokenizer = engine.Model.Tokenizer;
        int cuts = 0;
        for (ulong seed = 0; seed < 30; seed++)
        {
            var request = new ReplyRequest { Prompt = Prompt(tokenizer, "5"), MaxTokens = 40, Rule = new(3), Seed = seed };
            string all = (await engine.Submit([request])[0].Whole(default)).Answer;
            List<string> pieces = await Pieces(engine.Submit([request])[0]);
            Assert.Equal(all, string.Concat(pieces));
            // Two of its letters as a stop, and one that never comes whole.
            int first = Enumerable.Range(3, Math.Max(0, all.Length - 4)).FirstOrDefault(i => char.IsAscii(all[i]) && char.IsAscii(all[i + 1]));
            if (first == 0) continue;
            cuts++;
            string stop = all.Substring(first, 2), never = all.Substring(first, 1) + "\u0001";
            LiveReply cut = engine.Submit([request with { Stops = [never, stop] }])[0];
            pieces = await Pieces(cut);
            Assert.Equal(all[..all.IndexOf(stop, StringComparison.Ordinal)], string.Concat(pieces));
            Assert.Equal(Ending.Stop, cut.Ending);
            Assert.StartsWith(string.Concat(pieces), tokenizer.Decode([.. cut.Tokens]), StringComparison.Ordinal);
            for (int i = 1; i < pieces.Count; i++) Assert.DoesNotContain(stop, string.Concat(pieces.Take(i)));
        }

        Assert.InRange(cuts, 5, 30);

        static async Task<List<string>> Pieces(LiveReply reply)
        {
            List<string> pieces = [];
            await foreach (ReplyPiece piece in reply.Pieces(default)) pieces.Add(piece.Answer);
            return pieces;
        }
    }

    [Fact]
    public async Task A_thought_is_told_apart_and_one_that_has_had_its_tokens_is_made_to_answer()
    {
        using InferenceEngine engine = Engine("tasks");
        Tokenizer tokenizer = engine.Model.Tokenizer;
        int think = tokenizer.Encode("<")[0];
        bool forcedOnce = false;
        for (ulong seed = 0; seed < 40; seed++)
        {
            var request = new ReplyRequest { Prompt = Prompt(tokenizer, "0101<"), MaxTokens = 30, Rule = new(1.5f), Seed = seed, Form = ReplyForm.Think };
            LiveReply free = engine.Submit([request])[0];
            ReplyPiece whole = await free.Whole(default);
            string raw = tokenizer.Decode([.. free.Tokens]);
            int end = raw.IndexOf('>');
            Assert.Equal(end < 0 ? (raw, "") : (raw[..end], raw[(end + 1)..]), (whole.Thought, whole.Answer));
            Assert.Equal(end < 0 ? free.Count : end == 0 ? 0 : end + 1, free.ThoughtTokens);      // a token a byte
            if (end is >= 0 and < 4 || raw.Length < 4 || raw.AsSpan(0, 4).Contains('\uFFFD')) continue;
            forcedOnce = true;
            // Three tokens of thought, then its end is written; the answer goes on from there.
            LiveReply forced = engine.Submit([request with { ThoughtTokens = 3 }])[0];
            whole = await forced.Whole(default);
            Assert.Equal(raw[..3], whole.Thought);
            Assert.Equal([.. free.Tokens.Take(3), tokenizer.Encode(">")[0]], forced.Tokens.Take(4));
            Assert.Equal(4, forced.ThoughtTokens);
            int[] begun = [.. request.Prompt, .. forced.Tokens.Take(4)];
            LiveReply rest = engine.Submit([request with { Prompt = begun, MaxTokens = 26, Form = null }])[0];
            Assert.Equal((await rest.Whole(default)).Answer, whole.Answer);
        }
        Assert.True(forcedOnce);
        // The model chooses: what it chooses is read.
        foreach ((string begins, ReplyForm form) in ((string, ReplyForm)[])[("0101", ReplyForm.Open), ("0101>", ReplyForm.Direct)])
        {
            LiveReply open = engine.Submit([new() { Prompt = Prompt(tokenizer, begins), MaxTokens = 20, Rule = new(0), Form = form }])[0];
            ReplyPiece whole = await open.Whole(default);
            string raw = tokenizer.Decode([.. open.Tokens]);
            bool thinks = form == ReplyForm.Open && open.Tokens.Count > 0 && open.Tokens[0] == think;
            Assert.Equal(thinks, whole.Thought.Length > 0);
            Assert.Equal(raw, thinks ? $"<{whole.Thought}{(raw.Contains('>') ? ">" : "")}{whole.Answer}" : (raw.StartsWith('>') && form == ReplyForm.Open ? ">" : "") + whole.Answer);
        }
    }

    [Fact]
    public async Task Scores_are_those_of_reading_and_a_prompt_may_be_scored_alone()
    {
        using LanguageModel model = LanguageModel.Open(models.Here, "chat");
        using InferenceEngine engine = Engine();
        int[] prompt = Prompt(model.Tokenizer, Text[..40]);
        float[] expected = [.. model.Nll([(prompt, 1)])[0].Select(x => -x)];
        foreach (int most in (int[])[0, 1, 9])
        {
            LiveReply[] replies = [.. engine.Submit([.. Enumerable.Range(0, 3).Select(_ => new ReplyRequest { Prompt = prompt, MaxTokens = most, Rule = new(0), Tops = 2, ScoresPrompt = true })])];
            foreach (LiveReply reply in replies)
            {
                ReplyPiece whole = await reply.Whole(default);
                Assert.Equal(reply.EndToken is null ? Ending.Length : Ending.Stop, whole.Ending);
                Assert.Equal(most, reply.EndToken is null ? reply.Count : Math.Max(most, reply.Count + 1));
                Assert.Equal(expected, Enumerable.Range(1, prompt.Length - 1).Select(p => reply.Scores![p]));
                for (int i = 0; i < reply.Count; i++) Assert.Equal((reply.Tokens[i], reply.Scores![prompt.Length + i]), reply.Scores.Top(prompt.Length + i, 0));
            }
        }
    }

    [Fact]
    public async Task Who_hangs_up_frees_a_place_and_a_full_queue_sends_away_all_or_none()
    {
        using InferenceEngine engine = Engine(limits: new(Slots: 2, Waiting: 3, PieceTokens: 16));
        int[] prompt = Prompt(engine.Model.Tokenizer, "5");
        var endless = new ReplyRequest { Prompt = prompt, MaxTokens = 60, Rule = new(1) };
        using ManualResetEventSlim stands = new(), pause = new();
        Task<int> held = engine.Ask(_ => { stands.Set(); pause.Wait(60_000); return 1; });
        Assert.True(stands.Wait(60_000));                                            // the engine stands still
        IReadOnlyList<LiveReply> three = engine.Submit([endless, endless, endless]);
        BusyException busy = Assert.Throws<BusyException>(() => engine.Submit([endless]));
        Assert.InRange(busy.RetryAfter.TotalSeconds, 1, 60);
        three[2].Cancel();                                                           // one that waits is gone at once
        Assert.Equal(Ending.Cancelled, three[2].Ending);
        Assert.Throws<BusyException>(() => engine.Submit([endless, endless]));
        LiveReply fourth = engine.Submit([endless])[0];
        using var gone = new CancellationTokenSource();
        Task<ReplyPiece> first = three[0].Whole(gone.Token);
        gone.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        pause.Set();
        Assert.Equal(1, await held);
        Assert.Equal((await three[1].Whole(default)).Answer, (await fourth.Whole(default)).Answer);
        SpinWait.SpinUntil(() => engine.Load == (0, 0), 10_000);
        Assert.Equal((0, 0), engine.Load);
        Assert.Equal(Ending.Cancelled, three[0].Ending);
    }

    [Fact]
    public void What_does_not_fit_or_is_no_token_is_refused_before_it_waits()
    {
        using InferenceEngine engine = Engine();
        PromptTooLongException too = Assert.Throws<PromptTooLongException>(() => engine.Submit([new() { Prompt = new int[65] }]));
        Assert.Equal((65, 64), (too.Tokens, too.Context));
        foreach (ReplyRequest wrong in (ReplyRequest[])[new() { Prompt = [] }, new() { Prompt = [1, -1] }, new() { Prompt = [1, 100_000] },
            new() { Prompt = [1], MaxTokens = 0 }, new() { Prompt = [1], Rule = new(float.NaN) }, new() { Prompt = [1], Rule = new(1, 0, 0) }, new() { Prompt = [1], Rule = new(1, -1) }])
            Assert.Throws<ConfigException>(() => engine.Submit([wrong]));
        Assert.Equal((0, 0), engine.Load);
    }

    [Fact]
    public async Task The_end_of_an_engine_ends_what_is_asked_of_it()
    {
        InferenceEngine engine = Engine();
        IReadOnlyList<LiveReply> many = engine.Submit([.. Enumerable.Range(0, 40).Select(i => new ReplyRequest { Prompt = Prompt(engine.Model.Tokenizer, "5"), MaxTokens = 50, Index = i })]);
        engine.Dispose();
        foreach (LiveReply reply in many) Assert.NotNull((await reply.Whole(default)).Ending);
        Assert.Throws<ObjectDisposedException>(() => engine.Submit([many[0].Request]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.Ask(_ => 1));
    }
}
