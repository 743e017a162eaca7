using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli;

/// <summary>
/// The shell around the commands: options they share, exit codes, errors as one line. 0 done; 2 the user's mistake or an unusable
/// file; 130 interrupted; anything else is our bug and crashes with a stack trace.
/// </summary>
static partial class App
{
    public const int UserError = 2, Interrupted = 130;

    public static readonly Option<string> Home = new("--home")
    {
        Description = "Folder of all corpora, runs and studies",
        HelpName = "DIR",
        DefaultValueFactory = _ => "./isoflop",
        Recursive = true,
    };

    public static readonly Option<int> Threads = new("--threads")
    {
        Description = "Threads that compute; 0: one a core. The result is the same",
        HelpName = "N",
        Recursive = true,
    };

    public static readonly Option<string> Device = new("--device")
    {
        Description = "What computes: cpu; cuda:N, an NVIDIA card (cuda:N:f32 in float32); auto: a card where there is one; "
            + "cpu:reference, the slow definition",
        HelpName = "NAME",
        DefaultValueFactory = _ => "cpu",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Write the record as JSON, for scripts",
        Recursive = true
    };

    public static readonly Option<bool> AllowOtherBits = new("--allow-other-bits")
    {
        Description = "Let a run go on where the arithmetic differs from where it was begun; its bits are then neither's",
        Recursive = true,
    };

    static readonly Option<string[]> plugins = new("--plugin")
    {
        Description = "Load tasks, strategies, laws and rewards of your own: a .dll, or a single .cs; may be repeated",
        HelpName = "FILE",
        Recursive = true,
        Arity = ArgumentArity.OneOrMore,
    };

    static readonly AsyncLocal<Func<ParseResult, Invocation>> context = new();

    static App() => Cards.Register();

    internal static Invocation Current(ParseResult parsed) => context.Value!(parsed);

    /// <summary>
    /// Runs on the process's own streams; the first Ctrl-C, or the end of the terminal, asks the command to stop, the second
    /// kills.
    /// </summary>
    public static int Start(string[] args, Func<IReadOnlyList<Command>> verbs)
    {
        using var stop = new CancellationTokenSource();
        var interrupts = new Interrupts(stop.Token);
        void Ask(PosixSignalContext signal)
        {
            if (signal.Signal == PosixSignal.SIGINT && interrupts.StopPart())
            {
                signal.Cancel = true;
                return;
            }
            signal.Cancel = signal.Signal == PosixSignal.SIGHUP || !stop.IsCancellationRequested;
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        // What Slurm is asked to send before the time is up (--signal); 10 on Linux, where Slurm is.
        using var timeIsUp = OperatingSystem.IsLinux() ? PosixSignalRegistration.Create((PosixSignal)10, Ask) : null;
        using var hangUp = IgnoresHangUp() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, Ask);
        return Run(args, verbs, Streams.OfProcess(), interrupts);
    }

