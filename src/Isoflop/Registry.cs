using System.Text.RegularExpressions;
using Isoflop.Train;

namespace Isoflop;

/// <summary>
/// Things of one kind by name: those that are built in, then those registered, in order. Any thread may read and register.
/// </summary>
/// <param name="what">the kind, in messages: "task"</param>
/// <param name="nameOf">words in lower case with hyphens between</param>
sealed class Registry<T>(string what, Func<T, string> nameOf, IReadOnlyList<T> builtIn) where T : class
{
    readonly Lock gate = new();
    volatile IReadOnlyList<T> all = builtIn;

    /// <summary>As it is now; a later registration leaves this list alone.</summary>
    public IReadOnlyList<T> All => all;

    /// <exception cref="ConfigException">A name that is none, or is taken.</exception>
    public void Add(T one)
    {
        string name = nameOf(one);
        if (!Registries.IsName(name))
            throw new ConfigException($"{what} '{name}' ({one.GetType()}): a name is words of a-z and 0-9 with hyphens between");
        lock (gate)
        {
            if (all.FirstOrDefault(o => nameOf(o) == name) is { } other)
                throw new ConfigException($"{what} '{name}' ({one.GetType()}): {other.GetType()} has that name; choose another");
            all = [.. all, one];
        }
    }

    /// <param name="also">other ways to name one, for the message</param>
    /// <exception cref="ConfigException">There is none; names those there are.</exception>
    public T Find(string name, string also = "")
    {
        if (all.FirstOrDefault(o => nameOf(o) == name) is { } found) return found;
        string meant = SettingsJson.Nearest(name, all.Select(nameOf)) is { } near ? $"; did you mean {near}?" : ";";
        throw new ConfigException($"no {what} '{name}'{meant} there are: {string.Join(", ", all.Select(nameOf))}{also}");
    }
}

/// <summary>What names are made of.</summary>
static partial class Registries
{
    /// <summary>Words of a-z and 0-9 with hyphens between.</summary>
    public static bool IsName(string? name) => name is not null && Name().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9]+(-[a-z0-9]+)*\z")]
    private static partial Regex Name();
}
