using System.Diagnostics;
using System.Text;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class WholeFileTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-whole-").FullName;

    string In(string name) => Path.Combine(folder, name);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_link_stays_and_what_it_points_at_is_written()
    {
        File.WriteAllText(In("real.csv"), "old");
        File.CreateSymbolicLink(In("link.csv"), "real.csv");
        File.CreateSymbolicLink(In("again.csv"), In("link.csv"));
        WholeFile.Write(In("again.csv"), "new");
        Assert.Equal(("new", "real.csv"), (File.ReadAllText(In("real.csv")), new FileInfo(In("link.csv")).LinkTarget));
        Assert.NotNull(new FileInfo(In("again.csv")).LinkTarget);
    }

    [Fact]
    public async Task A_pipe_is_written_to_and_not_replaced()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs mkfifo");
        using (Process made = Process.Start("mkfifo", In("pipe"))) await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(Disk.IsSpecial(In("pipe")));
        Task<string> reader = Task.Run(() => File.ReadAllText(In("pipe")), TestContext.Current.CancellationToken);
        WholeFile.Write(In("pipe"), "through");
        Assert.Equal("through", await reader);
        Assert.True(Disk.IsSpecial(In("pipe")));
    }

    [Fact]
    public void A_device_is_written_to_and_not_replaced()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /dev/full");
        Assert.True(Disk.IsSpecial("/dev/null"));
        WholeFile.Write("/dev/null", "gone");
        Assert.True(Disk.IsSpecial("/dev/null"));
        Assert.StartsWith("/dev/full: cannot be written: ",
            Assert.Throws<DataException>(() => WholeFile.Write("/dev/full", "gone")).Message);
        Assert.True(Disk.IsSpecial("/dev/full"));
    }

    [Theory]
    [InlineData("/proc/self/fd/")]
    [InlineData("/dev/fd/")]
    public void A_file_that_is_open_is_appended_to_and_not_replaced(string descriptors)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc");
        File.WriteAllText(In("log"), "before, ");
        using (var open = new FileStream(In("log"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            string name = descriptors + open.SafeFileHandle.DangerousGetHandle();
            WholeFile.Write(name, "through, ");
            File.CreateSymbolicLink(In("link"), name);
            WholeFile.Write(In("link"), "again");
        }
        Assert.Equal("before, through, again", File.ReadAllText(In("log")));
    }

    [Fact]
    public void What_fails_half_way_leaves_the_old_file_and_nothing_else()
    {
        File.WriteAllText(In("a.csv"), "old");
        Assert.Throws<DataException>(() => WholeFile.Write(In("a.csv"), file =>
        {
            file.Write(Encoding.UTF8.GetBytes("half"));
            throw new IOException("No space left on device");
        }));
        Assert.Equal("old", File.ReadAllText(In("a.csv")));
        Assert.Single(Directory.GetFileSystemEntries(folder));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a\0b", "holds a zero")]
    [InlineData("/", "is a folder")]
    [InlineData("folder/", "is a folder")]
    public void A_path_that_is_no_file_is_refused_in_one_line(string path, string why)
    {
        string message = Assert.Throws<DataException>(() => WholeFile.Write(path, "x")).Message;
        Assert.Contains(why, message);
        Assert.DoesNotContain('\0', message);
    }
}
