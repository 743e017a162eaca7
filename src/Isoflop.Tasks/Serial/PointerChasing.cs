namespace Isoflop.Tasks;

/// <summary><c>cb ad dc ba a 3</c>: c points to b and so on, all in one ring; from a, three pointers on.</summary>
sealed class PointerChasing : Serial
{
    static readonly (int Letters, int Hops)[] Dial = [(6, 3), (8, 4), (10, 6), (14, 9), (20, 14), (26, 20)];

    public override string Name => "pointer-chasing";
    public override string Summary => "Pairs from-to, then a start and a number of hops; the letter they end at";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => 1.0 / (Dial[level - 1].Letters - 1);               // never the start
    protected override string Symbols => "abcdefghijklmnopqrstuvwxyz 0123456789|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int hops) = Dial[level - 1];
        int[] ring = rng.Order(n);
        int start = rng.NextInt(n);
        hops -= rng.NextInt(Math.Max(1, hops / 3));
        IEnumerable<string> pairs = rng.Order(n).Select(i => $"{Letter(ring[i])}{Letter(ring[(i + 1) % n])}");
        return new($"{string.Join(' ', pairs)} {Letter(ring[start])} {hops}", Letter(ring[(start + hops) % n]).ToString());
    }

    protected override List<string> States(string prompt)
    {
        string[] parts = prompt.Split(' ');
        char at = parts[^2][0];
        List<string> states = [];
        for (int hops = Numbers.Own(parts[^1]); hops > 0; hops--) states.Add((at = parts.First(p => p[0] == at)[1]).ToString());
        return states;
    }

    /// <summary>The way from the start to the end: pairs in any order, and those that are not on it, say nothing.</summary>
    protected override string ContentOf(string prompt) => prompt.Split(' ')[^2] + string.Concat(States(prompt));

    static char Letter(int i) => (char)('a' + i);
}
