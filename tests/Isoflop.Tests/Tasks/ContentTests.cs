using System.Text.RegularExpressions;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>
/// One question in two dresses stands in one split. The dresses are put on here, on prompts as text, and know nothing of how a
/// family finds its content.
/// </summary>
public partial class ContentTests
{
    // ISOFLOP_TASK_ITEMS=20000 is the long run: so many of train, a quarter of test.
    static readonly int Items = int.TryParse(Environment.GetEnvironmentVariable("ISOFLOP_TASK_ITEMS"), out int n) ? n : 1000;

    static readonly Dictionary<string, Func<string, Random, string>> Dresses = new()
    {
        ["addition"] = (p, r) => Exchanged(p, '+'),
        ["multiplication"] = (p, r) => Exchanged(p, '*'),
        ["gcd"] = (p, r) => "gcd " + Exchanged(p[4..], ' '),
        ["decimals"] = (p, r) => $"{(r.Next(2) == 0 ? "max" : "min")} {(r.Next(2) == 0 ? Exchanged(p[4..], ' ') : p[4..])}{(r.Next(2) == 0 ? "0" : "")}",
        ["linear-equation"] = (p, r) => r.Next(2) == 0 ? Exchanged(p, '=') : Parenthesis().Replace(Exchanged(p, '='), m =>
            $"{m.Groups[1]}x{int.Parse(m.Groups[1].Value) * int.Parse(m.Groups[2].Value):+0;-0}"),
        ["iterated-squaring"] = (p, r) => Regex.Replace(p, @"^(\d+)(\^2\^\d+%)(\d+)$", m => $"{int.Parse(m.Groups[3].Value) - int.Parse(m.Groups[1].Value)}{m.Groups[2]}{m.Groups[3]}"),
        ["modular-chain"] = Regrouped,
        ["list-programs"] = Commuted,
        ["permutations"] = (p, r) => string.Join(' ', With(p.Split(' '), r, "12345")),
        ["pointer-chasing"] = Elsewhere,
        ["stack-machine"] = Restacked,
        ["subset-sum"] = (p, r) => $"{p[(p.IndexOf('=') + 1)..].Split(' ').Sum(int.Parse) - int.Parse(p[..p.IndexOf('=')])}{p[p.IndexOf('=')..]}",
        ["sat3"] = Resigned,
        ["graph-colouring"] = (p, r) =>
        {
            int[] names = Shuffled(p.Max() - 'a' + 1, r);
            return string.Join(' ', p.Split(' ').Select(e => e.Select(c => (char)('a' + names[c - 'a'])).Order()).Select(e => string.Concat(e)).Order(StringComparer.Ordinal));
        },
        ["sudoku4"] = (p, r) => Rearranged(p, 2, r),
        ["sudoku9"] = (p, r) => Rearranged(p, 3, r),
        ["queens"] = (p, r) =>
        {
            int n = p.Length;
            var board = new char[n, n];
            for (int c = 0; c < n; c++) if (p[c] != '.') board[p[c] - '1', c] = 'q';
            for (int turns = r.Next(4); turns > 0; turns--) board = Turned(board);
            if (r.Next(2) == 0) board = Mirrored(board);
            return string.Concat(Enumerable.Range(0, n).Select(c => Enumerable.Range(0, n).Where(row => board[row, c] == 'q').Select(row => (char)('1' + row)).Append('.').First()));
        },
        ["maze"] = (p, r) =>
        {
            string[] rows = p.Split(' ');
            int n = rows.Length;
            var board = new char[n, n];
            for (int i = 0; i < n * n; i++) board[i / n, i % n] = rows[i / n][i % n];
            for (int turns = r.Next(4); turns > 0; turns--) board = Turned(board);
            if (r.Next(2) == 0) board = Mirrored(board);
            string text = string.Join(' ', Enumerable.Range(0, n).Select(i => string.Concat(Enumerable.Range(0, n).Select(j => board[i, j]))));
            return r.Next(2) == 0 ? text : text.Replace('s', '*').Replace('g', 's').Replace('*', 'g');
        },
        ["cryptarithm"] = (p, r) => Lettered(r.Next(2) == 0 ? p : Regex.Replace(p, @"(\w+)\+(\w+)", "$2+$1")),
        ["crossword"] = (p, r) =>
        {
            string[] rows = p[..11].Split('/');
            return string.Join('/', Enumerable.Range(0, 3).Select(i => string.Concat(rows.Select(row => row[i])))) + p[11..];
        },
        ["hanoi"] = (p, r) =>
        {
            int[] pegs = Shuffled(3, r);
            return string.Concat(p.Select(c => c == ' ' ? ' ' : (char)('a' + pegs[c - 'a'])));
        },
        ["knights"] = (p, r) =>
        {
            string[] said = p.Split(' ');
            int[] names = Shuffled(said.Length, r);
            return string.Join(' ', said.Select(s => string.Concat(s.Select(c => c is >= 'a' and <= 'h' ? (char)('a' + names[c - 'a']) : c)))
                .Select(s => r.Next(2) == 0 ? s : Regex.Replace(s, @":(\w[+-]?)([&/=#])(\w[+-]?)$", ":$3$2$1")).Order(StringComparer.Ordinal));
        },
        ["word-problems"] = Retold,
        ["salt-ph"] = (p, r) => Regex.Replace(p, "^[^ ]+", p.Contains('a') == p.Contains('b') ? "CH3NH3CN" : p.Contains("a=") ? "NaBrO" : "C5H5NHCl"),
    };

