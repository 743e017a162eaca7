using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// <c>345+678</c>: whole numbers. The thought adds column by column from the right, carry last: <c>5+8=13 4+7+1=12</c>.
/// </summary>
sealed class Addition : TaskFamily
{
    static readonly int[] Digits = [2, 3, 4, 6, 8, 12];

    public override string Name => "addition";
    public override string Group => "arithmetic";
    public override string Summary => "a+b: the sum";
    public override int Levels => Digits.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => level == 1 ? 0.012 : 0.002;      // sums near the middle
    public override long? Size(int level) => level switch { 1 => 90 * 91 / 2, 2 => 900 * 901 / 2, _ => null };
    protected override string Symbols => "0123456789+= |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        long low = (long)Math.Pow(10, Digits[level - 1] - 1), a = low + (long)(rng.NextDouble() * 9 * low),
            b = low + (long)(rng.NextDouble() * 9 * low);
        return new($"{a}+{b}", Numbers.Text(a + b));
    }

    public override string Solve(TaskItem item) => Columns(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Columns(item.Prompt);

    /// <summary>By columns, as at school: of any length.</summary>
    static Derivation Columns(string prompt)
    {
        string[] parts = prompt.Split('+');
        var text = new StringBuilder();
        string sum = "";
        int carry = 0;
        for (int i = 1; i <= Math.Max(parts[0].Length, parts[1].Length); i++)
        {
            int a = i <= parts[0].Length ? parts[0][^i] - '0' : 0, b = i <= parts[1].Length ? parts[1][^i] - '0' : 0;
            int column = a + b + carry;
            text.Append(i > 1 ? " " : "").Append(a).Append('+').Append(b).Append(carry > 0 ? "+1" : "").Append('=')
                .Append(column);
            sum = Numbers.Text(column % 10) + sum;
            carry = column / 10;
        }
        return new(text.ToString(), carry > 0 ? $"1{sum}" : sum);
    }

    protected override string ContentOf(string prompt)
    {
        string[] parts = prompt.Split('+');
        return Content.Unordered(parts[0], '+', parts[1]);
    }
}
