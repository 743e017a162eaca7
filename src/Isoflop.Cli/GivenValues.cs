using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Isoflop.Cli;

/// <summary>What holds for the values of every option, whoever declares it.</summary>
static class GivenValues
{
    static readonly string[] outputs = ["--csv", "--svg", "--html", "--parquet", "--out"];

    /// <summary>Sets the rules on all options of a command and of those below it.</summary>
    public static void Hold(Command command)
    {
        foreach (Option option in command.Options) Hold(option);
        foreach (Command below in command.Subcommands) Hold(below);
    }

    /// <summary>An option without the value that it wants: at the end, or with another option in its place.</summary>
    public static string? Missing(ParseResult parsed)
    {
        HashSet<string> names = [.. parsed.CommandResult.Command.Options.Concat(parsed.RootCommandResult.Command.Options)
            .Select(o => o.Name)];
        foreach (OptionResult given in Given(parsed))
            if (given.Option.Arity.MinimumNumberOfValues > 0 && (given.Tokens.Count < given.IdentifierTokenCount
                || given.Tokens.Any(t => names.Contains(t.Value))))
                return $"{given.Option.Name} has no value; give it as {given.Option.Name} {given.Option.HelpName ?? "VALUE"}";
        return null;
    }

    static IEnumerable<OptionResult> Given(ParseResult parsed) =>
        ((SymbolResult[])[parsed.CommandResult, parsed.RootCommandResult]).Distinct()
        .SelectMany(at => ((CommandResult)at).Children.OfType<OptionResult>());

    /// <summary>An option that wants one of some words and was given another, or a number, which its parser would take.</summary>
    public static string? NoChoice(ParseResult parsed)
    {
        foreach (OptionResult given in Given(parsed))
        {
            Type of = Nullable.GetUnderlyingType(given.Option.ValueType) ?? given.Option.ValueType;
            string[] names = of.IsEnum ? Enum.GetNames(of) : [];
            if (names.Length > 0 && given.Tokens.FirstOrDefault(t =>
                !names.Contains(t.Value, StringComparer.OrdinalIgnoreCase)) is { } other)
                return $"{given.Option.Name} {other.Value} must be one of {string.Join(", ", names)}";
        }
        return null;
    }

    static void Hold(Option option)
    {
        switch (option)
        {
            case Option<double> number: number.CustomParser ??= r => Number(r, option.Name); break;
            case Option<double?> number: number.CustomParser ??= r => Number(r, option.Name); break;
            case Option<float> number: number.CustomParser ??= r => (float)Number(r, option.Name); break;
            case Option<int> or Option<int?>: option.Validators.Add(r => Count(r, option.Name)); break;
        }
        if (option.ValueType != typeof(string) && option.ValueType != typeof(string[])) return;
        if (option.HelpName == "TEXT") return;                                      // any text, also none
        bool written = outputs.Contains(option.Name);
        option.Validators.Add(r => Check(r, option.Name, written));
    }

    /// <summary>As everywhere in the program: a point for decimals, and no commas, which would be read as thousands.</summary>
    static double Number(ArgumentResult result, string name)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            && value >= 0)
            return value;
        result.AddError($"{name} '{text}' must be a number, not negative, with a point for decimals; such as 1.5 or 1e9");
        return 0;
    }

    /// <summary>Whole numbers are counts and places: none is negative.</summary>
    static void Count(OptionResult result, string name)
    {
        if (result.Tokens.FirstOrDefault(t => t.Value is ['-', .. var digits] && digits.All(char.IsAsciiDigit)) is { } below)
            result.AddError($"{name} {below.Value} must not be negative");
    }

    static void Check(OptionResult result, string name, bool written)
    {
        foreach (Token token in result.Tokens)
        {
            string path = token.Value;
            if (path.Trim().Length == 0) result.AddError($"{name} '{path}' is empty; give a value, or leave the option out");
            else if (path.Contains('\0')) result.AddError($"{name} holds a zero");
            else if (name == "--parquet" && path == "-")
                result.AddError("--parquet - : Parquet goes into a file, not to stdout; give its name, or --csv -");
            else if (written && (Directory.Exists(path) || path.EndsWith('/')))
                result.AddError($"{name} '{path}' is a folder; name a file in it");
        }
    }
}