    /// <summary>Families where a question has one writing; docs/thinking.md says why.</summary>
    static readonly string[] Plain = ["parity", "base-conversion", "modular-root", "countdown", "game-24", "poem"];

    public static TheoryData<string, int> Levels => TaskFamilyTests.Levels;

    [Fact]
    public void Every_family_says_what_is_the_same() => Assert.Equal(TaskFamilies.All.Where(f => f.Group != "own").Select(f => f.Name).Order(),
        Dresses.Keys.Concat(Plain).Order());

    [Theory, MemberData(nameof(Levels))]
    public void A_question_in_another_dress_stays_in_its_split(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        if (!Dresses.TryGetValue(name, out Func<string, Random, string>? dress)) return;
        var random = new Random(1);
        int other = 0;
        foreach (Split split in Enum.GetValues<Split>())
            for (int i = 0; i < 40; i++)
            {
                string prompt = family.Make(split, level, i, 5).Prompt, dressed = dress(prompt, random);
                Assert.True(family.SplitOfPrompt(dressed) == split && family.ContentFor(dressed) == family.ContentFor(prompt), $"{prompt} | {dressed}: {family.ContentFor(prompt)} | {family.ContentFor(dressed)}");
                if (dressed != prompt) other++;
            }
        Assert.True(other > 5 || (name, level) is ("crossword", > 3), $"{other} of 120 look different");
    }

    [Theory, MemberData(nameof(Levels))]
    public void No_question_of_a_test_stands_in_training_in_any_dress(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        int items = family is { Name: "sudoku9" } ? Items / 4 : Items;
        HashSet<string> train = [], contents = [], test = [];
        for (int i = 0; i < items; i++) train.Add(family.Make(Split.Train, level, i, 3).Prompt);
        contents.UnionWith(train.Select(family.ContentFor));
        for (int i = 0; i < items / 4; i++) test.Add(family.Make(Split.Test, level, i, 3).Prompt);
        var random = new Random(2);
        foreach (string prompt in test)
        {
            Assert.DoesNotContain(family.ContentFor(prompt), contents);
            if (Dresses.TryGetValue(name, out Func<string, Random, string>? dress))
                for (int i = 0; i < 8; i++) Assert.DoesNotContain(dress(prompt, random), train);
        }
    }

    [Theory, InlineData("hanoi", 1), InlineData("hanoi", 2), InlineData("hanoi", 3), InlineData("graph-colouring", 1), InlineData("graph-colouring", 2),
        InlineData("graph-colouring", 3), InlineData("iterated-squaring", 1)]
    public void A_level_has_as_many_questions_as_it_says(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        int[] counts = [.. Enum.GetValues<Split>().Select(s => Enumerable.Range(0, 4000).Select(i => family.ContentFor(family.Make(s, level, i, 3).Prompt)).Distinct().Count())];
        Assert.Equal(family.Questions(level), counts.Sum());
        Assert.All(counts, c => Assert.True(c > 0));
    }

