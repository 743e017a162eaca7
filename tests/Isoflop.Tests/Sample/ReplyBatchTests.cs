using CsCheck;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tests.Nn;
using Xunit;

namespace Isoflop.Tests.Sample;

[Collection(nameof(Alone))]
public sealed class ReplyBatchTests : IDisposable
{
    const int EndOfText = 0, Vocab = 331;
    static readonly SamplingRule[] rules = [new(1), new(0), new(0.7f, 0, 0.9f), new(1.3f, 20)];

    readonly CpuDevice device = new(1);
    readonly Transformer model;

    public ReplyBatchTests()
    {
        model = new(device, SameBitsTests.Grouped, 200, training: false);
        model.Initialise(5);
    }

    ReplyBatch Batch(int slots, long cacheBytes = 1 << 28, int pieceRows = 0) => new(model, EndOfText, Vocab, slots, cacheBytes: cacheBytes, pieceRows: pieceRows);

    /// <summary>A request, when it joins, and when it hangs up: never (0), or after so many tokens.</summary>
    sealed class Guest(SampleRequest request, SamplingRule rule, ulong seed, int tops, bool echo, int step, int leaves)
    {
        public SampleRequest Request => request;
        public SamplingRule Rule => rule;
        public ulong Seed => seed;
        public int Step => step;
        public int Leaves => leaves;
        public SampledReply Reply { get; } = new();
        public TokenScores? Scores { get; } = tops < 0 ? null : new(echo ? 1 : request.Prompt.Length, request.Prompt.Length + request.MaxNewTokens, tops);

        /// <summary>The same, of which nothing was drawn yet.</summary>
        public Guest At(int when, bool? echoes = null) => new(request, rule, seed, tops, echoes ?? echo, when, leaves);
    }

    static readonly int[] trunk = [.. Enumerable.Range(0, 120).Select(i => i * 37 % 330 + 1)];

    static readonly Gen<Guest> guests =
        from shared in Gen.Int[0, 100]
        from own in Gen.Int[1, 330].Array[0, 30]
        from most in Gen.Int[0, 20]
        from rule in Gen.Int[0, 3]
        from seed in Gen.ULong[0, 2]
        from stream in Gen.Int[0, 2]
        from tops in Gen.Int[-1, 3]
        from echo in Gen.Bool
        from step in Gen.Int[0, 30]
        from leaves in Gen.Int[0, 8]
        let prompt = (int[])[EndOfText, .. trunk[..shared], .. own]
        select new Guest(new(prompt, tops < 0 ? most + 1 : most, stream, null, prompt.Length), rules[rule], seed, tops, echo, step, leaves > 6 ? leaves : 0);

    static void Play(ReplyBatch batch, IReadOnlyList<Guest> all)
    {
        var slots = new Dictionary<int, Guest>();
        var waiting = new Queue<Guest>(all.OrderBy(g => g.Step));
        for (int step = 0; waiting.Count + slots.Count > 0; step++)
        {
            Assert.InRange(step, 0, 5000);
            while (waiting.TryPeek(out Guest? next) && next.Step <= step && batch.Join(next.Request, next.Rule, next.Seed, next.Reply, next.Scores) is >= 0 and int slot)
                slots.Add(slot, waiting.Dequeue());
            int before = batch.Count, left = batch.Step();
            Assert.Equal(before - left, batch.Count);
            foreach ((int at, Guest guest) in slots.ToArray())
            {
                if (guest.Leaves > 0 && guest.Reply.Count >= guest.Leaves) batch.Leave(at);
                if (!batch.IsUnderWay(at)) slots.Remove(at);
            }
        }
        Assert.Equal(0, batch.Count);
    }

    static void Same(Guest expected, Guest actual)
    {
        Assert.Equal(expected.Reply.Tokens.ToArray(), actual.Reply.Tokens.ToArray());
        Assert.Equal(expected.Reply.LogProbs.ToArray(), actual.Reply.LogProbs.ToArray());
        Assert.Equal((expected.Reply.Ended, expected.Reply.Stopped), (actual.Reply.Ended, actual.Reply.Stopped));
        if (expected.Scores is not { } scores) return;
        for (int place = scores.From; place < expected.Request.Prompt.Length + expected.Reply.Count; place++)
        {
            Assert.Equal(scores[place], actual.Scores![place]);
            for (int rank = 0; rank < scores.Tops; rank++) Assert.Equal(scores.Top(place, rank), actual.Scores.Top(place, rank));
        }
    }

    [Fact]
    public void A_request_alone_is_the_same_in_any_company_joined_at_any_time_left_by_anybody()
    {
        ReplyBatch alone = Batch(1);
        (Gen.Int[1, 9].Select(guests.Array[1, 24])).Sample(
            (slots, party) =>
            {
                foreach (ReplyBatch batch in (ReplyBatch[])[Batch(slots), Batch(slots, cacheBytes: 0), Batch(slots, pieceRows: 7)])
                {
                    Guest[] together = [.. party.Select(g => g.At(g.Step))];
                    batch.Begin(reuse: false);
                    Play(batch, together);
                    foreach (Guest guest in together)
                    {
                        Guest single = guest.At(0);
                        alone.Begin(reuse: false);
                        Play(alone, [single]);
                        Same(single, guest);
                    }
                    batch.Dispose();
                }
            }, iter: 40, threads: 1);
    }

