using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class TailTests : IDisposable
{
    readonly string path = Path.Combine(Directory.CreateTempSubdirectory("isoflop-tail-").FullName, "events.jsonl");

    static string Row(int step, string note = "") =>
        $$"""{"event":"x","utc":"2026-01-01T00:00:00Z","step":{{step}},"pid":1,"host":"h","note":"{{note}}","younger":1}""" + "\n";

    static string Look(Tail<RunEvent> tail)
    {
        (IReadOnlyList<RunEvent> rows, bool anew) = tail.Next();
        return string.Join(' ', rows.Select(r => r.Step)) + (anew ? " anew" : "");
    }

    [Fact]
    public void Each_look_gives_whole_new_rows_and_says_when_older_ones_no_longer_hold()
    {
        Tail<RunEvent> tail = RunFolder.Follow(Path.GetDirectoryName(path)!).Events;
        Assert.Equal("", Look(tail));                   // no file yet
        File.WriteAllText(path, Row(1) + Row(2) + Row(3)[..20]);
        Assert.Equal("1 2", Look(tail));
        File.AppendAllText(path, Row(3)[20..]);
        Assert.Equal("3", Look(tail));
        Assert.Equal("", Look(tail));
        File.WriteAllText(path, Row(1));                         // cut
        Assert.Equal("1 anew", Look(tail));
        File.WriteAllText(path, Row(1, "else") + Row(2));        // replaced by a longer one
        Assert.Equal("1 2 anew", Look(tail));
        File.Delete(path);
        Assert.Equal(" anew", Look(tail));
        File.WriteAllText(path, Row(1) + "no row\n");
        Assert.Contains("line 2 is not a row", Assert.Throws<DataException>(() => tail.Next()).Message);
    }

    [Fact]
    public void A_look_reads_no_byte_twice()
    {
        string noise = new('x', 1000);
        File.WriteAllText(path, string.Concat(Enumerable.Range(1, 2000).Select(i => Row(i, noise))));
        Tail<RunEvent> tail = RunFolder.Follow(Path.GetDirectoryName(path)!).Events;
        tail.Next();
        File.AppendAllText(path, Row(2001));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("2001", Look(tail));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
}
