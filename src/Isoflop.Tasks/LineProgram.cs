using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// A program of a user's that answers each line on its standard input with a line on its standard output. One request at a time,
/// each within a time; a program that ends is started again once for each request, one that does not answer is killed.
/// </summary>
/// <param name="address">as the user wrote it, for messages</param> <param name="words">the program and its arguments</param>
/// <param name="hello">the first request to each new process; a restarted one must answer it as the first did</param>
sealed class LineProgram(string address, IReadOnlyList<string> words, byte[] hello) : IDisposable
{
    /// <summary>Longer lines are refused, bytes.</summary>
    public const int MaxLine = 1 << 20;
    const int MaxWords = 600;                                    // of its last words on standard error, characters

    readonly Lock gate = new();
    readonly StringBuilder errors = new();
    readonly byte[] buffer = new byte[1 << 16];
    readonly MemoryStream line = new();
    Process? process;
    byte[]? greeting;
    int from, to;                                                // what is read and not yet taken

    /// <summary>For one request.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The answer to the first request.</summary>
    public byte[] Greeting
    {
        get
        {
            lock (gate)
            {
                Begin(hello);
                return greeting!;
            }
        }
    }

    /// <summary>The line that answers a line, without its end.</summary>
    /// <exception cref="ConfigException">The program cannot be started.</exception>
    /// <exception cref="DataException">It ended twice, was too slow, or its line too long.</exception>
    public byte[] Ask(byte[] request)
    {
        lock (gate)
        {
            for (bool again = false; ; again = true)
            {
                Begin(request);
                if (Exchange(request) is { } reply) return reply;
                if (again) throw Failed(request, Ended());
                End();
            }
        }
    }

    /// <summary>Ends the program.</summary>
    public void Dispose() => End();

    void Begin(byte[] request)
    {
        if (process is not null) return;
        Start();
        byte[] said = Exchange(hello) ?? throw Failed(hello, Ended());
        if (!said.AsSpan().SequenceEqual(greeting ??= said))
            throw Failed(request, "it was started again and describes itself differently; was it edited?");
    }

    void Start()
    {
        // A path means the same as in a shell, not beside this program.
        string file = words[0].Contains('/') || words[0].Contains(Path.DirectorySeparatorChar) ? Path.GetFullPath(words[0])
            : words[0];
        var start = new ProcessStartInfo(file, words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            process = Process.Start(start)!;
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            throw new ConfigException($"{address}: cannot be started: {e.Message}");
        }
        (from, to) = (0, 0);
        lock (errors) errors.Clear();
        StreamReader said = process.StandardError;
        new Thread(() => Listen(said)) { IsBackground = true }.Start();
    }

    void Listen(StreamReader said)
    {
        char[] some = new char[1024];
        try
        {
            for (int n = said.Read(some); n > 0; n = said.Read(some))
                lock (errors)
                {
                    errors.Append(some, 0, n);
                    if (errors.Length > MaxWords) errors.Remove(0, errors.Length - MaxWords);
                }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException) { }       // it was killed
    }

    /// <summary>One line there, one back; null: the program ended.</summary>
    byte[]? Exchange(byte[] request)
    {
        const int Waiting = 0, Answered = 1, Late = 2;
        int state = Waiting;
        Process asked = process!;
        using var timer = new Timer(_ =>
        {
            if (Interlocked.CompareExchange(ref state, Late, Waiting) == Waiting) Kill(asked);
        }, null, Limit, Timeout.InfiniteTimeSpan);
        byte[]? reply = null;
        try
        {
            Stream input = asked.StandardInput.BaseStream;
            input.Write(request);
            input.WriteByte((byte)'\n');
            input.Flush();
            reply = ReadLine(asked.StandardOutput.BaseStream, request);
        }
        catch (IOException) { }                                  // it closed its input: it ended
        if (Interlocked.CompareExchange(ref state, Answered, Waiting) == Late)
            throw Failed(request, FormattableString.Invariant($"no answer within {Limit.TotalSeconds:0.#} s"));
        return reply;
    }

    byte[]? ReadLine(Stream output, byte[] request)
    {
        line.SetLength(0);
        for (; ; )
        {
            int end = buffer.AsSpan(from, to - from).IndexOf((byte)'\n');
            line.Write(buffer, from, end < 0 ? to - from : end);
            if (line.Length > MaxLine) throw Failed(request, $"a line of more than {MaxLine} bytes came back");
            if (end >= 0)
            {
                from += end + 1;
                return line.ToArray();
            }
            (from, to) = (0, output.Read(buffer));
            if (to == 0) return null;
        }
    }

    string Ended()
    {
        Process ended = process!;
        return ended.WaitForExit(500) ? $"it ended with exit code {ended.ExitCode}" : "it closed its output";
    }

    DataException Failed(byte[] request, string why)
    {
        End();
        string asked = Encoding.UTF8.GetString(request), last;
        lock (errors) last = errors.ToString().Trim();
        return new($"{address}: {why}, asked {(asked.Length > 120 ? asked[..120] + "…" : asked)}" +
            (last.Length == 0 ? "" : "; its last words: " + last));
    }

    void End()
    {
        if (process is not { } old) return;
        process = null;
        Kill(old);
        old.Dispose();
    }

    static void Kill(Process process)
    {
        try { process.Kill(entireProcessTree: true); }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException) { }    // it ended
    }
}
