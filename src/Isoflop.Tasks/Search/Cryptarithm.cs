namespace Isoflop.Tasks;

/// <summary>
/// <c>a3+b=c2</c>: each letter is a digit, different letters different digits and none of those shown, no number begins with 0.
/// The answer is the sum in digits: <c>43+9=52</c>. A word of a thought is a letter and its digit.
/// </summary>
sealed class Cryptarithm : TaskFamily
{
    static readonly (int A, int B, int Letters)[] Dial = [(2, 2, 3), (3, 2, 4), (3, 3, 5), (3, 3, 7), (4, 4, 8), (5, 5, 10)];

    public override string Name => "cryptarithm";
    public override string Group => "search";
    public override string Summary =>
        "A sum with letters for digits: the sum in digits; letters differ from each other and from digits shown, no leading 0";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => 0.02;
    public override bool HasCheck => true;
    protected override string Symbols => "abcdefghij0123456789+= ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int lengthA, int lengthB, int hidden) = Dial[level - 1];
        int a = Number(lengthA, ref rng), b = Number(lengthB, ref rng);
        string sum = $"{a}+{b}={a + b}";
        char[] digits = rng.Shuffle([.. sum.Where(char.IsAsciiDigit).Distinct()]);
        if (digits.Length < hidden) return null;
        HashSet<char> letters = [.. digits[..hidden]];
        return new(Named(sum, letters.Contains));
    }

    /// <summary>Letters in the order in which they stand: one writing of one puzzle.</summary>
    static string Named(string sum, Func<char, bool> isHidden)
    {
        Dictionary<char, char> names = [];
        foreach (char c in sum)
            if (isHidden(c)) names.TryAdd(c, (char)('a' + names.Count));
        return string.Concat(sum.Select(c => names.GetValueOrDefault(c, c)));
    }

    /// <summary>Summands in either order, letters whatever they are called.</summary>
    protected override string ContentOf(string prompt)
    {
        string[] parts = prompt.Split('+', '=');
        return Content.First(Named(prompt, char.IsAsciiLetterLower),
            Named($"{parts[1]}+{parts[0]}={parts[2]}", char.IsAsciiLetterLower));
    }

    static int Number(int digits, ref Rng rng) => rng.Between((int)Math.Pow(10, digits - 1), (int)Math.Pow(10, digits) - 1);

    /// <summary>Digits by letter, the columns from the right.</summary>
    static int[] Decipher(string prompt)
    {
        var puzzle = new Columns(prompt);
        return Next(0) ? puzzle.Digits : throw new ArgumentException("no solution");

        bool Next(int i)
        {
            if (i == puzzle.Order.Length) return true;
            for (int digit = 0; digit < 10; digit++)
            {
                if (!puzzle.Fits(puzzle.Order[i], digit)) continue;
                puzzle.Digits[puzzle.Order[i]] = digit;
                if (!puzzle.IsBroken() && Next(i + 1)) return true;
                puzzle.Digits[puzzle.Order[i]] = -1;
            }
            return false;
        }
    }

    static string InDigits(string prompt, int[] digits) =>
        string.Concat(prompt.Select(c => char.IsAsciiLetterLower(c) ? (char)('0' + digits[c - 'a']) : c));

    public override string Solve(TaskItem item) => InDigits(item.Prompt, Decipher(item.Prompt));

    protected override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length != prompt.Length) return false;
        var puzzle = new Columns(prompt);
        for (int i = 0; i < answer.Length; i++)
        {
            if (!char.IsAsciiLetterLower(prompt[i]))
            {
                if (answer[i] != prompt[i]) return false;
                continue;
            }
            int letter = prompt[i] - 'a', digit = answer[i] - '0';
            if (digit is < 0 or > 9 || (puzzle.Digits[letter] != digit
                && (puzzle.Digits[letter] >= 0 || !puzzle.Fits(letter, digit)))) return false;
            puzzle.Digits[letter] = digit;
        }
        return !puzzle.IsBroken();
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        var search = new Guessing(new(item.Prompt), Decipher(item.Prompt));
        return new(search.Write(explore, 220, ref rng), InDigits(item.Prompt, search.Puzzle.Digits));
    }

    /// <summary>The sum, digits as far as they are known (−1: not yet).</summary>
    sealed class Columns
    {
        readonly string[] parts;
        readonly int shown;

        public Columns(string prompt)
        {
            parts = prompt.Split('+', '=');
            Digits = new int[10];
            Array.Fill(Digits, -1);
            List<int> order = [];                                // from the units' column on, summands first
            for (int i = 1; i <= parts[2].Length; i++)
                foreach (string part in parts)
                {
                    if (i > part.Length) continue;
                    if (char.IsAsciiDigit(part[^i])) shown |= 1 << part[^i] - '0';
                    else if (!order.Contains(part[^i] - 'a')) order.Add(part[^i] - 'a');
                }
            Order = [.. order];
        }

        public int[] Digits { get; }
        public int[] Order { get; }

        public bool Fits(int letter, int digit) => (shown >> digit & 1) == 0 && !Digits.Contains(digit)
            && (digit > 0 || parts.All(p => p[0] - 'a' != letter));

        /// <summary>A column whose letters are all known, and all to its right, does not add up.</summary>
        public bool IsBroken()
        {
            int carry = 0;
            for (int i = 1; i <= parts[2].Length; i++)
            {
                int a = At(parts[0], i), b = At(parts[1], i), c = At(parts[2], i);
                if (a < 0 || b < 0 || c < 0) return false;
                if ((a + b + carry) % 10 != c) return true;
                carry = (a + b + carry) / 10;
            }
            return carry > 0;
        }

        int At(string part, int i) => i > part.Length ? 0 : char.IsAsciiDigit(part[^i]) ? part[^i] - '0' : Digits[part[^i] - 'a'];
    }

    sealed class Guessing(Columns puzzle, int[] solution) : WrittenSearch<(int Letter, int Digit)>
    {
        public Columns Puzzle => puzzle;

        protected override (int Letter, int Digit)[] Options(ref Rng rng)
        {
            int letter = puzzle.Order.First(l => puzzle.Digits[l] < 0);
            return rng.Shuffle([.. Enumerable.Range(0, 10).Where(d => puzzle.Fits(letter, d)).Select(d => (letter, d))]);
        }

        protected override NodeState Push((int Letter, int Digit) choice)
        {
            puzzle.Digits[choice.Letter] = choice.Digit;
            return puzzle.IsBroken() ? NodeState.Dead : puzzle.Order.All(l => puzzle.Digits[l] >= 0) ? NodeState.Solved
                : NodeState.Open;
        }

        protected override void Pop((int Letter, int Digit) choice) => puzzle.Digits[choice.Letter] = -1;
        protected override string Say((int Letter, int Digit) choice) => $"{(char)('a' + choice.Letter)}{choice.Digit}";
        protected override bool IsOnWay((int Letter, int Digit) choice) => solution[choice.Letter] == choice.Digit;
    }
}
