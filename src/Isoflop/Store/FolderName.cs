namespace Isoflop.Store;

/// <summary>Names that become folders of a workspace: of corpora, runs, studies and searches.</summary>
static class FolderName
{
    const int MaxLength = 150;                                      // file systems allow 255 bytes; files beside add to it

    static readonly string Rule =
        $"becomes a folder: letters, digits, '-', '_' and '.', neither '.' nor '-' first, {MaxLength} at most";

    /// <summary>Leads nowhere but to a folder of its own, and lies on no terminal.</summary>
    public static bool IsGood(string name) => name.Length is > 0 and <= MaxLength && name[0] is not ('.' or '-')
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>What is wrong with it: the setting, the value, the rule, an example; null: nothing.</summary>
    public static string? Problem(string key, string name) => IsGood(name) ? null : $"{key}='{name}' {Rule}; try {Near(name)}";

    /// <exception cref="ConfigException">It is none; says what is wrong with it.</exception>
    public static string Checked(string key, string name) =>
        Problem(key, name) is { } problem ? throw new ConfigException(problem) : name;

    /// <summary>A name like it that is good.</summary>
    static string Near(string name)
    {
        string plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'))
            .Trim('.', '-');
        return plain.Length == 0 ? "run-1" : plain[..Math.Min(plain.Length, MaxLength)];
    }
}
