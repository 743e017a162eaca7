using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// <c>34+5-d+</c>: digits are pushed; + and - take two and push the result modulo 10; d doubles the top, s swaps the top two.
/// </summary>
sealed class StackMachine : Serial
{
    const int Deepest = 4;
    static readonly int[] Steps = [5, 7, 10, 14, 20, 28];

    public override string Name => "stack-machine";
    public override string Summary =>
        "A program: digits push, + and - combine the top two modulo 10, d copies the top, s swaps; the top at the end";
    public override int Levels => Steps.Length;
    public override bool AnswersAreNumbers => true;
    // d before - gives 0; programs may end on a digit that stands there
    public override double Chance(int level) => 0.2;
    protected override string Symbols => "0123456789+-ds |";
    protected override string AnswerOf(string state) => state[^1..];

    protected override Draft? Draw(int level, ref Rng rng)
    {
        var stack = new Stack<int>();
        var program = new StringBuilder();
        while (program.Length < Steps[level - 1])
        {
            // an operation: no answer that merely stands there
            bool last = program.Length == Steps[level - 1] - 1;
            if (last && stack.Count < 2) return null;
            char step = stack.Count < 2 ? (char)('0' + rng.NextInt(10)) : last || stack.Count == Deepest ? rng.Pick("+-")
                : rng.Chance(0.4) ? (char)('0' + rng.NextInt(10)) : rng.Pick("++--ds");
            if (program.Length > 0 && step == 's' && program[^1] is 's' or 'd') continue;           // would change nothing
            program.Append(step);
            switch (step)
            {
                case '+': stack.Push((stack.Pop() + stack.Pop()) % 10); break;
                case '-': stack.Push((10 - stack.Pop() + stack.Pop()) % 10); break;
                case 'd': stack.Push(stack.Peek()); break;
                case 's':
                    int top = stack.Pop(), below = stack.Pop();
                    stack.Push(top);
                    stack.Push(below);
                    break;
                default: stack.Push(step - '0'); break;
            }
        }
        return new(program.ToString(), Numbers.Text(stack.Peek()));
    }

    /// <summary>How often each digit is added into the last top, modulo 10: sums in any order, and nothing below it.</summary>
    protected override string ContentOf(string prompt)
    {
        Stack<int[]> stack = [];
        foreach (char step in prompt)
        {
            if (char.IsAsciiDigit(step))
            {
                stack.Push(new int[10]);
                stack.Peek()[step - '0'] = 1;
                continue;
            }
            if (step == 'd')
            {
                stack.Push(stack.Peek());
                continue;
            }
            int[] top = stack.Pop(), below = stack.Pop();
            if (step == 's') stack.Push(top);
            stack.Push(step == 's' ? below : [.. below.Zip(top, (a, b) => (step == '+' ? a + b : a - b + 10) % 10)]);
        }
        return string.Concat(stack.Peek()[1..]);
    }

    protected override List<string> States(string prompt)
    {
        List<string> states = [];
        string stack = "";
        foreach (char step in prompt)
        {
            if (char.IsAsciiDigit(step)) stack += step;
            else if (step == 'd') stack += stack[^1];
            else
            {
                (char a, char b) = (stack[^2], stack[^1]);
                string made = step == 's' ? $"{b}{a}" : Numbers.Text(step == '+' ? (a + b - 2 * '0') % 10 : (a - b + 10) % 10);
                stack = stack[..^2] + made;
            }
            states.Add(stack);
        }
        return states;
    }
}
