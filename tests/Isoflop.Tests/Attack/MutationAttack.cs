using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests.Attack;

/// <summary>
/// Every file of a home changed as faults and hands change files. What rests on it must refuse it by name, repair it, or give what
/// it gave before; never another number without a word, and never a stack trace.
/// </summary>
[Collection(nameof(Attack))]
public sealed partial class MutationAttack(AttackHome made)
{
    static int Count => Attack.IsWhole ? 2400 : 60;

    [Fact]
    public void No_changed_file_changes_a_result_without_a_word()
    {
        string home = made.In("attacked"), root = made.Home;
        string[] files = [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) is not ("lock" or "lock.json")).Select(f => Path.GetRelativePath(root, f)).Order()];
        Fresh();
        Dictionary<string, string> before = [];
        foreach ((string _, string[] args) in made.Readers)
        {
            Attack.Outcome said = Attack.Run([.. args, "--home", home]);
            Assert.True(said.Code == 0, $"{string.Join(' ', args)}: {said.Code} {said.Err}");
            before[string.Join(' ', args)] = said.Out;
        }
        Fresh();
        foreach ((string _, string[] args) in made.Readers)                  // what they print of an unchanged home is the same again
            Assert.Equal(before[string.Join(' ', args)], Attack.Run([.. args, "--home", home]).Out);

        List<string> wrong = [];
        int refused = 0, same = 0, said2 = 0;
        for (int i = 0; i < Count && wrong.Count < 20; i++)
        {
            var random = new Random(i);
            string file = files[i < files.Length ? i : random.Next(files.Length)];
            Fresh();
            string path = Path.Combine(home, file), how = Mutate(path, random);
            bool named = false;
            foreach ((string part, string[] args) in made.Readers)
            {
                if (!file.Replace('\\', '/').StartsWith(part, StringComparison.Ordinal)) continue;
                string line = string.Join(' ', args);
                Attack.Outcome now = Attack.Run([.. args, "--home", home]);
                string at = $"mutation {i}: {file}: {how}: isoflop {line}";
                if (now.Code is -1 or not (0 or 2)) wrong.Add($"{at}: exit {now.Code}: {now.LastLine} {now.Err}");
                else if (now.Code == 2 && !now.IsRefusal) wrong.Add($"{at}: exit 2 without a line");
                else if (now.Code == 2) named = true;
                else if (now.Out != before[line] && now.Err.Trim().Length == 0 && !now.Out.Contains("\"status\":\"broken\""))
                    wrong.Add($"{at}: another result, no word: {Difference(before[line], now.Out)}");
                else if (now.Out != before[line]) said2++;
            }
            if (named) refused++;
            else same++;
        }
        Attack.Say($"{Count} mutations of {files.Length} files: {refused} refused by name, {same} without effect or repaired, " +
            $"{said2} outputs differ and say why, {wrong.Count} wrong");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));

        void Fresh()
        {
            if (Directory.Exists(home)) Directory.Delete(home, recursive: true);
            Attack.Copy(root, home);
        }
    }

    static string Difference(string a, string b)
    {
        int at = a.Zip(b).TakeWhile(p => p.First == p.Second).Count(), from = Math.Max(0, at - 30);
        return $"'{a[from..Math.Min(a.Length, at + 30)]}' became '{b[from..Math.Min(b.Length, at + 30)]}'".ReplaceLineEndings(" ");
    }

    /// <summary>Changes a file in one of the ways in which files change; says how.</summary>
    static string Mutate(string path, Random random)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bool text = Path.GetExtension(path) is ".json" or ".jsonl" or ".csv" or ".html" or ".svg";
        int kind = random.Next(text ? 12 : 6), at = bytes.Length == 0 ? 0 : random.Next(bytes.Length);
        switch (kind)
        {
            case 0:
                if (bytes.Length > 0) bytes[at] ^= (byte)(1 << random.Next(8));
                return Write($"bit at {at}");
            case 1:
                bytes = bytes[..at];
                return Write($"cut to {at}");
            case 2:
                int length = Math.Min(random.Next(1, 512), bytes.Length - at);
                Array.Clear(bytes, at, length);
                return Write($"{length} zeros at {at}");
            case 3:
                bytes = [.. bytes, .. Enumerable.Range(0, random.Next(1, 64)).Select(_ => (byte)random.Next(256))];
                return Write("more at its end");
            case 4:
                File.Delete(path);
                return "deleted";
            case 5:
                bytes = [];
                return Write("empty");
        }
        string content = Encoding.UTF8.GetString(bytes);
        List<string> lines = [.. content.Split('\n')];
        int line = random.Next(lines.Count);
        Match[] numbers = [.. Number().Matches(content).Cast<Match>()], words = [.. Value().Matches(content).Cast<Match>()];
        switch (kind)
        {
            case 6 when numbers.Length > 0:
                Match digits = numbers[random.Next(numbers.Length)];
                int digit = digits.Index + random.Next(digits.Length);
                if (!char.IsAsciiDigit(content[digit])) goto default;
                content = content[..digit] + (char)('0' + (content[digit] - '0' + random.Next(1, 10)) % 10) + content[(digit + 1)..];
                return Put($"digit at {digit}");
            case 7 when words.Length > 0:
                Match value = words[random.Next(words.Length)];
                string[] others = ["null", "\"x\"", "1e999", "-1", "[]", "{}", "0", "true", "\"\\ud800\"", "1e308"];
                string other = others[random.Next(others.Length)];
                content = content[..value.Groups[1].Index] + other + content[(value.Groups[1].Index + value.Groups[1].Length)..];
                return Put($"{value.Value} became {other}");
            case 8:
                lines.Insert(line, lines[line]);
                break;
            case 9:
                int second = random.Next(lines.Count);
                (lines[line], lines[second]) = (lines[second], lines[line]);
                break;
            case 10:
                content = content.Replace("\n", "\r\n");
                return Put("CR LF");
            default:
                lines.RemoveAt(line);
                break;
        }
        content = string.Join('\n', lines);
        return Put($"line {line} {(kind == 8 ? "twice" : kind == 9 ? "elsewhere" : "gone")}");

        string Put(string what)
        {
            bytes = Encoding.UTF8.GetBytes(content);
            return Write(what);
        }

        string Write(string what)
        {
            File.WriteAllBytes(path, bytes);
            return what;
        }
    }

    [GeneratedRegex(@"\d[\d.]*(e[+-]?\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex(@""": ?(""[^""]*""|[^\s,{}\[\]]+)")]
    private static partial Regex Value();
}
