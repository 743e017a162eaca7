using Isoflop.Lab.Corpora;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Tasks;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Rl;

public sealed class DemonstrationsTests
{
    const int End = 0, Context = 16;
    static readonly Tokenizer bytes = BpeTrainer.Train([], 248);

    [Fact]
    public void No_document_crosses_a_window_and_all_of_them_are_there()
    {
        var rng = new Rng(2, RandomPurpose.Test);
        var rows = new PackedRows(Context, End);
        List<int[]> documents = [];
        for (int i = 0; i < 200; i++)
        {
            int[] document = [.. Enumerable.Range(0, 2 + rng.NextInt(13)).Select(_ => 1 + rng.NextInt(9))];
            documents.Add(document);
            Assert.True(rows.Add([(document[..1], 0), (document[1..], 1)], i % 3, 1));
        }
        Assert.False(rows.Add([(new int[Context], 1)], 0, 1));
        MadeSide side = rows.Side();
        int begin = 1;
        List<int[]> found = [];
        for (int i = 0; i < side.Tokens.Length; i++)
        {
            if (side.Tokens[i] != End) continue;
            if (i > begin)
            {
                found.Add(side.Tokens[begin..i]);
                Assert.Equal((begin - 1) / Context, (i - 1) / Context);             // its inputs: the end before it … its last token
                Assert.Equal(0, side.Weights![begin]);
                Assert.All(side.Weights[(begin + 1)..(i + 1)], w => Assert.Equal(1, w));
            }
            else if (i > 0) Assert.Equal(0, side.Weights![i]);
            begin = i + 1;
        }
        Assert.Equal(documents, found);
        Assert.Equal(side.Tokens.Length, side.Tags.Sum(t => t.Count));
        Assert.Equal(side.Tokens.Length, side.Weights!.Length);
    }

