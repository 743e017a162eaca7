using System.Text;
using Isoflop.Lab.Baselines;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Baselines;

public class BaselinesTests
{
    const int Eot = 3;

    /// <summary>Documents of a small random language: some tokens frequent, some following each other.</summary>
    static ushort[] Stream(int length, int vocabSize, int seed)
    {
        var random = new Random(seed);
        var tokens = new ushort[length];
        int last = Eot;
        for (int i = 0; i < length; i++)
        {
            double u = random.NextDouble();
            last = random.Next(12) == 0 ? Eot : random.Next(3) == 0 ? (last * 7 + 1) % vocabSize : (int)(u * u * u * vocabSize);
            tokens[i] = (ushort)last;
        }
        tokens[^1] = Eot;
        return tokens;
    }

    /// <summary>The definition, with n-grams written out as text: slow, and independent of the tables.</summary>
    sealed class Definition
    {
        readonly Dictionary<string, int>[] adjusted;
        readonly double[][] discounts;
        readonly int order, vocabSize;

        static string Name(IEnumerable<int> tokens) => string.Join(' ', tokens);

        public Definition(ushort[] stream, int order, int vocabSize)
        {
            (this.order, this.vocabSize) = (order, vocabSize);
            List<List<int>> documents = [[Eot]];
            foreach (ushort token in stream)
            {
                documents[^1].Add(token);
                if (token == Eot) documents.Add([Eot]);
            }
            adjusted = new Dictionary<string, int>[order + 1];
            for (int n = 1; n <= order; n++)
            {
                Dictionary<string, int> counts = adjusted[n] = [];
                Dictionary<string, HashSet<int>> before = [];
                foreach (List<int> document in documents)
                    for (int end = n == 1 ? 2 : n; end <= document.Count; end++)              // the start mark is no unigram
                    {
                        string gram = Name(document.Skip(end - n).Take(n));
                        counts[gram] = counts.GetValueOrDefault(gram) + 1;
                        if (end == n) continue;                   // nothing stands before
                        if (!before.ContainsKey(gram)) before[gram] = [];
                        before[gram].Add(document[end - n - 1]);
                    }
                if (n < order)
                    foreach ((string gram, HashSet<int> set) in before) counts[gram] = set.Count;
            }
            discounts = [.. adjusted.Select(a => a is null ? [] : KneserNey.DiscountsOf(
                [0, .. Enumerable.Range(1, 4).Select(c => a.Values.LongCount(v => v == c))]))];
        }

        public double Probability(IEnumerable<int> document, int token) =>
            Probability([.. new[] { Eot }.Concat(document).TakeLast(order - 1)], token, order);

        double Probability(int[] context, int token, int n)
        {
            if (n > context.Length + 1) return Probability(context, token, context.Length + 1);
            double lower = n == 1 ? 1.0 / vocabSize : Probability(context[1..], token, n - 1);
            int[] all = [.. Enumerable.Range(0, vocabSize).Select(w => adjusted[n].GetValueOrDefault(Name([.. context, w])))];
            double total = all.Sum();
            if (total == 0) return lower;
            double Discount(int count) => discounts[n][Math.Min(count, 3)];
            return (all[token] - Discount(all[token]) + all.Sum(Discount) * lower) / total;
        }
    }

    [Fact]
    public void Bigram_equals_what_a_hand_computes()
    {
        // One document "0 1", four tokens in all. Every count is 1, so the discounts are the fallback's, 0.5.
        // p1(0) = p1(1) = p1(3) = (1 − 0.5 + 1.5/4)/3 = 7/24, p1(2) = 1.5/4/3 = 1/8;
        // after any token seen once, p = (c − D + 0.5·p1)/1.
        var model = KneserNey.Train([0, 1, Eot], 2, vocabSize: 4, Eot);
        Assert.Equal(0.5 + 0.5 * 7 / 24, model.Probability([], 0), 1e-15);
        Assert.Equal(0.5 / 8, model.Probability([], 2), 1e-15);
        Assert.Equal(0.5 * 7 / 24, model.Probability([0], 0), 1e-15);
        Assert.Equal(7 / 24.0, model.Probability([2], 0), 1e-15);                                 // a context never seen
        double seen = 0.5 + 0.5 * 7 / 24;
        Assert.Equal(-3 * Math.Log(seen), model.Nats([0, 1, Eot]), 1e-14);
        // The second document starts afresh: its 2 follows the start, not the 1 before.
        Assert.Equal(-Math.Log(seen) - Math.Log(0.5 * 7 / 24) - Math.Log(0.5 / 8), model.Nats([0, Eot, 2]), 1e-14);
    }

    [Fact]
    public void Discounts_follow_the_counts_of_counts()
    {
        Assert.Equal([0, 0.5, 1.25, 2], KneserNey.DiscountsOf([0, 8, 4, 2, 1]));                  // Y = 8/16
        Assert.Equal([0, 0.5, 1, 1.5], KneserNey.DiscountsOf([0, 8, 4, 0, 1]));                   // no threes
        Assert.Equal([0, 0.5, 1, 1.5], KneserNey.DiscountsOf([0, 1, 4, 90, 1]));                  // D2 = 2 − 3·90/4/9 < 0
        Assert.Equal([0, 0.5, 1, 1.5], KneserNey.DiscountsOf([0, 6, 3, 4, 1]));                   // D2 = 2 − 3·4/3/2 = 0
        Assert.Equal([0, 0.5, 1, 1.5], KneserNey.DiscountsOf([0, 0, 0, 0, 0]));
    }

