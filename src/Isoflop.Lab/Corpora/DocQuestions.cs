using System.Text;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// Questions about the documentation of .NET that its first sentences answer, of the types that one meets first. To each question
/// there is one answer: of a method's overloads the first one's.
/// </summary>
static class DocQuestions
{
    const int Shortest = 20, Longest = 160;

    static readonly HashSet<string> spaces =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Text", "System.Threading",
        "System.Threading.Tasks", "System.Text.Json", "System.Net.Http",
    ];

    // Whose members are asked for too: a small model cannot keep them all.
    static readonly HashSet<string> members =
    [
        "String", "Math", "Console", "Convert", "DateTime", "TimeSpan", "Array", "Random", "Environment", "List<T>",
        "Dictionary<TKey, TValue>", "HashSet<T>", "Queue<T>", "Stack<T>", "File", "Path", "Directory", "Stream", "StringBuilder",
        "Enumerable", "Task", "Thread", "Interlocked", "JsonSerializer", "HttpClient",
    ];

    /// <summary>All of them; none where no SDK has documentation.</summary>
    public static IReadOnlyList<(string Ask, string Say)> All()
    {
        List<(string Pack, List<SourceFile> Files)> packs;
        try
        {
            packs = ReferenceDocs.Find();
        }
        catch (ConfigException)
        {
            return [];
        }
        var all = new OrderedDictionary<string, string>();
        foreach (SourceFile file in packs[0].Files)
            foreach (TextDocument type in ReferenceDocs.Parse(file.Path)) Add(Encoding.UTF8.GetString(type.Utf8.Span), all);
        return [.. all.Select(a => (a.Key, a.Value))];
    }

    /// <summary>A type's document: "NAME, in NAMESPACE", what it says, then its members behind blank lines.</summary>
    internal static void Add(string document, OrderedDictionary<string, string> into)
    {
        string[] lines = document.Split('\n');
        int at = lines[0].IndexOf(", in ", StringComparison.Ordinal);
        if (at < 0 || !spaces.Contains(lines[0][(at + 5)..]) || lines.Length < 2 || First(lines[1]) is not { } says) return;
        string name = lines[0][..at];
        foreach (string ask in (string[])[$"What is {name}?", $"What is {name} in .NET?", $"Explain {name}."])
            into.TryAdd(ask, says);
        into.TryAdd($"Which namespace is {name} in?", $"{name} is in {lines[0][(at + 5)..]}.");
        for (int i = 2; members.Contains(name) && i + 1 < lines.Length; i++)
        {
            // A method: its heading has its parameters.
            if (lines[i - 1].Length > 0 || lines[i].IndexOf('(') is not (> 0 and int end) || First(lines[i + 1]) is not { } does)
                continue;
            string member = lines[i][..end];
            if (!member.Contains(' ')) into.TryAdd($"What does {member} do?", does);
        }
    }

    /// <summary>A line's first sentence, if it is one to remember.</summary>
    static string? First(string line)
    {
        int end = line.IndexOf(". ", StringComparison.Ordinal);
        string sentence = end < 0 ? line : line[..(end + 1)];
        return sentence.Length is >= Shortest and <= Longest && char.IsAsciiLetterUpper(sentence[0]) && sentence.EndsWith('.')
            ? sentence : null;
    }
}
