using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// <c>5xx=14%31</c>: an x with 5·x² ≡ 14 (mod 31). Easy to check; no way to find one but to try, for who knows no number theory.
/// An attempt is <c>x y</c>, y = a·x² mod p.
/// </summary>
sealed class ModularRoot : TaskFamily
{
    static readonly int[] Primes = [13, 31, 61, 127, 251];

    public override string Name => "modular-root";
    public override string Group => "search";
    public override string Summary => "axx=t%p: a whole number x from 1 to p-1 with a*x*x = t modulo p";
    public override int Levels => Primes.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => 2.0 / (Primes[level - 1] - 1);
    public override long? Size(int level) => (Primes[level - 1] - 1L) * (Primes[level - 1] - 1) / 2;
    public override bool HasCheck => true;
    public override long? Candidates(int level) => Primes[level - 1] - 1;
    protected override string Symbols => "0123456789x=% ;!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int p = Primes[level - 1], a = rng.Between(1, p - 1), x = rng.Between(1, p - 1);
        return new($"{a}xx={a * x * x % p}%{p}");
    }

    /// <summary>Tries all.</summary>
    public override string Solve(TaskItem item)
    {
        (int a, int t, int p) = Read(item.Prompt);
        for (int x = 1; x < p; x++)
            if (a * x * x % p == t) return Numbers.Text(x);
        throw new ArgumentException($"{item.Prompt} has no solution");
    }

    protected override bool Fulfils(string prompt, string answer)
    {
        (int a, int t, int p) = Read(prompt);
        return Numbers.Whole(answer) is { } x && x > 0 && x < p && a * x * x % p == t;
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        (int a, int t, int p) = Read(item.Prompt);
        var text = new StringBuilder();
        foreach (int tried in explore ? rng.Order(p - 1) : [Numbers.Own(Solve(item)) - 1])
        {
            int x = tried + 1, y = a * x * x % p;
            text.Append(x).Append(' ').Append(y).Append(y == t ? Marks.Solved : Marks.Failed);
            if (y == t) return new(text.ToString(), Numbers.Text(x));
        }
        throw new ArgumentException($"{item.Prompt} has no solution");
    }

    protected override int Slips(TaskItem item, string thought)
    {
        (int a, _, int p) = Read(item.Prompt);
        int slips = 0;
        foreach (string attempt in thought.Split(Marks.Failed, Marks.Solved))
            if (Numbers.List(attempt, 2) is [int x, int y] && (long)x % p * x % p * a % p != y) slips++;
        return slips;
    }

    static (int A, int T, int P) Read(string prompt)
    {
        int equal = prompt.IndexOf('='), sign = prompt.IndexOf('%');
        return (Numbers.Own(prompt.AsSpan(0, equal - 2)), Numbers.Own(prompt.AsSpan(equal + 1, sign - equal - 1)),
            Numbers.Own(prompt.AsSpan(sign + 1)));
    }
}
