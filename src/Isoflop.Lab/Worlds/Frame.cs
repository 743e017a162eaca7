using System.Text;

namespace Isoflop.Lab.Worlds;

/// <summary>
/// A sentence with open places: <c>{list}</c> draws a word of <see cref="Lexicon"/> that the sentence does not have yet,
/// <c>{list:x}</c> also remembers it, <c>{x}</c> says it again; <c>[right|wrong|…]</c> is the deciding place, each part a word or
/// <c>@list</c>; <c>a~</c> is the article that the next word asks for. A frame begins with a capital letter whatever comes first.
/// </summary>
sealed class Frame
{
    readonly string text, id;
    readonly string[] choices;                                   // empty: the caller gives them
    readonly int open, close;

    /// <summary>Reads a frame.</summary>
    public Frame(string text, string id)
    {
        (this.text, this.id) = (text, id);
        (open, close) = (text.IndexOf('['), text.IndexOf(']'));
        if (open < 0 || close < open) throw new ArgumentException($"frame '{text}' has no deciding place");
        choices = close == open + 1 ? [] : text[(open + 1)..close].Split('|');
    }

    /// <summary>Whether it can stand in a clause: no label, no question.</summary>
    public bool IsSentence => !text.Contains(": ") && !text.Contains('?') && !text.Contains("}, ");

    /// <summary>Reads a block of frames: a line each, the level first.</summary>
    public static Frame[][] Block(string family, string block)
    {
        (int Level, string Text)[] lines = [.. block.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => (l[0] - '0', l[2..].Trim()))];
        return [.. Enumerable.Range(1, lines.Max(l => l.Level)).Select(level => lines.Where(l => l.Level == level)
            .Select((l, i) => new Frame(l.Text, $"{family}.{level}.{i + 1}")).ToArray())];
    }

    /// <summary>Fills the places.</summary>
    /// <param name="values">words that are drawn already, by name; the rest is drawn here</param>
    /// <param name="answer">for an empty deciding place; null: the frame has its own</param>
    /// <param name="others">wrong answers</param> <param name="before">text in front of the frame</param>
    public Statement Say(Draw draw, Dictionary<string, string>? values = null, string? answer = null,
        IReadOnlyList<string>? others = null, string before = "")
    {
        var known = values is null ? [] : new Dictionary<string, string>(values);
        var taken = new List<string>(known.Values);
        string prompt = Fill(text[..open], draw, known, taken);
        bool spaced = prompt.EndsWith(' ');
        prompt = prompt.TrimEnd(' ');
        bool opened = before.Length > 0 && !before.EndsWith(". ", StringComparison.Ordinal);
        if (!opened) prompt = Capital(prompt);
        else if (text[0] != '{') prompt = char.ToLowerInvariant(prompt[0]) + prompt[1..];
        string lead = spaced ? " " : "";
        if (choices.Length > 0)
        {
            answer = Choice(choices[0], draw, taken, shown: true);
            var wrong = new List<string>();
            foreach (string choice in choices.AsSpan(1)) wrong.Add(Choice(choice, draw, taken, shown: false));
            others = wrong;
        }
        if (prompt.Length == 0) answer = Capital(answer!);
        return new(before + prompt, lead + answer, [.. others!.Select(o => lead + o)], Fill(text[(close + 1)..], draw, known,
            taken), id)
        {
            Key = Capital(prompt) + lead + answer,                // whatever stands before it
        };
    }

    static string Choice(string choice, Draw draw, List<string> taken, bool shown)
    {
        if (choice[0] != '@') return choice;
        string word = draw.Pick(Lexicon.List(choice[1..]), taken, shown);
        taken.Add(word);
        return word;
    }

    static string Fill(string part, Draw draw, Dictionary<string, string> known, List<string> taken)
    {
        var said = new StringBuilder(part.Length * 2);
        for (int at = 0; at < part.Length;)
        {
            int brace = part.IndexOf('{', at);
            if (brace < 0) brace = part.Length;
            said.Append(part, at, brace - at);
            if (brace == part.Length) break;
            at = part.IndexOf('}', brace) + 1;
            string name = part[(brace + 1)..(at - 1)];
            int colon = name.IndexOf(':');
            if (!known.TryGetValue(name, out string? word))
            {
                word = draw.Pick(Lexicon.List(colon < 0 ? name : name[..colon]), taken);
                taken.Add(word);
                if (colon >= 0) known[name[(colon + 1)..]] = word;
            }
            said.Append(word);
        }
        for (int i = said.Length - 1; i > 0; i--)
            if (said[i] == '~')
            {
                bool vowel = i + 2 < said.Length && "aeiou".Contains(char.ToLowerInvariant(said[i + 2]))
                    && !(i + 4 < said.Length && said[i + 2] == 'u' && said[i + 3] == 's');              // a useless
                if (vowel) said[i] = 'n';
                else said.Remove(i, 1);
            }
        return said.ToString();
    }

    internal static string Capital(string text) =>
        text.Length > 0 && char.IsLower(text[0]) ? char.ToUpperInvariant(text[0]) + text[1..] : text;
}
