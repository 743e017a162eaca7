using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;

namespace Isoflop.Cli;

/// <summary>
/// Help of one shape for every command: what it does, usage, arguments, options, settings, examples. The same text stands in
/// <c>docs/commands.md</c>.
/// </summary>
static class HelpText
{
    const int Width = 100, Indent = 2, Widest = 30;

    /// <summary>Help of a command.</summary>
    public static string Of(Command command)
    {
        var text = new StringBuilder();
        if (command is RootCommand root) Overview(text, root);
        else Body(text, command);
        return text.ToString();
    }

    /// <summary>"isoflop rl replay".</summary>
    public static string PathOf(Command command) =>
        command is RootCommand ? "isoflop" : $"{PathOf(command.Parents.OfType<Command>().First())} {command.Name}";

    static void Overview(StringBuilder text, RootCommand root)
    {
        text.AppendLine(root.Description).AppendLine();
        text.AppendLine("  isoflop tour              start here: the whole program, small, in some ten minutes");
        text.AppendLine("  isoflop COMMAND --help    what a command does, its options, examples; also isoflop help COMMAND");
        foreach (var group in root.Subcommands.Where(c => !c.Hidden).GroupBy(c => (c as Verb)?.Group ?? ""))
        {
            text.AppendLine().AppendLine(group.Key.Length > 0 ? group.Key : "Commands");
            Rows(text, [.. group.Select(c => (c.Name, FirstSentence(c.Description ?? "")))]);
        }
        Options(text, root, "Options of every command");
    }

    static void Body(StringBuilder text, Command command)
    {
        var verb = command as Verb;
        foreach (string line in Wrapped(command.Description ?? "", Width)) text.AppendLine(line);
        text.AppendLine().AppendLine("Usage");
        string arguments = string.Concat(command.Arguments.Select(a => " " + Shown(a)));
        text.AppendLine($"  {PathOf(command)}{arguments} [options]");
        if (command.Subcommands.Count > 0) text.AppendLine($"  {PathOf(command)} COMMAND …");
        if (command.Arguments.Count > 0)
        {
            text.AppendLine().AppendLine("Arguments");
            Rows(text, [.. command.Arguments.Select(a =>
                (a.HelpName ?? a.Name, Explained(a.Description, a.HasDefaultValue, a.GetDefaultValue)))]);
        }
        Options(text, command, "Options");
        if (command.Subcommands.Count > 0)
        {
            text.AppendLine().AppendLine("Commands");
            Rows(text, [.. command.Subcommands.Select(c => (c.Name, FirstSentence(c.Description ?? "")))]);
        }
        foreach ((string title, IReadOnlyList<(string, string)> rows) in verb?.Sections ?? [])
        {
            text.AppendLine().AppendLine(title);
            Rows(text, rows);
        }
        if (verb is not { Examples.Count: > 0 }) return;
        text.AppendLine().AppendLine("Examples");
        foreach (string example in verb.Examples) text.AppendLine("  " + example);
    }

    static void Options(StringBuilder text, Command command, string title)
    {
        IEnumerable<Option> own = command.Options.Where(o => o is not (HelpOption or VersionOption));
        IEnumerable<Option> shared = command.Parents.OfType<Command>().SelectMany(p => p.Options)
            .Where(o => o.Recursive && o is not (HelpOption or VersionOption));
        text.AppendLine().AppendLine(title);
        Rows(text, [.. own.Concat(shared).Where(o => !o.Hidden).Select(o =>
            (o.HelpName is { } value ? $"{o.Name} {value}" : o.Name,
                Explained(o.Description, o.HasDefaultValue, o.GetDefaultValue))),
            ("--help", "This text"),
            .. command is RootCommand ? [("--version", "The program's version")] : (IEnumerable<(string, string)>)[]]);
    }

    static string Shown(Argument a)
    {
        string name = a.Arity.MaximumNumberOfValues > 1 ? a.Name + "…" : a.Name;
        return a.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    static string Explained(string? description, bool hasDefault, Func<object?> value) =>
        hasDefault && value() is { } given and not false
            && (given is double x ? x.ToString("G6", CultureInfo.InvariantCulture) : $"{given}") is { Length: > 0 } shown
            ? $"{description} (default {shown})" : description ?? "";

    static void Rows(StringBuilder text, IReadOnlyList<(string Name, string Help)> rows)
    {
        int column = Math.Min(Widest, rows.Max(r => r.Name.Length)) + 2;
        foreach ((string name, string help) in rows)
        {
            string[] lines = [.. Wrapped(help, Width - Indent - column)];
            bool beside = name.Length + 2 <= column;
            text.Append(' ', Indent).Append(beside ? name.PadRight(column) : name);
            if (!beside) text.AppendLine().Append(' ', Indent + column);
            text.AppendLine(lines.FirstOrDefault() ?? "");
            foreach (string line in lines.Skip(1)) text.Append(' ', Indent + column).AppendLine(line);
        }
    }

    static string FirstSentence(string text) =>
        text.IndexOf(". ", StringComparison.Ordinal) is > 0 and int end ? text[..end] : text.TrimEnd('.');

    static IEnumerable<string> Wrapped(string text, int width)
    {
        foreach (string paragraph in text.Split('\n'))
        {
            var line = new StringBuilder();
            foreach (string word in paragraph.Split(' '))
            {
                if (line.Length > 0 && line.Length + 1 + word.Length > width)
                {
                    yield return line.ToString();
                    line.Clear();
                }
                if (line.Length > 0) line.Append(' ');
                line.Append(word);
            }
            yield return line.ToString();
        }
    }
}