    [Fact]
    public void Scores_are_the_trainers_to_the_bit_and_the_likeliest_are_those_of_the_whole_distribution()
    {
        using var batch = Batch(3, pieceRows: 11);
        int[] prompt = [EndOfText, .. trunk[..90]];
        var guest = new Guest(new(prompt, 12, 1), new(1), 4, 5, true, 0, 0);
        Play(batch, [guest, guest.At(3), guest.At(0, echoes: false)]);
        int[] text = [.. prompt, .. guest.Reply.Tokens];
        var training = new Transformer(device, model.Config, 200, training: true);
        training.Initialise(5);
        var read = new Batch(200, 4);
        read.BeginSequence();
        for (int t = 0; t + 1 < text.Length; t++) read.Add(text[t], text[t + 1], 1);
        var nll = new float[read.Rows];
        training.Nll(read, nll);
        Assert.Equal(nll.Select(x => -x), Enumerable.Range(1, text.Length - 1).Select(p => guest.Scores![p]));
        for (int place = 1; place < text.Length; place++)
        {
            // The same text with every token in that place: the best five of them all.
            if (place % 25 != 1) continue;
            var ranked = new List<(int Token, float LogProb)>();
            for (int token = 0; token < Vocab; token++)
            {
                var one = new Batch(200, 4);
                one.BeginSequence();
                for (int t = 0; t < place; t++) one.Add(text[t], t + 1 < place ? text[t + 1] : token, 1);
                var last = new float[one.Rows];
                training.Nll(one, last);
                ranked.Add((token, -last[^1]));
            }
            Assert.Equal(ranked.OrderByDescending(r => r.LogProb).ThenBy(r => r.Token).Take(5), Enumerable.Range(0, 5).Select(r => guest.Scores!.Top(place, r)));
        }
    }

    [Fact]
    public void Steps_allocate_nothing_while_replies_join_and_leave()
    {
        using var batch = Batch(6, pieceRows: 16);
        Guest[] party = [.. Enumerable.Range(0, 12).Select(i => new Guest(new([EndOfText, .. trunk[..(i * 7)]], 20, i), rules[i % 4], (ulong)i / 3, i % 4, i % 2 == 0, 0, 0))];
        Run();
        batch.Begin(reuse: true);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Run();
        Assert.Equal(0, GC.GetTotalAllocatedBytes(precise: true) - before);

        void Run()
        {
            for (int begun = 0; begun < party.Length || batch.Count > 0; batch.Step())
            {
                while (begun < party.Length && batch.Join(party[begun].Request, party[begun].Rule, party[begun].Seed, party[begun].Reply, party[begun].Scores) >= 0) begun++;
                if (begun == 9) batch.Leave(2);
            }
        }
    }

    [Fact]
    public void A_long_prompt_is_read_in_pieces_and_holds_up_nobody_who_writes()
    {
        using var batch = Batch(4, pieceRows: 8);
        SampledReply writer = new(), reader = new();
        batch.Join(new([EndOfText, 5], 60, 0), new(0), 1, writer);
        batch.Step();
        Assert.Equal(1, writer.Count);
        batch.Join(new([EndOfText, .. trunk[..79]], 3, 1), new(0), 1, reader);
        for (int step = 1; step <= 10; step++)
        {
            Assert.Equal(0, reader.Count);
            batch.Step();
            Assert.Equal(1 + step, writer.Count);
        }
        Assert.Equal(1, reader.Count);
        Assert.Equal(2 + 80 + 10, batch.Spent.Tokens);
    }

    [Fact]
    public void Prompts_wait_for_no_more_than_a_turn_of_the_others()
    {
        // Slot 0 is refilled as often as it is free; the prompt behind it is read all the same.
        using var batch = Batch(2, pieceRows: 8);
        SampledReply long_ = new(), brief = new();
        Assert.Equal(0, batch.Join(new([EndOfText, .. trunk[..15]], 1, 0), new(0), 1, brief));
        Assert.Equal(1, batch.Join(new([EndOfText, .. trunk[40..119]], 1, 0), new(0), 1, long_));
        int steps = 0;
        for (; long_.Count == 0 && steps < 100; steps++)
        {
            batch.Step();
            if (!batch.IsUnderWay(0)) batch.Join(new([EndOfText, .. trunk[(steps % 50)..(steps % 50 + 15)]], 1, 0), new(0), 1, brief);
        }
        Assert.InRange(steps, 1, 40);
    }

    public void Dispose() => device.Dispose();
}
