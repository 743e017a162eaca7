using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tests.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Sample;

public sealed class PrefixCacheTests : IDisposable
{
    const int EndOfText = 0, Page = AttentionCached.PageTokens;
    static readonly SamplingRule Free = new(1), Greedy = new(0);
    static readonly int[] Lengths = [1, 15, 16, 17, 31, 32, 33, 64, 70, 100];

    readonly CpuDevice device = new(1);
    readonly Transformer model;
    Rng rng = new(3, RandomPurpose.Test);

    public PrefixCacheTests()
    {
        model = new(device, SameBitsTests.Grouped, 200, training: false);
        model.Initialise(5);
    }

    static SampledReply[] Room(int count) => [.. Enumerable.Range(0, count).Select(_ => new SampledReply())];

    int[] Text(int length)
    {
        var text = new int[length];
        for (int i = 1; i < length; i++) text[i] = 1 + rng.NextInt(330);
        return text;
    }

    BatchSampler Sampler(int slots, long cacheBytes = 1 << 28) => new(model, EndOfText, 331, slots, cacheBytes: cacheBytes);

    static (SampledReply[] Replies, Spending Spent) Draw(BatchSampler sampler, SampleRequest[] of, SamplingRule rule, bool reuse = false)
    {
        SampledReply[] replies = Room(of.Length);
        Spending spent = sampler.Draw(of, rule, 3, replies, reuse);
        return (replies, spent);
    }

    /// <summary>Each alone, from an empty cache: nothing is shared.</summary>
    static SampledReply[] Apart(BatchSampler sampler, SampleRequest[] of, SamplingRule rule) => [.. of.Select(r => Draw(sampler, [r], rule).Replies[0])];