    [Theory]
    [InlineData(2, 30, 3000), InlineData(3, 30, 3000), InlineData(5, 12, 3000), InlineData(5, 40, 60), InlineData(4, 5, 8)]
    public void Probabilities_equal_the_definition(int order, int vocabSize, int length)
    {
        ushort[] train = Stream(length, vocabSize, seed: order), valid = Stream(60, vocabSize, seed: 99);
        var model = KneserNey.Train(train, order, vocabSize, Eot);
        var definition = new Definition(train, order, vocabSize);
        double nats = 0;
        List<int> document = [];
        foreach (ushort token in valid)
        {
            double expected = definition.Probability(document, token);
            Assert.Equal(expected, model.Probability([.. document.Select(t => (ushort)t)], token), 1e-13);
            nats -= Math.Log(expected);
            document.Add(token);
            if (token == Eot) document.Clear();
        }
        Assert.Equal(nats, model.Nats(valid), 1e-10 * nats);
    }

    [Theory]
    [InlineData(2), InlineData(5)]
    public void Probabilities_sum_to_one_after_any_context(int order)
    {
        const int V = 500;
        var model = KneserNey.Train(Stream(20_000, V, seed: 1), order, V, Eot);
        var random = new Random(2);
        for (int trial = 0; trial < 100; trial++)
        {
            int upTo = trial % 2 == 0 ? 20 : V;                   // frequent tokens, or any
            int[] drawn = [.. Enumerable.Range(0, random.Next(8)).Select(_ => random.Next(upTo))];
            ushort[] context = [.. drawn.Where(t => t != Eot).Select(t => (ushort)t)];
            double sum = 0;
            for (int token = 0; token < V; token++) sum += model.Probability(context, (ushort)token);
            Assert.Equal(1, sum, 1e-9);
        }
    }

    [Fact]
    public void Longer_contexts_help_where_text_repeats()
    {
        ushort[] train = [.. Enumerable.Repeat<ushort[]>([5, 6, 7, 5, 6, 8, 9, Eot], 200).SelectMany(d => d)];
        double two = KneserNey.Train(train, 2, 16, Eot).Nats(train) / train.Length;
        double five = KneserNey.Train(train, 5, 16, Eot).Nats(train) / train.Length;
        Assert.InRange(five, 0, 0.05);
        // After 6 stands 7 or 8, a bit each: a quarter of the tokens at ln 2. And 5 follows a 7 or the start.
        Assert.InRange(two, 0.25 * Math.Log(2), 0.25 * Math.Log(2) + 0.05);
    }

    [Fact]
    public void Every_baseline_is_measured_on_the_same_bytes()
    {
        const int V = 64;
        ushort[] train = Stream(5000, V, seed: 4), valid = Stream(1000, V, seed: 5);
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(valid.Where(t => t != Eot).Select(t => (char)(' ' + t) + "x")));
        List<string> announced = [];
        IReadOnlyList<Baseline> baselines = Lab.Baselines.Baselines.Measure(train, valid, V, Eot, text, new Workspace().Reporting(p => announced.Add(p.Note)));
        string[] names = ["unigram, add-one", "bigram, Kneser-Ney", "5-gram, Kneser-Ney", "gzip -9", "zstd -22, long window"];
        Assert.Equal(names, announced);
        Assert.Equal(announced, baselines.Select(b => b.Name));
        foreach (Baseline baseline in baselines.Take(3))
            Assert.Equal(baseline.NatsPerToken!.Value * valid.Length / Math.Log(2) / text.Length, baseline.BitsPerByte, 1e-12);
        Assert.All(baselines.Skip(3), b => Assert.Null(b.NatsPerToken));
        Assert.True(baselines[1].NatsPerToken < baselines[0].NatsPerToken);
        Assert.All(baselines, b => Assert.InRange(b.Seconds, 0, 60));
    }

    [Fact]
    public void Unigram_is_add_one()
    {
        // 0 twice, 3 once, V = 5: p(0) = 3/8, p(4) = 1/8
        Assert.Equal(-Math.Log(3 / 8.0) - Math.Log(1 / 8.0), Lab.Baselines.Baselines.UnigramNats([0, 0, Eot], [0, 4], 5), 1e-14);
    }

    [Fact]
    public void Zstd_sees_far_repeats_and_gzip_does_not()
    {
        byte[] noise = new byte[3_000_000];
        new Random(6).NextBytes(noise);
        byte[] twice = [.. noise, .. noise];
        Assert.InRange(Lab.Baselines.Baselines.ZstdBytes(twice), 3_000_000, 3_010_000);             // found 3 MB back
        Assert.InRange(Lab.Baselines.Baselines.GzipBytes(twice), 6_000_000, 6_010_000);             // its window is 32 KB
        Assert.InRange(Lab.Baselines.Baselines.GzipBytes(new byte[100_000]), 20, 200);
    }

    [Fact]
    public void No_text_is_refused()
    {
        static string Refusal(ushort[] train, ushort[] valid, byte[] text) =>
            Assert.Throws<DataException>(() => Lab.Baselines.Baselines.Measure(train, valid, 4, Eot, text, new())).Message;
        Assert.Contains("no held-out text", Refusal([1], [], [65]));
        Assert.Contains("no held-out text", Refusal([1], [1], []));
        Assert.Contains("no training text", Refusal([], [1], [65]));
    }
}
