namespace Isoflop.Tasks;

/// <summary>
/// <c>3x+5=20</c>, <c>7x-4=2x+11</c>, <c>3(x-2)+5=x+9</c>, then numbers of two digits: x is a whole number. The thought
/// multiplies out, collects and divides.
/// </summary>
sealed class LinearEquation : TaskFamily
{
    public override string Name => "linear-equation";
    public override string Group => "arithmetic";
    public override string Summary => "An equation in x: the whole number x";
    public override int Levels => 4;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => level switch { 1 => 1.0 / 18, < 4 => 1.0 / 38, _ => 1.0 / 98 };
    protected override string Symbols => "0123456789x+-=() |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int most = level switch { 1 => 9, < 4 => 19, _ => 49 }, scale = level < 4 ? 9 : 29;
        int x = rng.Between(1, most) * (rng.Chance(0.5) ? -1 : 1), a = rng.Between(2, scale), b = Signed(2 * scale, ref rng);
        if (level == 1) return new($"{a}x{b:+0;-0}={a * x + b}", Numbers.Text(x));
        int c = rng.Between(1, scale), d = a * x + b - c * x;
        if (level == 2) return c == a || d == 0 ? null : new($"{a}x{b:+0;-0}={Term(c)}{d:+0;-0}", Numbers.Text(x));
        int e = Signed(scale, ref rng), rest = a * (x + e) + b - c * x;
        return c == a || rest == 0 || a * e + b == 0 ? null : new($"{a}(x{e:+0;-0}){b:+0;-0}={Term(c)}{rest:+0;-0}",
            Numbers.Text(x));
    }

    static int Signed(int most, ref Rng rng) => rng.Between(1, most) * (rng.Chance(0.5) ? -1 : 1);

    static string Term(int c) => c == 1 ? "x" : $"{Numbers.Text(c)}x";

    public override string Solve(TaskItem item) => Steps(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Steps(item.Prompt);

    static Derivation Steps(string prompt)
    {
        string[] sides = prompt.Split('=');
        string thought = "";
        (int a, int b) = Side(sides[0]);
        (int c, int d) = Side(sides[1]);
        if (sides[0].Contains('(')) thought += $"{Term(a)}{b:+0;-0}={sides[1]} ";
        if (c != 0) thought += $"{Collected(a - c)}{b:+0;-0}={d} ";
        thought += $"{Collected(a - c)}={d - b}";
        return new(thought, Numbers.Text((d - b) / (a - c)));

        static string Collected(int n) => n switch { 1 => "x", -1 => "-x", _ => $"{Numbers.Text(n)}x" };
    }

    /// <summary>Both sides multiplied out, in either order.</summary>
    protected override string ContentOf(string prompt)
    {
        string[] sides = prompt.Split('=');
        return Content.Unordered(Side(sides[0]).ToString(), '=', Side(sides[1]).ToString());
    }

    /// <summary>A side as (factor of x, constant).</summary>
    static (int Factor, int Constant) Side(string side)
    {
        int at = 0, factor = 0, constant = 0;
        while (at < side.Length)
        {
            int start = at++;
            if (side[start] != 'x')
                while (at < side.Length && char.IsAsciiDigit(side[at])) at++;
            string sign = side[start..at];
            int n = sign is "x" or "+" ? 1 : sign == "-" ? -1 : Numbers.Own(sign);
            if (at < side.Length && side[at] == '(')
            {
                int close = side.IndexOf(')', at);
                factor += n;
                constant += n * Numbers.Own(side.AsSpan(at + 2, close - at - 2));
                at = close + 1;
            }
            else if (sign == "x") factor++;
            else if (at < side.Length && side[at] == 'x') (factor, at) = (factor + n, at + 1);
            else constant += n;
        }
        return (factor, constant);
    }
}
