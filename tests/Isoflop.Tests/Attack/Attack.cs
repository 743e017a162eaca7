using System.Diagnostics;
using Isoflop.Cli;

namespace Isoflop.Tests.Attack;

/// <summary>What the attacks share: how much of them is done, and how a command of this process is watched.</summary>
static class Attack
{
    /// <summary>ISOFLOP_ATTACK=1: the numbers of docs/reliability.md, half an hour and more; else a sample of a few seconds.</summary>
    public static bool IsWhole { get; } = Environment.GetEnvironmentVariable("ISOFLOP_ATTACK") == "1";

    /// <summary>Longest that a malformed input may take, and the most memory that it may add.</summary>
    public const int Seconds = 20, Megabytes = 1000;

    /// <param name="Code">exit code; −1: an exception, whose text is in <paramref name="Err"/></param>
    public readonly record struct Outcome(int Code, string Out, string Err)
    {
        /// <summary>One line on stderr that says what, and exit code 2.</summary>
        public bool IsRefusal => Code == App.UserError && Err.TrimEnd().Length > 0 && LastLine.Length < 2000;

        /// <summary>The line that says it; what stands above it is progress.</summary>
        public string LastLine => Err.TrimEnd().Split('\n')[^1];
    }

    /// <summary>Runs a command line; asks it to stop when it works for too long, for some are meant to.</summary>
    public static Outcome Run(string[] args, int stopAfterSeconds = Seconds)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(stopAfterSeconds));
        StringWriter output = new(), error = new();
        try
        {
            int code = App.Run(args, [.. Verbs.All()], TextWriter.Synchronized(output), TextWriter.Synchronized(error), stop: stop.Token);
            return new(code, output.ToString(), error.ToString());
        }
        catch (Exception e)
        {
            return new(-1, output.ToString(), e.ToString());
        }
    }

    /// <summary>The command as a process of its own, which can be killed.</summary>
    public static Process Start(string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), .. args])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        Process child = Process.Start(start)!;
        child.ErrorDataReceived += (_, _) => { };
        child.OutputDataReceived += (_, _) => { };
        child.BeginErrorReadLine();
        child.BeginOutputReadLine();
        return child;
    }

    /// <summary>What was found, for docs/reliability.md.</summary>
    public static void Say(string line) => Xunit.TestContext.Current.TestOutputHelper?.WriteLine(line);

    /// <summary>Copies a folder with all below it.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)), overwrite: true);
    }
}