    static void Same(SampledReply[] expected, SampledReply[] actual)
    {
        foreach ((SampledReply e, SampledReply a) in expected.Zip(actual))
        {
            Assert.Equal(e.Tokens.ToArray(), a.Tokens.ToArray());
            Assert.Equal(e.LogProbs.ToArray(), a.LogProbs.ToArray());
            Assert.Equal((e.Ended, e.Stopped), (a.Ended, a.Stopped));
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void Replies_that_share_are_those_drawn_apart_whatever_the_slots_the_order_and_the_cuts(float temperature)
    {
        var rule = new SamplingRule(temperature);
        int[] trunk = Text(120);
        SampleRequest[] requests = [.. Lengths.SelectMany(l => (int[][])[trunk[..l], trunk[..l], [.. trunk[..(l / 2)], .. Text(9)]]).Select((p, i) => new SampleRequest(p, 30, i))];
        SampledReply[] apart = Apart(Sampler(1), requests, rule);
        foreach (int slots in (int[])[1, 4, 30])
        {
            Same(apart, Draw(Sampler(slots), requests, rule).Replies);
            Same([.. apart.Reverse()], Draw(Sampler(slots), [.. requests.Reverse()], rule).Replies);
        }
        // Passes of 31 rows end within pages; slots that come later meet halves of them.
        using var two = new CpuDevice(2);
        var narrow = new Transformer(two, model.Config, 31, training: false);
        narrow.Initialise(5);
        foreach (int slots in (int[])[3, 20]) Same(apart, Draw(new(narrow, EndOfText, 331, slots), requests, rule).Replies);
    }

    [Fact]
    public void A_reply_is_forked_at_any_token_and_only_what_its_pages_lack_is_read()
    {
        BatchSampler sampler = Sampler(1);
        int[] prompt = Text(20), all = [.. prompt, .. Draw(sampler, [new(prompt, 100, 0)], Greedy).Replies[0].Tokens];
        float[] logProbs = Draw(sampler, [new(prompt, 100, 0)], Greedy).Replies[0].LogProbs.ToArray();
        Assert.Equal(120, all.Length);
        int full = (all.Length - 1) / Page * Page;                // the last token was drawn, not read
        for (int length = 1; length < all.Length; length++)
        {
            (SampledReply[] fork, Spending spent) = Draw(sampler, [new(all[..length], 1, 0)], Greedy, reuse: true);
            int shared = Math.Min(length / Page * Page, full);
            Assert.Equal(Math.Max(1, length - shared), spent.Tokens);
            if (length < prompt.Length) continue;
            Assert.Equal((all[length], logProbs[length - prompt.Length]), (fork[0].Last, fork[0].LogProbs[0]));
        }
    }

    [Fact]
    public void Flops_fall_by_what_is_shared_exactly()
    {
        foreach ((int length, int again) in (ReadOnlySpan<(int, int)>)[(40, 8), (32, 1), (15, 15)])
        {
            int[] prompt = Text(length);
            SampleRequest[] requests = [.. Enumerable.Range(0, 16).Select(i => new SampleRequest(prompt, 1, i))];
            foreach (int slots in (int[])[1, 5, 16])
            {
                BatchSampler sampler = Sampler(slots);
                Spending spent = Draw(sampler, requests, Free).Spent;
                int tokens = length + 15 * again;
                FlopCount count = Flops.Forward(model.Config, tokens, Flops.Pairs(length) + 15 * (Flops.Pairs(length) - Flops.Pairs(length - again)));
                Assert.Equal(tokens, spent.Tokens);
                Assert.Equal((count with { Head = count.Head / tokens * 16 }).Total, spent.Flops);
                Assert.Equal(spent, Draw(sampler, requests, Free).Spent);
                Assert.Equal(16 * again, Draw(sampler, requests, Free, reuse: true).Spent.Tokens);
            }
        }
    }

    [Theory, InlineData(1, 0), InlineData(4, 0), InlineData(4, 1 << 28)]
    public void A_growing_tree_is_the_same_in_a_cache_that_is_too_small_for_it(int slots, long cacheBytes)
    {
        BatchSampler sampler = Sampler(slots, cacheBytes), apart = Sampler(1);
        List<int[]> tree = [Text(3), Text(40)];
        long tokens = 0, lengths = 0;
        for (int round = 0; round < 12; round++)
        {
            SampleRequest[] requests = [.. Enumerable.Range(0, 6).Select(i =>
            {
                int[] from = tree[rng.NextInt(tree.Count)];
                return new SampleRequest(from[..(1 + rng.NextInt(Math.Min(from.Length, 130)))], 1 + rng.NextInt(24), i);
            })];
            (SampledReply[] replies, Spending spent) = Draw(sampler, requests, Free, reuse: true);
            Same(Apart(apart, requests, Free), replies);
            (tokens, lengths) = (tokens + spent.Tokens, lengths + requests.Zip(replies).Sum(p => p.First.Prompt.Length + p.Second.Count - 1));
            foreach ((SampleRequest r, SampledReply reply) in requests.Zip(replies)) tree.Add([.. r.Prompt, .. reply.Tokens]);
        }
        Assert.InRange(tokens, 1, lengths - 1);
    }

    [Fact]
    public void A_page_is_known_by_all_tokens_up_to_its_end_and_once()
    {
        var pages = new PrefixCache(new KvCache(model, 2, 64, 4));
        for (int trial = 0; trial < 50; trial++)                  // four chains: many pages meet in one
        {
            pages.Clear();
            int[] first = Text(Page), second = Text(Page), tail = Text(Page);
            Read(pages, 0, [.. first, .. tail]);
            Read(pages, 0, second);
            Assert.Equal((2, 1), (Known(pages, [.. first, .. tail]), Known(pages, [.. second, .. tail])));
            // Two slots read the same side by side: one's pages are left over, and whoever takes them is followed by nothing.
            pages.Clear();
            for (int t = 0; t < 2 * Page; t++)
                for (int slot = 0; slot < 2; slot++) pages.Append(slot, t, t < Page ? first[t] : tail[t - Page]);
            pages.Release(0);
            pages.Release(1);
            Read(pages, 0, second);
            Assert.Equal((2, 1), (Known(pages, [.. first, .. tail]), Known(pages, [.. second, .. tail])));
        }
    }

    [Fact]
    public void The_page_that_was_left_longest_ago_makes_room_its_continuation_before_it()
    {
        var pages = new PrefixCache(new KvCache(model, 2, 64, 4));
        int[] a = Text(33), b = Text(17), c = Text(16);
        Read(pages, 0, a);
        Read(pages, 0, b);
        // a's third page was not full and went to b; b's second, to nobody yet: four pages, three known.
        Assert.Equal((2, 1), (Known(pages, a), Known(pages, b)));
        Assert.Equal(1, Known(pages, b));
        Assert.Equal(2, Known(pages, a));                         // b is now the oldest
        Read(pages, 0, c);
        Read(pages, 0, Text(16));
        Assert.Equal((2, 0, 1), (Known(pages, a), Known(pages, b), Known(pages, c)));
        Read(pages, 1, b);
        Assert.Equal((1, 1), (Known(pages, a), Known(pages, b)));
        Assert.Equal(0, Known(pages, [.. c[..15], c[15] + 1]));
        pages.Clear();
        Assert.Equal((0, 0), (Known(pages, a), Known(pages, b)));
    }

    static int Share(PrefixCache pages, int slot, int[] text)
    {
        int position = 0;
        while (pages.TryShare(slot, text, position)) position += Page;
        return position;
    }

    static int Known(PrefixCache pages, int[] text)
    {
        int shared = Share(pages, 0, text);
        pages.Release(0);
        return shared / Page;
    }

    static void Read(PrefixCache pages, int slot, int[] text)
    {
        for (int t = Share(pages, slot, text); t < text.Length; t++) pages.Append(slot, t, text[t]);
        pages.Release(slot);
    }

    [Fact]
    public void New_weights_and_broken_calls_leave_nothing_that_is_used()
    {
        BatchSampler sampler = Sampler(2);
        SampleRequest[] requests = [new(Text(50), 20, 0), new(Text(90), 20, 1)];
        Draw(sampler, requests, Free);
        model.Initialise(6);
        (SampledReply[] Replies, Spending Spent) fresh = Draw(Sampler(2), requests, Free), after = Draw(sampler, requests, Free, reuse: true);
        Same(fresh.Replies, after.Replies);
        Assert.Equal(fresh.Spent, after.Spent);
        Assert.True(Draw(sampler, requests, Free, reuse: true).Spent.Tokens < fresh.Spent.Tokens);
        // Gains are not laid out anew, so this breaks the weights without a word to the model.
        DeviceSpan<float> gain = model.Params.Slice(model.Table.FinalNorm.Offset, 1);
        device.Upload([float.NaN], gain);
        Assert.Throws<DataException>(() => Draw(sampler, requests, Free, reuse: true));
        device.Upload([1f], gain);
        Assert.Equal(fresh.Spent, Draw(sampler, requests, Free, reuse: true).Spent);
    }

    [Fact]
    public void A_reply_stops_after_a_mark_and_goes_on_from_there()
    {
        BatchSampler sampler = Sampler(3);
        int[] prompt = Text(20);
        SampledReply whole = Draw(sampler, [new(prompt, 40, 7)], Greedy).Replies[0];
        Assert.Equal((40, false, false), (whole.Count, whole.Ended, whole.Stopped));
        int[] tokens = whole.Tokens.ToArray();
        int mark = tokens[11], first = Array.IndexOf(tokens, mark);
        bool[] stops = new bool[mark + 1];
        (stops[mark], stops[EndOfText]) = (true, true);
        SampledReply[] replies = Draw(sampler, [new(prompt, 40, 7, stops), new(prompt, first, 7, stops), new(prompt, 40, 7)], Greedy).Replies;
        Assert.Equal(tokens[..(first + 1)], replies[0].Tokens.ToArray());
        Assert.Equal((false, true), (replies[0].Ended, replies[0].Stopped));
        Assert.Equal((first, false, false), (replies[1].Count, replies[1].Ended, replies[1].Stopped));
        Same([whole], [replies[2]]);
        int[] longer = [.. prompt, .. replies[0].Tokens];
        Assert.Equal(tokens[first + 1], Draw(sampler, [new(longer, 1, 7)], Greedy, reuse: true).Replies[0].Last);
        // End-of-text ends a reply, whatever the stops say.
        device.Upload(new float[model.Table.Head.Length], model.Params.Slice(model.Table.Head.Offset, model.Table.Head.Length));
        model.RepackWeights();
        SampledReply ended = Draw(sampler, [new(prompt, 5, 7, stops)], Greedy).Replies[0];
        Assert.Equal((1, true, false), (ended.Count, ended.Ended, ended.Stopped));
    }

    public void Dispose() => device.Dispose();
}
