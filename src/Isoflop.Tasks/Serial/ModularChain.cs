using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// <c>3+4*2%7</c>: from the left, no precedence, modulo 7. Each step is a bijection, so every answer is equally likely.
/// </summary>
sealed class ModularChain : Serial
{
    const int Modulus = 7;
    static readonly int[] Steps = [4, 6, 8, 12, 16, 24];

    public override string Name => "modular-chain";
    public override string Summary => "Start, then + and * steps taken from the left modulo 7; the value at the end";
    public override int Levels => Steps.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => 1.0 / Modulus;
    public override long? Size(int level) => level == 1 ? 7 * 11 * 11 * 11 * 11 : null;
    protected override string Symbols => "0123456789+*% |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int value = rng.NextInt(Modulus);
        var text = new StringBuilder().Append(value);
        for (int i = 0; i < Steps[level - 1]; i++)
        {
            int choice = rng.NextInt(11);                        // +1 … +6, *2 … *6
            int operand = choice < 6 ? choice + 1 : choice - 4;
            value = (choice < 6 ? value + operand : value * operand) % Modulus;
            text.Append(choice < 6 ? '+' : '*').Append(operand);
        }
        return new(text.Append("%7").ToString(), Numbers.Text(value));
    }

    /// <summary>
    /// Steps of one kind that stand together are one step, none where they come to nothing, and what is first added is added to
    /// the start: 1+2+3*4, 2+2+2*4 and 6*2*2 are 6*4.
    /// </summary>
    protected override string ContentOf(string prompt)
    {
        Stack<(char Sign, int Operand)> steps = new([('+', prompt[0] - '0')]);
        for (int i = 1; prompt[i] != '%'; i += 2)
        {
            (char sign, int operand) = (prompt[i], prompt[i + 1] - '0');
            if (steps.Peek().Sign == sign)
            {
                int last = steps.Pop().Operand;
                operand = (sign == '+' ? last + operand : last * operand) % Modulus;
            }
            if (steps.Count == 0 || operand != (sign == '+' ? 0 : 1)) steps.Push((sign, operand));
        }
        return string.Concat(steps.Reverse().Select(s => $"{s.Sign}{s.Operand}"));
    }

    protected override List<string> States(string prompt)
    {
        List<string> states = [];
        int value = prompt[0] - '0';
        for (int i = 1; prompt[i] != '%'; i += 2)
        {
            int operand = prompt[i + 1] - '0';
            value = prompt[i] == '+' ? (value + operand) % Modulus : value * operand % Modulus;
            states.Add(Numbers.Text(value));
        }
        return states;
    }
}
