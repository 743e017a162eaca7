using System.CommandLine;

namespace Isoflop.Cli;

/// <summary>A command with examples at the end of its help.</summary>
sealed class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples => examples;

    /// <summary>What it stands under in the list of all commands.</summary>
    public string Group { get; set; } = "";

    /// <summary>More of its help: a title, and rows of name and explanation, such as the settings of a recipe.</summary>
    public IReadOnlyList<(string Title, IReadOnlyList<(string Name, string Help)> Rows)> Sections { get; set; } = [];

    /// <summary>What the command does. The result is the exit code; mistakes are thrown, see <see cref="App"/>.</summary>
    public void Runs(Func<Invocation, int> run) => SetAction(parsed => run(App.Current(parsed)));
}
