namespace Isoflop.Tasks;

/// <summary>
/// Normal forms that several families share, see <see cref="TaskFamily.ContentOf"/>. A form may be the same for questions that
/// differ, which then stand in one split; never different for one question in two dresses.
/// </summary>
static class Content
{
    /// <summary>The first of several writings of one thing.</summary>
    public static string First(params ReadOnlySpan<string> writings)
    {
        string first = writings[0];
        foreach (string writing in writings)
            if (string.CompareOrdinal(writing, first) < 0) first = writing;
        return first;
    }

    /// <summary>a and b with a sign between, in either order.</summary>
    public static string Unordered(string a, char sign, string b) => First($"{a}{sign}{b}", $"{b}{sign}{a}");

    /// <summary>A square board, row by row, however it is turned or mirrored.</summary>
    public static string OfBoard(ReadOnlySpan<char> cells, int n)
    {
        var writings = new string[8];
        var turned = new char[n * n];
        for (int way = 0; way < 8; way++)
        {
            for (int row = 0; row < n; row++)
                for (int column = 0; column < n; column++)
                {
                    (int r, int c) = (way & 1) == 0 ? (row, column) : (column, row);
                    turned[row * n + column] = cells[((way & 2) == 0 ? r : n - 1 - r) * n + ((way & 4) == 0 ? c : n - 1 - c)];
                }
            writings[way] = new(turned);
        }
        return First(writings);
    }

    /// <summary>
    /// A graph whatever its nodes are called: colours are refined by those of the neighbours until no class of nodes falls apart
    /// any more (Weisfeiler &amp; Leman 1968).
    /// </summary>
    /// <param name="kinds">of each node</param>
    /// <param name="arcs">from, to and kind; an edge without direction is two</param>
    public static string OfGraph(ReadOnlySpan<int> kinds, IReadOnlyCollection<(int From, int To, int Kind)> arcs)
    {
        ulong[] colours = new ulong[kinds.Length], next = new ulong[kinds.Length];
        for (int i = 0; i < kinds.Length; i++) colours[i] = Mixed((ulong)kinds[i]);
        for (int classes = 0; ;)
        {
            for (int i = 0; i < next.Length; i++) next[i] = Mixed(colours[i] + 1);
            foreach ((int from, int to, int kind) in arcs)
            {
                next[from] += Mixed(colours[to] + Mixed(2 * (ulong)kind));
                next[to] += Mixed(colours[from] + Mixed(2 * (ulong)kind + 1));
            }
            (colours, next) = (next, colours);
            int now = colours.Distinct().Count();
            if (now == classes) break;
            classes = now;
        }
        ulong sum = 0;
        foreach (ulong colour in colours) sum += Mixed(colour);
        return $"{sum:x16}";
    }

    /// <summary>Steele, Lea &amp; Flood 2014: SplitMix64.</summary>
    static ulong Mixed(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