    [Theory]
    [InlineData(Trace.Filler)]
    [InlineData(Trace.Corrupted)]
    public void Controls_have_the_length_and_the_answer_of_the_proof_and_say_nothing_of_it(Trace trace)
    {
        MadeSide proof = Made(Trace.Proof), control = Made(trace);
        Assert.Equal(proof.Tokens.Length, control.Tokens.Length);
        string[] a = Replies(proof), b = Replies(control);
        Assert.Equal(a.Length, b.Length);
        foreach ((string real, string fake) in a.Zip(b))
        {
            Reply r = Reply.Parse(real)!.Value, f = Reply.Parse(fake)!.Value;
            Assert.Equal((r.Answer, r.Thought.Length), (f.Answer, f.Thought.Length));
            if (trace == Trace.Filler) Assert.True(f.Thought.All(c => c == '.'));
        }
        // Twelve bits of another item agree with all of one's own once in thousands.
        if (trace == Trace.Corrupted) Assert.True(a.Zip(b).Count(p => p.First == p.Second) < 5);

        MadeSide Made(Trace t) => Demonstrations.Of(new() { Name = "x", Tasks = ["parity:2"], Think = 1, Items = 100, Trace = t },
            new(["parity:2"]), bytes, 64, Split.Train);
        static string[] Replies(MadeSide side) => [.. bytes.Decode([.. side.Tokens.Where((t, i) => side.Weights![i] > 0)
            .Select(t => t == bytes.EndOfText ? bytes.Encode("\n")[0] : t)]).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    [Fact]
    public void Every_window_has_something_to_learn()
    {
        for (int items = 1; items < 40; items++)
        {
            MadeSide side = Demonstrations.Of(new() { Name = "x", Tasks = ["parity:1"], Items = items }, new(["parity:1"]), bytes, 64, Split.Train);
            Assert.Equal(0, (side.Tokens.Length - 1) % 64);
            for (int w = 0; w < (side.Tokens.Length - 1) / 64; w++)
                Assert.True(side.Weights.AsSpan(w * 64 + 1, 64).ContainsAnyExcept(0), $"{items} items, window {w}");
        }
    }

    /// <summary>A user's own family, with a hole.</summary>
    sealed class Odd : TaskFamily
    {
        public override string Name => "odd";
        public override string Group => "serial";
        public override string Summary => "";
        public override int Levels => 1;
        public override double Chance(int level) => 0;
        protected override string Symbols => "ab";
        protected override Draft? Draw(int level, ref Rng rng) => new("a", "b");
        public override string Solve(TaskItem item) => "b";
        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new("", "b");
        protected override bool IsRight(TaskItem item, string answer)
        {
            if (answer == "throw") throw new InvalidOperationException("hole");
            while (answer == "hang") Thread.Sleep(10);
            return answer == "b";
        }
    }

    [Fact]
    public void A_judge_that_throws_or_hangs_pays_nothing_and_the_others_are_judged()
    {
        var odd = new Odd();
        var item = new TaskItem("odd", 1, "a", "b");
        string[] replies = [">b", ">throw", ">b", ">hang", ">no", ">b"];
        Judgement[] verdicts = Judge.Of([.. replies.Select(r => ((TaskFamily)odd, item, r))], limit: TimeSpan.FromMilliseconds(300));
        Assert.Equal([1, 0, 1, 0, 0, 1], verdicts.Select(v => v.Reward));
        Assert.Equal([false, true, false, true, false, false], verdicts.Select(v => v.Fault is not null));
        Assert.Contains("hole", verdicts[1].Fault!, StringComparison.Ordinal);
        Assert.Contains("no verdict within", verdicts[3].Fault!, StringComparison.Ordinal);
    }

    /// <summary>Half for what is right and long; throws for "boom".</summary>
    sealed class Brief : IReward
    {
        public string Name => "brief-here";
        public string Says => "";
        public double Of(TaskFamily family, TaskItem item, string reply) =>
            reply == ">boom" ? throw new InvalidOperationException("hole") : reply == ">2" ? 2
            : family.Reward(item, reply) * (reply.Length <= 4 ? 1 : 0.5);
    }

    [Fact]
    public void A_reward_of_ones_own_takes_the_verifiers_place()
    {
        Rewards.Register(new Brief());
        IReward brief = Rewards.Find("brief-here");
        var item = new TaskItem("odd", 1, "a", "b");
        (TaskFamily, TaskItem, string)[] replies = [.. ((string[])[">b", "<aaaa>b", ">no", ">boom", ">2"]).Select(r => ((TaskFamily)new Odd(), item, r))];
        Judgement[] own = Judge.Of(replies, brief);
        Assert.Equal([1, 0.5, 0, 0, 0], own.Select(v => v.Reward));
        Assert.Equal([false, false, false, true, true], own.Select(v => v.Fault is not null));
        Assert.Equal([1.0, 1, 0, 0, 0], Judge.Of(replies, Rewards.Find("verifier")).Select(v => v.Reward));
        Assert.Equal(Judge.Of(replies), Judge.Of(replies, Rewards.Default));
        Assert.Contains("has that name", Assert.Throws<ConfigException>(() => Rewards.Register(new Brief())).Message);
        Assert.Contains("there are: verifier", Assert.Throws<ConfigException>(() => Rewards.Find("kindness")).Message);
    }

    [Fact]
    public void A_family_with_more_patience_is_waited_for()
    {
        // Its verdicts take longer than the usual limit, all together and each.
        var slow = new Slow();
        var item = new TaskItem("slow", 1, "a", "b");
        Assert.All(Judge.Of([.. Enumerable.Repeat((slow as TaskFamily, item, ">b"), 3)]), v => Assert.Equal(new Judgement(1, null), v));
        Assert.Throws<DataException>(() => Judge.Of([(new Failing(), item, ">b")]));
    }

    class Slow : TaskFamily
    {
        public override string Name => "slow";
        public override string Summary => "";
        public override int Levels => 1;
        public override double Chance(int level) => 0;
        public override TimeSpan VerdictLimit => TimeSpan.FromMinutes(2);
        protected override string Symbols => "ab";
        protected override Draft? Draw(int level, ref Rng rng) => new("a", "b");
        public override string Solve(TaskItem item) => "b";
        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new("", "b");
        protected override double Score(TaskItem item, Reply reply)
        {
            Thread.Sleep(800);
            return 1;
        }
    }

    sealed class Failing : Slow
    {
        public override TimeSpan VerdictLimit => Timeout.InfiniteTimeSpan;
        protected override double Score(TaskItem item, Reply reply) => throw new DataException("its program ended");
    }
}
