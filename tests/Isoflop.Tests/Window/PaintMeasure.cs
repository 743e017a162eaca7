using System.Diagnostics;
using System.Globalization;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Isoflop.Web;
using Isoflop.Web.Home;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>
/// How long until a page shows what it is for. No test: it measures, when it is asked for by
/// <c>Isoflop.Tests -explicit only -class "*PaintMeasure"</c>, and writes what it saw.
/// </summary>
public sealed class PaintMeasure(WindowHome window) : IClassFixture<WindowHome>
{
    const int Runs = 5000, Rows = 1_000_000, Times = 5;

    [Fact(Explicit = true)]
    public async Task Thousands_of_runs_and_a_million_rows()
    {
        using var home = new TinyHome();
        home.Train("name=one");
        string one = home.RunPath("one");
        for (int i = 0; i < Runs - 2; i++)
        {
            string to = Directory.CreateDirectory(home.RunPath($"copy{i:0000}")).FullName;
            foreach (string file in Directory.GetFiles(one)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
            Directory.CreateDirectory(Path.Combine(to, Checkpoint.NameOf(12)));
        }
        using var other = new TinyHome();                        // of one run
        string many = Directory.CreateDirectory(other.RunPath("many")).FullName, few = Directory.CreateDirectory(other.RunPath("one")).FullName;
        foreach (string file in Directory.GetFiles(one)) File.Copy(file, Path.Combine(few, Path.GetFileName(file)));
        foreach (string file in Directory.GetFiles(one)) File.Copy(file, Path.Combine(many, Path.GetFileName(file)));
        string row = File.ReadLines(Path.Combine(one, RunFolder.MetricsFile)).Last();
        using (var writer = new StreamWriter(Path.Combine(many, RunFolder.MetricsFile)))
            for (int i = 1; i <= Rows; i++)
                writer.WriteLine(row.Replace("\"step\":12,", $"\"step\":{i},").Replace($"\"tokens\":{12 * 128}", $"\"tokens\":{128L * i}"));
        TestContext.Current.SendDiagnosticMessage($"{new FileInfo(Path.Combine(many, RunFolder.MetricsFile)).Length / 1e6:0} MB of rows");
        for (int i = 0; i < 3; i++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            var columns = new RunColumns(many);
            while (columns.Look()) ;
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Rows} rows read: {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms, {(Environment.CpuUsage.TotalTime - before).TotalMilliseconds:0} of processor time"));
        }
        foreach ((TinyHome of, string path, string there) in
            (IEnumerable<(TinyHome, string, string)>)[(home, "/runs", ".table tbody a"), (other, "/run/many", ".plot .u-over")])
        {
            List<double> cold = [], first = [], warm = [];
            for (int i = 0; i < Times; i++)
            {
                await using (WebHost started = await WebHost.Start(of.Here with { Threads = 0 }, new() { Port = 0 }))
                    cold.Add(await First(started.Address + path, there));
                await using WebHost host = await WebHost.Start(of.Here with { Threads = 0 }, new() { Port = 0 });
                await First(host.Address + "/run/one", ".plot .u-over");
                first.Add(await First(host.Address + path, there));
                warm.Add(await First(host.Address + path, there));
            }
            double Median(List<double> of) => of.Order().ElementAt(Times / 2);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{path}: {Median(cold):0} ms after the server's start; {Median(first):0} ms for the first time after another page, {Median(warm):0} ms then; medians of {Times}"));
        }
    }

    /// <summary>From the beginning of the navigation to what the page is for, ms.</summary>
    async Task<double> First(string url, string there)
    {
        await using Looked looked = await window.Look("about:blank");
        await looked.Page.GotoAsync(url, new() { WaitUntil = Microsoft.Playwright.WaitUntilState.Commit });
        await looked.Page.Locator(there).First.WaitForAsync();
        return await looked.Page.EvaluateAsync<double>("() => performance.now()");
    }
}
