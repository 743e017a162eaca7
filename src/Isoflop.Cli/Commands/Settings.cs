using System.CommandLine;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary>What train and plan share: a file and key=value arguments, and the list of settings in their help.</summary>
sealed class Settings
{
    readonly Argument<string[]> arguments = new("settings")
    {
        Description = "A JSON file of settings, and key=value settings that override it",
        Arity = ArgumentArity.ZeroOrMore,
    };

    readonly Option<string> flops = new("--flops") { Description = "The one dial, as flops=X", HelpName = "X" };
    readonly Option<string> from = new("--from")
    {
        Description = "Extend or fork a run, as from=RUN@STEP",
        HelpName = "RUN@STEP",
    };

    /// <summary>The precision of whatever is trained, for a command that trains.</summary>
    public static Option<string> Precision() => new("--precision")
    {
        Description = "Of weights' products, as train.precision=P: auto, f32, bf16; all else is float32",
        HelpName = "P",
    };

    /// <summary>The same as a setting, where it was given.</summary>
    public static IEnumerable<string> Precision(ParseResult parsed, Option<string> option) =>
        parsed.GetValue(option) is { } given ? [$"train.precision={given}"] : [];

    readonly Option<string> precision = Precision();

    /// <summary>Adds them to a command.</summary>
    public Settings(Command command)
    {
        command.Add(arguments);
        command.Add(precision);
        command.Add(flops);
        command.Add(from);
    }

    /// <summary>Reads them: what has no '=' is the file.</summary>
    public RunConfig Load(ParseResult parsed)
    {
        List<string> arguments = [.. parsed.GetValue(this.arguments) ?? []];
        if (parsed.GetValue(flops) is { } dial) arguments.Add($"flops={dial}");
        if (parsed.GetValue(from) is { } point) arguments.Add($"from={point}");
        arguments.AddRange(Precision(parsed, precision));
        string[] files = [.. arguments.Where(a => !a.Contains('='))];
        if (files.Length > 1)
            throw new ConfigException($"two files of settings: {files[0]}, {files[1]}; give one, and key=value");
        return Config.Load(files.FirstOrDefault(), [.. arguments.Where(a => a.Contains('='))]);
    }

    /// <summary>Every setting with its default: a section of a command's help.</summary>
    public static (string, IReadOnlyList<(string, string)>) Help(IEnumerable<Setting> all,
        string title = "Settings, as KEY=VALUE") =>
        (title, [.. all.Select(s => (s.Default.Length > 0 ? $"{s.Key}={s.Default}" : s.Key, s.Help))]);
}