    /// <summary>Who started it wants it to outlive the terminal: nohup, disown.</summary>
    static bool IgnoresHangUp()
    {
        if (!OperatingSystem.IsLinux()) return OperatingSystem.IsWindows();
        try
        {
            string? ignored = File.ReadLines("/proc/self/status")
                .FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal));
            return ignored is not null && (Convert.ToUInt64(ignored.Split('\t', ' ')[^1], 16) & 1) != 0;       // bit of SIGHUP
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return false;
        }
    }

    /// <summary>All commands with what they share.</summary>
    public static RootCommand Root(IReadOnlyList<Command> verbs)
    {
        var root = new RootCommand("Isoflop, a laboratory for scaling language models.")
        {
            Home, Threads, Device, Json, AllowOtherBits, plugins,
        };
        foreach (Command verb in verbs) root.Add(verb);
        GivenValues.Hold(root);
        return root;
    }

    /// <summary>Runs a command line; returns the exit code.</summary>
    public static int Run(string[] args, IReadOnlyList<Command> verbs, TextWriter output, TextWriter error, bool terminal = false,
        CancellationToken stop = default, TextReader? input = null, TextReader? piped = null) =>
        Run(args, () => verbs, new(output, error, terminal, Input: input, Piped: piped), new(stop));

    /// <param name="verbs">made once plugins are loaded, which their help names</param>
    static int Run(string[] args, Func<IReadOnlyList<Command>> verbs, Streams streams, Interrupts interrupts)
    {
        var error = new PlainWriter(streams.Error, courtesy: true);
        try
        {
            LoadPlugins(args, error);
            return Invoke(args, verbs(), streams, error, interrupts);
        }
        catch (Exception e) when (e is ConfigException or DataException)
        {
            error.WriteLine(OneLine(e.Message));
            return UserError;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error.WriteLine(OneLine(e.Message));                 // a file or folder that the user's machine does not let us use
            return UserError;
        }
        catch (OperationCanceledException) when (interrupts.Stop.IsCancellationRequested)
        {
            error.WriteLine("interrupted; the same command again continues or starts over, nothing is left half done");
            return Interrupted;
        }
    }

    // A prompt may begin with @: it is no file of more arguments.
    static readonly ParserConfiguration parsing = new() { ResponseFileTokenReplacer = null };

    static void LoadPlugins(string[] args, TextWriter error)
    {
        ParseResult parsed = new RootCommand { Home, plugins }.Parse(args, parsing);
        foreach (string file in parsed.GetValue(plugins) ?? []) PluginLoader.Load(file, parsed.GetValue(Home)!, error);
    }

    static int Invoke(string[] args, IReadOnlyList<Command> verbs, Streams streams, TextWriter error, Interrupts interrupts)
    {
        RootCommand root = Root(verbs);
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ShowHelp(new PlainWriter(streams.Output, courtesy: false));

        ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args, parsing);
        if (parsed.UnmatchedTokens is ["help", ..])
            parsed = root.Parse([.. args.Where((_, i) => i != Array.IndexOf(args, "help")), "--help"], parsing);
        // Of what a command takes help may hold anything, but there must be the command.
        string? mistake = parsed.Action is not ShowHelp ? Mistake(parsed)
            : parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens is [var other, ..]
                ? $"Unrecognized command or argument '{other}'" : null;
        if (mistake is not null) return Misused(parsed, mistake, error);
        context.Value = p => new Invocation(p, streams, interrupts);
        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = streams.Output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,               // signals are ours: a command may need longer than 2 s to save
            });
        }
        catch (Exception e) when (e is ConfigException or DataException)
        {
            string meant = MeantBelow(parsed) is { } path ? $"; did you mean '{path}'?" : "";
            error.WriteLine(AsOptions(OneLine(e.Message), parsed) + meant);
            return UserError;
        }
    }

    /// <summary>The command below the one that failed which the first word of its arguments may have meant.</summary>
    static string? MeantBelow(ParseResult parsed) =>
        parsed.CommandResult.Command is { Subcommands.Count: > 0 } command
        && parsed.CommandResult.Tokens.FirstOrDefault(t => t.Type == TokenType.Argument) is { } word
        && SettingsJson.Nearest(word.Value, command.Subcommands.Select(c => c.Name)) is { } name
            ? $"{HelpText.PathOf(command)} {name}" : null;

    /// <summary>
    /// The library speaks of settings, KEY=VALUE. What is an option of this command is said as that: --key VALUE. Where a command
    /// takes settings too, only of the options that were given.
    /// </summary>
    static string AsOptions(string message, ParseResult parsed)
    {
        if (LineOfFile().IsMatch(message)) return message;                          // there it is a key
        bool settings = parsed.CommandResult.Command is Verb { Sections.Count: > 0 };
        Dictionary<string, Option> options = parsed.CommandResult.Command.Options.Concat(parsed.RootCommandResult.Command.Options)
            .Where(o => !settings || o.Recursive || o is Option<bool> || parsed.GetResult(o) is { Implicit: false })
            .DistinctBy(o => o.Name).ToDictionary(o => o.Name);
        return KeyValue().Replace(message, m =>
            options.TryGetValue($"--{m.Groups[1].Value.Replace('_', '-')}", out Option? option)
                ? option is Option<bool> ? option.Name : $"{option.Name} {m.Groups[2].Value}" : m.Value);
    }

    [GeneratedRegex(@"(?<![\w./'{=])([a-z][a-z_]*)=([^\s;,)]*[^\s;,):.]|(?=[\s;:]))")]
    private static partial Regex KeyValue();

    [GeneratedRegex(@"^[^:]+: line \d+: ")]
    private static partial Regex LineOfFile();

    /// <summary>The first thing wrong with a command line, or null.</summary>
    static string? Mistake(ParseResult parsed)
    {
        if (GivenValues.Missing(parsed) is { } bare) return bare;
        // A mistyped option would otherwise be taken for an argument of a command that has any number of them.
        if (parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash).FirstOrDefault(t => t.Type == TokenType.Argument
            && t.Value.StartsWith("--", StringComparison.Ordinal)) is { } odd)
            return odd.Value.Contains(' ')
                ? $"'{odd.Value}' is no option; text that begins with -- goes last, after a -- of its own"
                : $"Unrecognized command or argument '{odd.Value}'";
        if (GivenValues.NoChoice(parsed) is { } wrong) return wrong;
        return (parsed.Errors.FirstOrDefault(e => e.Message.StartsWith("Unrecognized", StringComparison.Ordinal))
            ?? parsed.Errors.FirstOrDefault())?.Message;
    }

    static int Misused(ParseResult parsed, string mistake, TextWriter error)
    {
        var path = new List<string>();
        for (SymbolResult? at = parsed.CommandResult; at is not null; at = at.Parent)
            if (at is CommandResult c) path.Insert(0, c.Command is RootCommand ? "isoflop" : c.Command.Name);
        string what = mistake.TrimEnd('.').Replace("expected type 'System.Nullable`1[", "expected type '").Replace("]'", "'")
            .Replace("expected type 'System.Double'", "a number");
        foreach (string whole in (string[])["Int32", "Int64", "UInt64"])
            what = what.Replace($"expected type 'System.{whole}'", "a whole number");
        string meant = Meant(parsed, what) is { } near ? $"; did you mean '{near}'" : "";
        error.WriteLine($"{OneLine(what)}{meant}; see {string.Join(' ', path)} --help");
        return UserError;
    }

    /// <summary>The command or option that an unknown word is nearest to.</summary>
    static string? Meant(ParseResult parsed, string mistake)
    {
        string[] quoted = mistake.Split('\'');
        if (quoted.Length < 3 || !mistake.StartsWith("Unrecognized", StringComparison.Ordinal)) return null;
        IEnumerable<Command> here = parsed.CommandResult.Command.Parents.OfType<Command>().Prepend(parsed.CommandResult.Command);
        IEnumerable<string> names = quoted[1].StartsWith('-')
            ? here.SelectMany((c, up) => c.Options.Where(o => up == 0 || o.Recursive).Select(o => o.Name))
            : parsed.CommandResult.Command.Subcommands.Select(c => c.Name);
        return SettingsJson.Nearest(quoted[1], names);
    }

    static string OneLine(string message) => LongWord().Replace(string.Join(' ',
        message.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)), "$1…");

    [GeneratedRegex(@"(\S{150})\S{100,}")]
    private static partial Regex LongWord();

    sealed class ShowHelp(TextWriter output) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            output.Write(HelpText.Of(parsed.CommandResult.Command));
            return 0;
        }
    }
}
