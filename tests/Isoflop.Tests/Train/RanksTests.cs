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

        protected override unsafe void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner)
        {
            board.Given[rank] = new ReadOnlySpan<byte>((void*)give, (int)givenBytes).ToArray();
            board.Meet.SignalAndWait();
            Assert.Equal(takenBytes, board.Given[partner].Length);
            board.Given[partner].CopyTo(new Span<byte>((void*)take, (int)takenBytes));
            board.Meet.SignalAndWait();
        }
    }

    sealed class Board(int count)
    {
        public int Count => count;
        public byte[][] Given { get; } = new byte[count][];
        public Barrier Meet { get; } = new(count);
    }

    static RunConfig Config(TinyHome home, int steps = 8, string extra = "model.tied_head=false") => Isoflop.Train.Config.Load(null, "corpus=tiny", "name=r", "model.d_model=16",
        "model.n_layer=2", "model.n_head=2", "model.context_len=16", $"train.steps={steps}", "train.batch_tokens=256", "train.shards=8", "save.every=4", extra);

    static void Train(TinyHome home, int ranks, RunConfig config, CancellationToken stop = default, int stopped = -1)
    {
        var board = new Board(ranks);
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
                board.Meet.RemoveParticipant();
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
            Train(home, ranks, Config(home, extra: extra));
            Assert.Equal(want, BitsOf(home, 8));
        }
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
