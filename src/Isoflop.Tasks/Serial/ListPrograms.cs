namespace Isoflop.Tasks;

/// <summary><c>3152 rsi</c>: a list of digits and functions applied one after the other.</summary>
sealed class ListPrograms : Serial
{
    static readonly (int Digits, int Steps)[] Dial = [(4, 2), (5, 3), (5, 5), (6, 7), (8, 10), (10, 14)];

    public override string Name => "list-programs";
    public override string Summary =>
        "Digits and functions: r reverse, s sort, i add 1, d double (both modulo 10), l turn left, w swap the first two; the " +
            "digits at the end";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => level == 1 ? 0.02 : 0.01;
    protected override string Symbols => "0123456789rsidlw |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int steps) = Dial[level - 1];
        var list = new int[n];
        foreach (ref int digit in list.AsSpan()) digit = rng.NextInt(10);
        string digits = string.Concat(list), program = "";
        while (program.Length < steps)
        {
            char step = rng.Pick("rsidlw");
            if (program.Contains(step) && step is 'd' or 's') continue;          // twice doubled is mostly 0 and 2
            program += step;
            switch (step)
            {
                case 'r': Array.Reverse(list); break;
                case 's': Array.Sort(list); break;
                case 'i': list = [.. list.Select(x => (x + 1) % 10)]; break;
                case 'd': list = [.. list.Select(x => 2 * x % 10)]; break;
                case 'l': list = [.. list[1..], list[0]]; break;
                default: (list[0], list[1]) = (list[1], list[0]); break;
            }
        }
        string result = string.Concat(list);
        return result == digits ? null : new($"{digits} {program}", result);
    }

    /// <summary>
    /// What moves digits does not meddle with what reckons on each: between two sorts there is one order and one a·x + b, and
    /// before a sort the order says nothing.
    /// </summary>
    protected override string ContentOf(string prompt)
    {
        int space = prompt.IndexOf(' '), times = 1, plus = 0;
        string digits = prompt[..space], content = "";
        int[] order = [.. Enumerable.Range(0, space)];
        foreach (char step in prompt[(space + 1)..])
            switch (step)
            {
                case 'r': Array.Reverse(order); break;
                case 'i': plus = (plus + 1) % 10; break;
                case 'd': (times, plus) = (2 * times % 10, 2 * plus % 10); break;
                case 'l': order = [.. order[1..], order[0]]; break;
                case 'w': (order[0], order[1]) = (order[1], order[0]); break;
                default:
                    if (content == "") digits = string.Concat(digits.Order());
                    content += $" {times}x+{plus} s";
                    (times, plus) = (1, 0);
                    Array.Sort(order);
                    break;
            }
        return $"{digits}{content} {times}x+{plus} {string.Concat(order)}";
    }

    protected override List<string> States(string prompt)
    {
        int space = prompt.IndexOf(' ');
        List<string> states = [];
        string list = prompt[..space];
        foreach (char step in prompt[(space + 1)..])
            states.Add(list = step switch
            {
                'r' => string.Concat(list.Reverse()),
                's' => string.Concat(list.Order()),
                'i' => string.Concat(list.Select(c => (char)('0' + (c - '0' + 1) % 10))),
                'd' => string.Concat(list.Select(c => (char)('0' + (c - '0') * 2 % 10))),
                'l' => list[1..] + list[0],
                _ => $"{list[1]}{list[0]}{list[2..]}",
            });
        return states;
    }
}
