namespace Isoflop.Tasks;

/// <summary>
/// <c>5^2^3%23</c>: 5 squared three times modulo 23. No way is known to do it in fewer steps (Rivest, Shamir &amp; Wagner 1996).
/// p ≡ 3 (mod 4), so that squaring permutes the squares.
/// </summary>
sealed class IteratedSquaring : Serial
{
    static readonly int[] Primes = [19, 23, 31, 43, 47, 59, 67, 71, 79, 83];
    static readonly int[] Squarings = [2, 3, 4, 6, 9, 12];

    public override string Name => "iterated-squaring";
    public override string Summary => "x^2^k%p: x squared k times modulo p";
    public override int Levels => Squarings.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => 0.055;           // a small square, over all primes
    public override long? Size(int level) => Primes.Sum(p => p - 3);
    public override long? Questions(int level) => Size(level) / 2;
    protected override string Symbols => "0123456789^% |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int p = rng.Pick<int>(Primes), x = rng.Between(2, p - 2), k = Squarings[level - 1];
        int power = 1, value = x;
        for (int i = 0; i < k; i++) power = power * 2 % (p - 1);                 // 2^k modulo the group's order: Fermat
        for (int i = 1; i < (power == 0 ? p - 1 : power); i++) value = value * x % p;
        return new($"{x}^2^{k}%{p}", Numbers.Text(value));
    }

    /// <summary>x and p − x have the same square.</summary>
    protected override string ContentOf(string prompt)
    {
        string[] parts = prompt.Split('^', '%');
        int x = Numbers.Own(parts[0]), p = Numbers.Own(parts[3]);
        return $"{Math.Min(x, p - x)}^2^{parts[2]}%{p}";
    }

    protected override List<string> States(string prompt)
    {
        string[] parts = prompt.Split('^', '%');
        int x = Numbers.Own(parts[0]), p = Numbers.Own(parts[3]);
        List<string> states = [];
        for (int k = Numbers.Own(parts[2]); k > 0; k--) states.Add(Numbers.Text(x = x * x % p));
        return states;
    }
}