    [Fact]
    public void A_level_with_too_few_questions_says_so()
    {
        string message = Assert.Throws<ConfigException>(() => new Lonely().Make(Split.Valid, 1, 0, 0)).Message;
        Assert.Contains("lonely, level 1", message);
        Assert.Contains("valid split", message);
    }

    /// <summary>Ten prompts, one question.</summary>
    sealed class Lonely : TaskFamily
    {
        public override string Name => "lonely";
        public override string Summary => "";
        public override int Levels => 1;
        public override double Chance(int level) => 0.5;
        protected override string Symbols => "0123456789";
        protected override Draft? Draw(int level, ref Rng rng) => new($"{rng.NextInt(10)}", "2");
        protected override string ContentOf(string prompt) => "digit";
        public override string Solve(TaskItem item) => "2";
        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new("", "2");
    }

    // ---- dresses --------------------------------------------------------------------------------------------------------------

    [GeneratedRegex(@"(\d+)\(x([+-]\d+)\)")]
    private static partial Regex Parenthesis();

    static string Exchanged(string text, char sign) => text[(text.IndexOf(sign) + 1)..] + sign + text[..text.IndexOf(sign)];

    static int[] Shuffled(int n, Random random)
    {
        int[] order = [.. Enumerable.Range(0, n)];
        random.Shuffle(order);
        return order;
    }

    static string[] With(string[] words, Random random, string more)
    {
        int at = random.Next(words.Length + 1);
        return [.. words[..at], more, .. words[at..]];
    }

    /// <summary>Two steps of a kind that stand together: exchanged, shifted from one to the other, or made one.</summary>
    static string Regrouped(string prompt, Random random)
    {
        for (int tries = 0; tries < 10; tries++)
        {
            int i = 1 + 2 * random.Next(prompt.Length / 2 - 2);
            if (prompt[i] == '%' || prompt[i + 2] != prompt[i]) continue;
            (char sign, int a, int b) = (prompt[i], prompt[i + 1] - '0', prompt[i + 3] - '0');
            int shift = 1 + random.Next(6), inverse = Enumerable.Range(1, 6).First(x => x * shift % 7 == 1);
            (int c, int d) = sign == '+' ? ((a + shift) % 7, (b + 7 - shift) % 7) : (a * shift % 7, b * inverse % 7);
            prompt = prompt[..i] + random.Next(3) switch
            {
                0 => $"{sign}{b}{sign}{a}",
                1 => $"{sign}{(sign == '+' ? (a + b) % 7 : a * b % 7)}",
                _ => $"{sign}{c}{sign}{d}",
            } + prompt[(i + 4)..];
        }
        if (random.Next(2) == 0 && prompt[1] == '+' && prompt[0] != '0')             // the start is the first summand
            prompt = $"{prompt[2]}{prompt[1]}{prompt[0]}{prompt[3..]}";
        return prompt;
    }

    /// <summary>Steps that move and steps that reckon exchanged; two turns that undo each other put in; digits mixed before a sort.</summary>
    static string Commuted(string prompt, Random random)
    {
        string digits = prompt[..prompt.IndexOf(' ')], steps = prompt[(prompt.IndexOf(' ') + 1)..];
        for (int tries = 0; tries < 10; tries++)
            steps = Regex.Replace(steps, "([rlw])([id])|([id])([rlw])", m => random.Next(2) == 0 ? m.Value : $"{m.Value[1]}{m.Value[0]}");
        if (steps.Contains('s')) digits = string.Concat(Shuffled(digits.Length, random).Select(i => digits[i]));
        int at = random.Next(steps.Length + 1);
        return $"{digits} {steps[..at]}{(random.Next(2) == 0 ? "rr" : "ww")}{steps[at..]}";
    }

    /// <summary>The same way; the letters that are not on it in another order, and more of them.</summary>
    static string Elsewhere(string prompt, Random random)
    {
        string[] parts = prompt.Split(' ');
        Dictionary<char, char> to = parts[..^2].ToDictionary(p => p[0], p => p[1]);
        string way = parts[^2];
        for (int i = int.Parse(parts[^1]); i > 0; i--) way += to[way[^1]];
        char[] rest = [.. "abcdefghijklmnopqrstuvwxyz".Except(way).Take(to.Count + random.Next(3) - way.Length)];
        random.Shuffle(rest);
        string ring = way + new string(rest);
        string[] pairs = [.. ring.Select((c, i) => $"{c}{ring[(i + 1) % ring.Length]}")];
        random.Shuffle(pairs);
        return $"{string.Join(' ', pairs)} {parts[^2]} {parts[^1]}";
    }

