using System.Collections.Concurrent;
using System.IO.Hashing;
using Isoflop.Kernels;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class RanksTests
{
    /// <summary>Ranks that are threads of this process.</summary>
    sealed class Threads(int rank, Board board) : Ranks
    {
        public override int Rank => rank;
        public override int Count => board.Count;
        public override bool MayTalkBeside => board.Beside;

        protected override unsafe void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner)
        {
            board.Pipes[rank, partner].Add(new ReadOnlySpan<byte>((void*)give, (int)givenBytes).ToArray());
            Assert.True(board.Pipes[partner, rank].TryTake(out byte[]? theirs, TimeSpan.FromSeconds(60)), $"rank {rank} waits for {partner}");
            Assert.Equal(takenBytes, theirs.Length);
            theirs.CopyTo(new Span<byte>((void*)take, (int)takenBytes));
        }
    }

    sealed class Board
    {
        public Board(int count, bool beside = true)
        {
            (Count, Beside, Pipes) = (count, beside, new BlockingCollection<byte[]>[count, count]);
            for (int i = 0; i < count * count; i++) Pipes[i / count, i % count] = [];
        }

        public int Count { get; }
        public bool Beside { get; }
        public BlockingCollection<byte[]>[,] Pipes { get; }
    }

    static RunConfig Config(TinyHome home, int steps = 8, string extra = "model.tied_head=false") => Isoflop.Train.Config.Load(null, "corpus=tiny", "name=r", "model.d_model=16",
        "model.n_layer=2", "model.n_head=2", "model.context_len=16", $"train.steps={steps}", "train.batch_tokens=256", "train.shards=8", "save.every=4", extra);

    static void Train(TinyHome home, int ranks, RunConfig config, CancellationToken stop = default, int stopped = -1, bool beside = true)
    {
        var board = new Board(ranks, beside);
        Exception? wrong = null;
        Thread[] threads = [.. Enumerable.Range(0, ranks).Select(r => new Thread(() =>
        {
            try
            {
                Trainer.Train(config, new Workspace(home.Path)
                {
                    Threads = 1,
                    Ranks = ranks == 1 ? null : new Threads(r, board),
                    Stop = r == stopped ? stop : default,
                });
            }
            catch (Exception e)
            {
                wrong = e;
            }
        }, 16 << 20))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.Null(wrong);
    }

    /// <summary>Weights, moments, and every row but what it says of time.</summary>
    static string BitsOf(TinyHome home, int step)
    {
        string folder = home.RunPath("r"), at = Path.Combine(folder, Checkpoint.NameOf(step));
        return string.Join('\n', RunFolder.ReadSteps(folder).Select(r => $"{r.Step} {r.Loss:R} {r.GradNorm:R} {r.Tokens}")
            .Concat(RunFolder.ReadValid(folder).Select(v => $"{v.Step} {v.Loss:R}"))
            .Append(Convert.ToHexString(XxHash128.Hash(File.ReadAllBytes(Path.Combine(at, "model.safetensors")))))
            .Append(Convert.ToHexString(XxHash128.Hash(File.ReadAllBytes(Path.Combine(at, "optimizer.safetensors"))))));
    }

    [Theory]
    [InlineData("model.tied_head=false"), InlineData("model.tied_head=true"), InlineData("train.optimizer=muon")]
    public void One_two_four_and_eight_ranks_give_the_same_bits(string extra)
    {
        using var alone = new TinyHome();
        Train(alone, 1, Config(alone, extra: extra));
        string want = BitsOf(alone, 8);
        foreach (int ranks in (int[])[2, 4, 8])
        {
            using var home = new TinyHome();
            Train(home, ranks, Config(home, extra: extra), beside: ranks != 4);
            Assert.Equal(want, BitsOf(home, 8));
        }
    }

    /// <summary>A slab of three buckets, and a part of one: every rank ends with its parts of the tree's sum, and then with all.</summary>
    [Theory]
    [InlineData(2), InlineData(4), InlineData(8)]
    public void Parts_of_a_slab_are_summed_as_a_tree_gathered_and_collected(int count)
    {
        const int length = 3 * 64 * 16_384 + 40_000;
        using IDevice device = Devices.Open("cpu", 1);
        using var memory = new DeviceMemory(device);
        DeviceSpan<float>[] slabs = [.. Enumerable.Range(0, count).Select(_ => memory.Allocate<float>(length))];
        float[][] values = [.. Enumerable.Range(0, count).Select(r => Enumerable.Range(0, length).Select(i => 1f / (1 + (i * 31 + r * 977) % 4099)).ToArray())];
        float[] want = [.. values[0]], all = new float[length];
        for (int i = 0; i < length; i++)
        {
            float[] tree = [.. values.Select(v => v[i])];
            for (int step = 1; step < count; step *= 2)
                for (int r = 0; r < count; r += 2 * step) tree[r] += tree[r + step];
            want[i] = tree[0];
        }
        var board = new Board(count);
        long most = 0, sum = 0;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(r => new Thread(() =>
        {
            var ranks = new Threads(r, board);
            var parts = new SlabParts(length, count, r);
            DeviceSpan<float> own = default, room;
            lock (memory) (own, room) = (memory.Allocate<float>(parts.OwnLength), memory.Allocate<float>(parts.Bucket / 2));
            device.Upload<float>(values[r], slabs[r]);
            for (int b = parts.Buckets; b-- > 0;) ranks.Sum(device, slabs[r], room, parts, b);
            foreach (SlabParts.Stretch s in parts.Own) device.Copy(slabs[r].Slice(s.Offset, s.Length), own.Slice(s.At, s.Length));
            for (int at = 0; at < length; at += 100_000)
                ranks.Collect(device, own, parts, at, r == 0 ? all.AsSpan(at, Math.Min(100_000, length - at)) : new float[Math.Min(100_000, length - at)]);
            ranks.Gather(device, slabs[r], parts);
            lock (memory) (most, sum) = (Math.Max(most, parts.OwnLength), sum + parts.OwnLength);
        }))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.Equal(want, all);
        foreach (DeviceSpan<float> slab in slabs)
        {
            device.Download(slab, all);
            Assert.Equal(want, all);
        }
        Assert.Equal(length, sum);
        Assert.Equal(most, new SlabParts(length, count).Most);
        Assert.InRange(most, length / count, length / count + 4 * 16_384);      // a chunk a bucket
    }

    [Fact]
    public void Any_rank_may_be_asked_to_stop_and_a_run_goes_on_with_other_ranks()
    {
        using TinyHome alone = new(), home = new();
        Train(alone, 1, Config(alone, 30));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Train(home, 4, Config(home, 30), stop.Token, stopped: 3);                  // at once
        Assert.Equal([0], Checkpoint.StepsIn(home.RunPath("r")));
        using var later = new CancellationTokenSource(50);
        Train(home, 8, Config(home, 30), later.Token, stopped: 5);
        Train(home, 2, Config(home, 30));
        Assert.Equal(BitsOf(alone, 30), BitsOf(home, 30));
    }

    /// <summary>A rank that errs the same way every time is found, since its neighbour computes the step's second time.</summary>
    [Fact]
    public void A_rank_that_always_errs_disagrees_with_its_neighbour()
    {
        using TinyHome alone = new(), home = new();
        Train(alone, 1, Config(alone, 8));
        Train(home, 4, Config(home, 8, "train.check_every=3"));
        Assert.Equal(BitsOf(alone, 8).Split('\n')[..8], BitsOf(home, 8).Split('\n')[..8]);
        using var bad = new TinyHome();
        var board = new Board(2);
        string[] said = new string[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(r => new Thread(() => said[r] = Assert.Throws<DataException>(() => Trainer.Train(
            Config(bad, 8, "train.check_every=3"), new(bad.Path) { Threads = 1, Ranks = new Threads(r, board), Seams = r == 1 ? new Errs() : null })).Message, 16 << 20))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.All(said, s => Assert.Contains("step 3: computed twice, it has other bits each time", s));
    }

    /// <summary>What the second rank takes for its own shards' targets is wrong, always.</summary>
    sealed class Errs : Seams
    {
        public override void Batch(long index, Span<int> targets, Span<float> weights) => targets[targets.Length - 1] ^= 1;
    }

    [Fact]
    public void Ranks_that_do_not_divide_the_shards_are_said()
    {
        using var home = new TinyHome();
        ConfigException wrong = Assert.Throws<ConfigException>(() => Trainer.Train(Config(home), new(home.Path) { Ranks = new Sixteen() }));
        Assert.Contains("train.shards=8", wrong.Message);
    }

    sealed class Sixteen : Ranks
    {
        public override int Rank => 0;
        public override int Count => 16;
        protected override void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner) { }
    }
}
