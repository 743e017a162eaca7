namespace Isoflop.Tasks;

/// <summary>
/// <c>21345 34512</c>: products in S₅, the smallest group whose word problem is complete for NC¹ (Barrington 1989): a model of
/// constant depth cannot do it at once. Each word q takes the list p to p[q₁] … p[q₅].
/// </summary>
sealed class Permutations : Serial
{
    static readonly int[] Words = [2, 3, 4, 6, 8, 12];

    public override string Name => "permutations";
    public override string Summary => "Permutations of 12345, applied one after the other: where the list ends";
    public override int Levels => Words.Length;
    public override double Chance(int level) => 1.0 / 120;
    public override long? Size(int level) => level <= 2 ? (long)Math.Pow(120, Words[level - 1]) : null;
    protected override string Symbols => "12345 |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int[] list = [0, 1, 2, 3, 4];
        var words = new string[Words[level - 1]];
        for (int w = 0; w < words.Length; w++)
        {
            int[] order = rng.Order(5);
            words[w] = string.Concat(order.Select(i => i + 1));
            list = [.. order.Select(i => list[i])];
        }
        return new(string.Join(' ', words), string.Concat(list.Select(i => i + 1)));
    }

    /// <summary>A word that leaves all in place says nothing.</summary>
    protected override string ContentOf(string prompt) => string.Join(' ', prompt.Split(' ').Where(w => w != "12345"));

    protected override List<string> States(string prompt)
    {
        List<string> states = [];
        string list = "12345";
        foreach (string word in prompt.Split(' ')) states.Add(list = string.Concat(word.Select(c => list[c - '1'])));
        return states;
    }
}