    /// <summary>Summands exchanged, by writing them so or by s; a copy written out; a digit below that is never used.</summary>
    static string Restacked(string prompt, Random random)
    {
        prompt = Regex.Replace(prompt, @"(\d)(\d)\+", m => random.Next(2) == 0 ? m.Value : $"{m.Groups[2]}{m.Groups[1]}+");
        prompt = Regex.Replace(prompt, @"(\d)d", m => random.Next(2) == 0 ? m.Value : $"{m.Groups[1]}{m.Groups[1]}");
        prompt = Regex.Replace(prompt, @"(?<=.)(?<!d)\+", m => random.Next(2) == 0 ? "+" : "s+");
        return random.Next(2) == 0 ? prompt : $"{random.Next(10)}{prompt}";
    }

    static string Resigned(string prompt, Random random)
    {
        int n = prompt.Max(char.ToLowerInvariant) - 'a' + 1;
        int[] names = Shuffled(n, random), flips = [.. Enumerable.Range(0, n).Select(_ => random.Next(2))];
        return string.Join(' ', prompt.Split(' ').Select(c => string.Concat(c.Select(l =>
        {
            int v = char.ToLowerInvariant(l) - 'a';
            return (char)((char.IsUpper(l) == (flips[v] == 1) ? 'a' : 'A') + names[v]);
        }).OrderBy(char.ToLowerInvariant))).Order(StringComparer.Ordinal));
    }

    static string Rearranged(string prompt, int box, Random random)
    {
        int n = box * box;
        string[] rows = prompt.Split(' ');
        int[] digits = Shuffled(n, random), down = Lines(), across = Lines();
        bool mirror = random.Next(2) == 0;
        return string.Join(' ', Enumerable.Range(0, n).Select(i => string.Concat(Enumerable.Range(0, n).Select(j =>
        {
            char c = mirror ? rows[across[j]][down[i]] : rows[down[i]][across[j]];
            return c == '.' ? c : (char)('1' + digits[c - '1']);
        }))));

        int[] Lines() => [.. Shuffled(box, random).SelectMany(band => Shuffled(box, random).Select(i => band * box + i))];
    }

    static char[,] Turned(char[,] board)
    {
        int n = board.GetLength(0);
        var turned = new char[n, n];
        for (int i = 0; i < n * n; i++) turned[i % n, n - 1 - i / n] = board[i / n, i % n];
        return turned;
    }

    static char[,] Mirrored(char[,] board)
    {
        int n = board.GetLength(0);
        var mirrored = new char[n, n];
        for (int i = 0; i < n * n; i++) mirrored[i / n, n - 1 - i % n] = board[i / n, i % n];
        return mirrored;
    }

    static string Lettered(string sum)
    {
        string order = string.Concat(sum.Where(char.IsAsciiLetter).Distinct());
        return string.Concat(sum.Select(c => char.IsAsciiLetter(c) ? (char)('a' + order.IndexOf(c)) : c));
    }

    static string Retold(string prompt, Random random)
    {
        string[] people = "Ann Bob Cal Dot Eve Fay Gus Hal Ida Jim Kay Lou".Split(' '), things = "pens cups keys hats eggs nuts maps toys".Split(' ');
        int[] names = Shuffled(people.Length, random);
        string[] facts = prompt[..prompt.IndexOf(" How", StringComparison.Ordinal)].TrimEnd('.').Split(". ");
        random.Shuffle(facts);
        string told = string.Join(". ", facts) + "." + prompt[prompt.IndexOf(" How", StringComparison.Ordinal)..];
        told = Regex.Replace(told, @"as (\w+) and (\w+) together", m => random.Next(2) == 0 ? m.Value : $"as {m.Groups[2]} and {m.Groups[1]} together");
        told = Regex.Replace(told, string.Join('|', people), m => people[names[Array.IndexOf(people, m.Value)]]);
        return Regex.Replace(told, string.Join('|', things), things[random.Next(things.Length)]);
    }
}
