using Isoflop.Cli;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Clusters;

public class PiecesTests
{
    static string FolderOf(TinyHome home) => new Workspace(home.Path).StudyFolder("t");

    /// <summary>Workers of one study, each with pieces of its own making; the first that fails is thrown.</summary>
    static IReadOnlyList<FailedRun>[] Together(TinyHome home, int count, Func<Workspace, IReadOnlyList<Piece>> pieces)
    {
        CrewRecord crew = Crew.Begin(FolderOf(home), $"local:{count}", count, 20);
        var failed = new IReadOnlyList<FailedRun>[count];
        Exception? wrong = null;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(i => new Thread(() =>
        {
            try
            {
                Workspace here = Crew.Join(new(home.Path) { Threads = 1 }, FolderOf(home), $"w{i}", crew.Token);
                using Worker self = here.Claims!.Worker;
                failed[i] = Pieces.Do(here, pieces(here));
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref wrong, e, null);   // the first: what others say then follows from it
            }
        }))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.Null(wrong);
        return failed;
    }

    [Fact]
    public void Each_piece_is_done_once_and_behind_a_fence()
    {
        using var home = new TinyHome();
        int[] done = new int[12];
        Together(home, 3, _ => [.. Enumerable.Range(0, done.Length).Select(i => new Piece($"p{i}", there =>
        {
            there.Fence!.ThrowIfLost();
            Assert.Equal(1, there.Fence.Number);
            Thread.Sleep(20);
            Interlocked.Increment(ref done[i]);
            return true;
        }))]);
        Assert.All(done, times => Assert.Equal(1, times));
    }

    [Fact]
    public void A_piece_that_fails_is_tried_twice_and_named_by_all()
    {
        using var home = new TinyHome();
        int tried = 0, others = 0;
        IReadOnlyList<FailedRun>[] failed = Together(home, 2, _ =>
        [
            new("bad", _ =>
            {
                Interlocked.Increment(ref tried);
                throw new ConfigException("not ready");
            }),
            new("good", _ => Interlocked.Increment(ref others) > 0),
        ]);
        Assert.Equal((2, 1), (tried, others));
        Assert.All(failed, f => Assert.Equal(new("bad", "not ready"), Assert.Single(f)));
    }

    [Fact]
    public void Alone_pieces_come_in_their_order_and_a_failure_is_thrown()
    {
        using var home = new TinyHome();
        List<string> order = [];
        Piece Of(string name, bool fails = false) => new(name, _ =>
        {
            order.Add(name);
            return fails ? throw new ConfigException("no") : true;
        });
        Assert.Empty(Pieces.Do(new(home.Path), [Of("b"), Of("a")]));
        Assert.Throws<ConfigException>(() => Pieces.Do(new(home.Path), [Of("c", fails: true), Of("d")]));
        Assert.Equal(["b", "a", "c"], order);
        Assert.Throws<OperationCanceledException>(() => Pieces.Do(new(home.Path), [new("e", _ => false)]));
    }

    [Fact]
    public void Workers_that_never_come_up_end_the_command_with_what_they_said()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell");
        using var home = new TinyHome();
        CrewRecord crew = Crew.Begin(FolderOf(home), "local:2", 2, 20);
        var launch = new Launch(Site.Parse("local:2", 0, 1, "", ""), ["/no/such/isoflop"], FolderOf(home), crew);
        string said = Assert.Throws<ConfigException>(() => launch.Attend(_ => { }, default)).Message;
        Assert.Contains("no worker came up", said);
        Assert.Contains("not found", said);
    }
}
