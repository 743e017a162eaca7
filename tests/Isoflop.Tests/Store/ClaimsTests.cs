using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class ClaimsTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-claims-").FullName;
    readonly Clock clock = new();
    readonly List<Worker> workers = [];

    /// <summary>Time as the test says it is; nobody gives a sign of life unless it is told to.</summary>
    sealed class Clock : TimeProvider
    {
        public long Seconds;
        public readonly List<Action> Pulses = [];
        public override long GetTimestamp() => Interlocked.Read(ref Seconds) * TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (Pulses) Pulses.Add(() => callback(state));
            return new None();
        }

        sealed class None : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;
            public void Dispose() { }
            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }

    Claims Board(string name, ClaimRules? rules = null, string bits = "bits")
    {
        var worker = new Worker(folder, name, bits, TimeSpan.FromSeconds(3), clock);
        workers.Add(worker);
        return new(worker, 2, rules ?? new(TimeSpan.FromSeconds(30)), clock);
    }

    static ClaimAnswer Ask(Claims board, string piece, out Claim? claim, bool done = false)
    {
        board.Look();
        return board.Try(piece, () => done, out claim);
    }

    [Fact]
    public void A_piece_has_one_worker_however_many_ask_at_once()
    {
        const int Workers = 8, Pieces = 60;
        Claims[] boards = [.. Enumerable.Range(0, Workers).Select(i => Board($"w{i}"))];
        int[] won = new int[Pieces];
        using var start = new Barrier(Workers);
        Thread[] threads = [.. boards.Select((board, w) => new Thread(() =>
        {
            start.SignalAndWait();
            for (int p = 0; p < Pieces; p++)
                if (board.Try($"piece.{(p + 7 * (w % 2)) % Pieces}", () => false, out _) == ClaimAnswer.Won)
                    Interlocked.Increment(ref won[(p + 7 * (w % 2)) % Pieces]);
        }))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.All(won, w => Assert.Equal(1, w));
    }

    [Fact]
    public void A_silent_worker_loses_its_piece_after_the_lease_and_learns_it_at_its_fence()
    {
        Claims a = Board("a"), b = Board("b");
        Foreign("a");
        Assert.Equal(ClaimAnswer.Won, Ask(a, "p", out Claim? first));
        Assert.Equal(ClaimAnswer.Held, Ask(b, "p", out _));
        clock.Seconds = 30;
        Assert.Equal(ClaimAnswer.Held, Ask(b, "p", out _));              // the lease itself is still its
        first!.ThrowIfLost();
        clock.Seconds = 31;
        Assert.Equal(ClaimAnswer.Won, Ask(b, "p", out Claim? second));
        Assert.Equal((1, 2), (first.Number, second!.Number));
        second.ThrowIfLost();
        Assert.Throws<FenceLostException>(first.ThrowIfLost);
        first.End(Claim.Done);                                           // came too late: no word of it
        second.End(Claim.Done);
        Assert.EndsWith("p.000002.done", Assert.Single(Directory.GetFiles(Path.Combine(folder, "claims"), "*.done")));
    }

    [Fact]
    public void A_worker_that_gives_signs_of_life_keeps_its_piece_whatever_its_clock_says()
    {
        Claims a = Board("a"), b = Board("b");
        Assert.Equal(ClaimAnswer.Won, Ask(a, "p", out Claim? first));
        for (int i = 0; i < 20; i++)
        {
            clock.Seconds += 25;
            clock.Pulses[0]();                                          // a's heart
            Foreign("a");
            Assert.Equal(ClaimAnswer.Held, Ask(b, "p", out _));
        }
        first!.ThrowIfLost();
    }

    [Fact]
    public void One_that_is_known_to_be_gone_is_not_waited_for()
    {
        Claims a = Board("a"), b = Board("b"), c = Board("c");
        Assert.Equal(ClaimAnswer.Won, Ask(a, "p", out _));
        Assert.Equal(ClaimAnswer.Won, Ask(c, "q", out _));
        a.Worker.Dispose();                                             // said so
        string card = Path.Combine(folder, "workers", "c.json");        // a process of this host that is no more
        File.WriteAllText(card, File.ReadAllText(card).Replace($"\"pid\":{Environment.ProcessId}", "\"pid\":4194305"));
        Assert.Equal(ClaimAnswer.Won, Ask(b, "p", out _));
        Assert.Equal(ClaimAnswer.Won, Ask(b, "q", out _));
    }

    [Fact]
    public void One_that_ended_its_piece_and_left_since_the_last_look_is_not_redone()
    {
        Claims a = Board("a"), b = Board("b");
        Ask(a, "p", out Claim? claim);
        b.Look();
        claim!.End(Claim.Done);
        a.Worker.Dispose();
        Assert.Equal(ClaimAnswer.Held, b.Try("p", () => true, out _));
        Assert.Equal(ClaimAnswer.Done, Ask(b, "p", out _, done: true));
    }

    [Fact]
    public void What_is_given_back_is_free_what_fails_twice_is_given_up_and_what_is_done_stays_done()
    {
        Claims a = Board("a"), b = Board("b");
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal(ClaimAnswer.Won, Ask(i % 2 == 0 ? a : b, "stopped", out Claim? claim));
            Assert.Equal(i, claim!.Number);
            claim.End(Claim.Stopped);
        }
        Ask(a, "fails", out Claim? fails);
        fails!.End(Claim.Failed, "the loss is not a number");
        Assert.Equal(ClaimAnswer.Won, Ask(b, "fails", out fails));
        fails!.End(Claim.Failed, "again");
        Assert.Equal(ClaimAnswer.GivenUp, Ask(a, "fails", out _));
        Assert.Equal("again", a.ReasonOf("fails"));
        Ask(a, "done", out Claim? done);
        done!.End(Claim.Done);
        Assert.Equal(ClaimAnswer.Done, Ask(b, "done", out _, done: true));
        // its result was deleted: after the lease somebody does it again
        Assert.Equal(ClaimAnswer.Held, Ask(b, "done", out _));
        clock.Seconds += 31;
        Assert.Equal(ClaimAnswer.Won, Ask(b, "done", out _));
    }

    [Fact]
    public void Too_many_losses_are_given_up_too()
    {
        Claims a = Board("a", new(TimeSpan.FromSeconds(30), Losses: 2));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(ClaimAnswer.Won, Ask(a, "p", out Claim? claim));
            claim!.End(Claim.Stopped);
        }
        Assert.Equal(ClaimAnswer.GivenUp, Ask(a, "p", out _));
    }

    [Fact]
    public void A_claim_of_a_folder_that_was_begun_anew_is_lost()
    {
        Ask(Board("a"), "p", out Claim? old);
        Directory.Delete(Path.Combine(folder, "claims"), recursive: true);
        Assert.Throws<FenceLostException>(old!.ThrowIfLost);
        Ask(Board("a"), "p", out Claim? next);                          // the same worker's name, number and piece
        Assert.Equal(old.Number, next!.Number);
        Assert.Throws<FenceLostException>(old.ThrowIfLost);
    }

    [Fact]
    public void Workers_are_one_program_on_one_arithmetic()
    {
        Board("a");
        ConfigException wrong = Assert.Throws<ConfigException>(() => Board("b", bits: "cpu without fused multiply-add"));
        Assert.Contains("cpu without fused multiply-add", wrong.Message);
    }

    /// <summary>256 workers, 4,096 pieces: all are done once, and no worker goes without.</summary>
    [Fact]
    public void Many_workers_share_evenly()
    {
        const int Workers = 256, Pieces = 4096;
        Claims[] boards = [.. Enumerable.Range(0, Workers).Select(i => Board($"w{i:000}"))];
        int[] won = new int[Workers];
        var done = new HashSet<int>();
        // In turns, each by what it saw when it last looked: what 256 hosts do in an order of chance.
        var random = new Random(1);
        var next = new int[Workers];
        while (done.Count < Pieces)
        {
            int w = random.Next(Workers);
            if (next[w] % 8 == 0) boards[w].Look();
            next[w]++;
            for (int p = 0; p < Pieces; p++)
            {
                if (done.Contains(p)) continue;
                if (boards[w].Try($"p{p}", () => true, out Claim? claim) != ClaimAnswer.Won) continue;
                Assert.True(done.Add(p));
                won[w]++;
                claim!.End(Claim.Done);
                break;
            }
        }
        // A worker's share is binomial: 16 on the mean, sd 4; beyond 7 sd once in 1e11.
        Assert.All(won, n => Assert.InRange(n, 1, 44));
    }

    // As if it ran on another host, of whose processes nothing is known here.
    void Foreign(string name)
    {
        string card = Path.Combine(folder, "workers", name + ".json");
        File.WriteAllText(card, File.ReadAllText(card).Replace($"\"pid\":{Environment.ProcessId}", "\"pid\":4194305").Replace("\"place\":\"", "\"place\":\"other-"));
    }

    public void Dispose()
    {
        foreach (Worker w in workers) w.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
