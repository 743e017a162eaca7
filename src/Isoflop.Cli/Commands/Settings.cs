using System.CommandLine;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary>What train and plan share: a file and key=value arguments, and the list of settings in their help.</summary>
static class Settings
{
    public static Argument<string[]> Argument() => new("settings")
    {
        Description = "A JSON file of settings, and key=value settings that override it",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>Reads the arguments: what has no '=' is the file.</summary>
    public static RunConfig Load(string[] arguments)
    {
        string[] files = [.. arguments.Where(a => !a.Contains('='))];
        if (files.Length > 1)
            throw new ConfigException($"two files of settings: {files[0]}, {files[1]}; give one, and key=value");
        return Config.Load(files.FirstOrDefault(), [.. arguments.Where(a => a.Contains('='))]);
    }

    /// <summary>Every setting with its default, for the end of a command's help.</summary>
    public static string[] Help() =>
        ["", "Settings (key=default):", .. Config.Settings.Select(s => $"  {s.Key + "=" + s.Default,-28} {s.Help}".TrimEnd())];
}
