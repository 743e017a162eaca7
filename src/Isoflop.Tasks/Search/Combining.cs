using System.Diagnostics;
using System.Globalization;

namespace Isoflop.Tasks;

/// <summary>
/// Numbers are combined two by two until a target stands there, each step an equation: <c>8-5=3 3*9=27?~9-3=6 6*4=24!</c>. Whole
/// numbers above 0 only; what can be reached with fractions alone is found by <see cref="Exact"/>.
/// </summary>
sealed class Combining : WrittenSearch<Combining.Step>
{
    /// <summary>a ∘ b = value.</summary>
    public readonly record struct Step(int A, char Sign, int B, int Value);

    /// <summary>Larger values are not written down.</summary>
    public const int Largest = 2000;

    readonly record struct Part(int Value, string Text, bool IsSum);

    readonly int target;
    readonly bool all;
    readonly IReadOnlyList<Step> solution;
    readonly Stack<List<Part>> before = [];
    List<Part> parts;

    /// <param name="all">every number must be used</param>
    public Combining(IEnumerable<int> numbers, int target, bool all, IReadOnlyList<Step> solution)
    {
        (this.target, this.all, this.solution) = (target, all, solution);
        parts = [.. numbers.Select(n => new Part(n, n.ToString(CultureInfo.InvariantCulture), false))];
    }

    /// <summary>The expression that hits the target, after <see cref="WrittenSearch{T}.Write"/>.</summary>
    public string Answer => parts[^1].Text;

    /// <summary>Steps from these numbers to the target, or null: all orders are tried.</summary>
    public static List<Step>? Search(int[] numbers, int target, bool all)
    {
        List<Step> steps = [];
        return Reach([.. numbers]) ? steps : null;

        bool Reach(List<int> left)
        {
            if (left.Count == 1) return false;
            foreach (Step step in StepsOf(left))
            {
                List<int> next = [.. left];
                next.Remove(step.A);
                next.Remove(step.B);
                next.Add(step.Value);
                steps.Add(step);
                if ((step.Value == target && (!all || next.Count == 1)) || Reach(next)) return true;
                steps.RemoveAt(steps.Count - 1);
            }
            return false;
        }
    }

    /// <summary>An expression over all four numbers that is exactly the target, fractions allowed; null: there is none.</summary>
    public static string? Exact(int[] numbers, int target)
    {
        return Reach([.. numbers.Select(n => ((double)n, n.ToString(CultureInfo.InvariantCulture)))]);

        // Doubles are safe here: of four numbers up to 13 different values lie more than 1e-6 apart; the parser has the last
        // word.
        string? Reach(List<(double Value, string Text)> left)
        {
            if (left.Count == 1) return Math.Abs(left[0].Value - target) < 1e-9 ? left[0].Text : null;
            for (int i = 0; i < left.Count; i++)
                for (int j = 0; j < left.Count; j++)
                {
                    if (i == j) continue;
                    foreach (char sign in "+-*/")
                    {
                        ((double a, string x), (double b, string y)) = (left[i], left[j]);
                        if ((sign is '+' or '*' && i > j) || (sign == '/' && Math.Abs(b) < 1e-9)) continue;
                        double value = sign switch { '+' => a + b, '-' => a - b, '*' => a * b, _ => a / b };
                        List<(double, string)> next = [.. left.Where((_, k) => k != i && k != j), (value, $"({x}{sign}{y})")];
                        if (Reach(next) is { } found) return left.Count == numbers.Length ? found[1..^1] : found;
                    }
                }
            return null;
        }
    }

    static IEnumerable<Step> StepsOf(IReadOnlyList<int> left)
    {
        HashSet<(int, int)> pairs = [];
        for (int i = 0; i < left.Count; i++)
            for (int j = i + 1; j < left.Count; j++)
            {
                (int a, int b) = (Math.Max(left[i], left[j]), Math.Min(left[i], left[j]));
                if (!pairs.Add((a, b))) continue;
                if (a + b <= Largest) yield return new(a, '+', b, a + b);
                if (a > b) yield return new(a, '-', b, a - b);
                if (b > 1 && a * b <= Largest) yield return new(a, '*', b, a * b);
                if (b > 1 && a % b == 0) yield return new(a, '/', b, a / b);
            }
    }

    protected override Step[] Options(ref Rng rng) =>
        parts.Count == 1 ? [] : rng.Shuffle([.. StepsOf([.. parts.Select(p => p.Value)])]);

    protected override NodeState Push(Step choice)
    {
        int i = parts.FindIndex(p => p.Value == choice.A), j = parts.FindLastIndex(p => p.Value == choice.B);
        Debug.Assert(i != j);                                    // of two equal values the first and the last
        (Part a, Part b) = (parts[i], parts[j]);
        before.Push(parts);
        parts = [.. parts.Where((_, k) => k != i && k != j)];
        bool sum = choice.Sign is '+' or '-';
        string left = a.IsSum && !sum ? $"({a.Text})" : a.Text;
        bool bare = choice.Sign == '+' || !Composite(b.Text) || (choice.Sign is '-' or '*' && !b.IsSum);
        parts.Add(new(choice.Value, $"{left}{choice.Sign}{(bare ? b.Text : $"({b.Text})")}", sum));
        return choice.Value == target && (!all || parts.Count == 1) ? NodeState.Solved
            : parts.Count == 1 ? NodeState.Dead : NodeState.Open;

        static bool Composite(string text) => !text.All(char.IsAsciiDigit);
    }

    protected override void Pop(Step choice) => parts = before.Pop();

    protected override string Say(Step choice) => $"{choice.A}{choice.Sign}{choice.B}={choice.Value}";

    protected override bool IsOnWay(Step choice) => before.Count < solution.Count && solution[before.Count] == choice;
}
