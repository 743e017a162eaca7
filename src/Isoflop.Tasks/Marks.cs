namespace Isoflop.Tasks;

/// <summary>
/// Signs that thoughts of all families share, so that one reader counts what they do. Choices of an attempt are words with a
/// space between, and words are free of marks. Where a family has nothing to choose its thought is a derivation: words and spaces
/// alone.
/// </summary>
public static class Marks
{
    /// <summary>This attempt failed; the next one starts from nothing.</summary>
    public const char Failed = ';';
    /// <summary>Checked: the choices so far lead nowhere. Steps back follow.</summary>
    public const char DeadEnd = '?';
    /// <summary>Takes the last choice back; the others stay.</summary>
    public const char Back = '~';
    /// <summary>Checked: right.</summary>
    public const char Solved = '!';
    /// <summary>The word before it names what is to be reached next.</summary>
    public const char Goal = ':';
    /// <summary>The text before it is the answer, said before its proof.</summary>
    public const char Said = '|';

    /// <summary>All of them.</summary>
    public const string All = ";?~!:|";
}
