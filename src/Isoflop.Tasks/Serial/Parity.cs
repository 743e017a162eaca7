namespace Isoflop.Tasks;

/// <summary><c>0110</c>: is the number of ones odd? The thought is the running parity, a digit a bit.</summary>
sealed class Parity : TaskFamily
{
    static readonly int[] Bits = [8, 12, 16, 24, 32, 48];

    public override string Name => "parity";
    public override string Group => "serial";
    public override string Summary => "Bits; 1 if the number of ones is odd, else 0";
    public override int Levels => Bits.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => 0.5;
    public override long? Size(int level) => 1L << Bits[level - 1];
    public override long? Candidates(int level) => 2;
    protected override string Symbols => "01|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        var bits = new char[Bits[level - 1]];
        foreach (ref char bit in bits.AsSpan()) bit = (char)('0' + rng.NextInt(2));
        return new(new(bits), bits.Count(b => b == '1') % 2 == 1 ? "1" : "0");
    }

    public override string Solve(TaskItem item) => Running(item.Prompt)[^1..];

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new(Running(item.Prompt), Solve(item));

    protected override int Slips(TaskItem item, string thought)
    {
        int slips = 0;
        for (int i = 0; i < thought.Length && i < item.Prompt.Length; i++)
            if (thought[i] - '0' != ((i == 0 ? 0 : thought[i - 1] - '0') ^ (item.Prompt[i] - '0'))) slips++;
        return slips;
    }

    static string Running(string bits)
    {
        int odd = 0;
        return string.Concat(bits.Select(b => (odd ^= b - '0').ToString()));
    }
}
