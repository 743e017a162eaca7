using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Isoflop.Cli;
using Xunit;

namespace Isoflop.Tests.Attack;

/// <summary>
/// Command lines, recipes, tables and lines from a grammar of what goes wrong: each ends with exit code 0, or with 2 and one line,
/// in time and memory; never with a stack trace. One that is valid and works for long is asked to stop, and does.
/// </summary>
[Collection(nameof(Attack))]
public sealed class GrammarAttack(AttackHome made)
{
    static int Count => Attack.IsWhole ? 12_000 : 120;

    // They measure the machine, train for minutes, or build a plugin; each has tests of its own.
    static readonly string[] skipped = ["machine", "tour"], skippedOptions = ["--home", "--plugin", "--help", "--version"];

    static readonly string[] values =
    [
        "", " ", "0", "1", "-1", "2", "7", "1e9", "1e309", "-1e309", "NaN", "Infinity", "1,5", "1.5", "0x10", "٣", "999999999999",
        "18446744073709551616", "../../x", "/", ".", "..", "/dev/null", "/dev/zero", "/dev/full", "/no/such/file", "\u001b[31mred\u001b]0;x\u0007",
        "a\nb", "a\tb", "\ud83d\ude00", "\ud800", "=", "=x", "x=", "a=b=c", "@x", "@", "--", "-", "--x", "null", "{}", "[]", "[", "{\"a\":", "1..",
        "..", "1e10..1e9", "1e8..1e9", "parity", "parity:1", "parity:99", "parity:1..0", "cmd:", "cmd:/no/such", "a", "a@10", "a@", "@10", "a@11", "t",
        "l", "r", "txt", "*", "?", "model.d_model=-1", "model.d_model=1e9", "train.steps=0", "train.steps=null", "flops=x", "seed=-1",
        "corpus=txt", "corpus=", "from=a@10", "name=../x", "name=a", "think", "direct", "greedy", "majority", "http://127.0.0.1:9/v1",
        "http://user:pw@127.0.0.1:9/v1", "ftp://x", "http://", new string('x', 10_000), "2024-01-01", "%s%n", "$(id)", "';--", "<b>", "\0",
    ];

    static readonly string[] files =
    [
        """{"name":"f","corpus":"txt","flops":1e8,"model":{"d_model":16,"n_layer":1,"context_len":64},"train":{"batch_tokens":512}}""",
        """{"name":"g","corpus":"txt","rungs":[{"budgets":"1e8,2e8","sizes":2,"seeds":1}],"min_steps":1,"settings":["model.context_len=64"]}""",
        """{"name":"h","from":"t","tasks":["parity:1"],"items":50,"valid_items":5,"context":32}""",
        """{"id":"a","task":"t","prompt":"the cat","choices":[" sat"," ran"],"answer":" sat"}""",
        """{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}""",
        """{"question":"How many?","answer":"Two and two. #### 4"}""",
        """{"text":"the cat sat on the mat and saw the dog run over the hill"}""",
        """{"doc_id":0,"doc":{"question":"q"},"target":"a","resps":[["a"]],"filtered_resps":["a"],"exact_match":1.0,"acc":1}""",
        "n,d,loss\n1e6,1e8,4.1\n2e6,1e8,3.9\n4e6,1e8,3.8\n1e6,2e8,4.0\n2e6,2e8,3.8\n4e6,2e8,3.7\n1e6,4e8,3.9\n2e6,4e8,3.7\n4e6,4e8,3.6\n",
    ];

    [Fact]
    public void Nothing_malformed_ends_in_a_stack_trace_or_takes_the_machine()
    {
        string home = made.In("grammar"), scratch = made.In("scratch");
        Attack.Copy(made.Home, home);
        Directory.CreateDirectory(scratch);
        (Command Verb, string[] Path)[] verbs = [.. Leaves([.. Verbs.All()], [])];
        List<string> wrong = [];
        long before = Environment.WorkingSet;
        int done = 0, refused = 0, stopped = 0;
        double longest = 0;
        for (int i = 0; i < Count && wrong.Count < 20; i++)
        {
            var random = new Random(i);
            string[] args = [.. i % 2 == 0 ? (IEnumerable<string>)CommandLine(verbs[random.Next(verbs.Length)], random, scratch) : OnFile(random, scratch),
                "--home", home];
            long began = Stopwatch.GetTimestamp();
            Attack.Outcome end = Attack.Run(args, stopAfterSeconds: 2);
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            longest = Math.Max(longest, seconds);
            string line = string.Join(' ', args.Select(a => a.Length > 60 ? a[..60] + "…" : a));
            if (end.Code == 0) done++;
            else if (end.Code == App.Interrupted) stopped++;
            else if (end.IsRefusal) refused++;
            else wrong.Add($"{i}: isoflop {line}: exit {end.Code}: {end.Err}");
            if (end.Err.Contains('\u001b') || end.Out.Contains('\u001b')) wrong.Add($"{i}: isoflop {line}: an escape code was sent");
            if (seconds > Attack.Seconds) wrong.Add($"{i}: isoflop {line}: {seconds:0} s");
            if (!end.IsRefusal) before = Math.Max(before, Environment.WorkingSet);      // valid work may take what it needs
            else if (Environment.WorkingSet - before > Attack.Megabytes * 1_000_000L)
            {
                wrong.Add($"{i}: isoflop {line}: {(Environment.WorkingSet - before) / 1e6:0} MB");
                break;
            }
            if (i % 50 == 0 && Directory.Exists(home))
            {
                Directory.Delete(home, recursive: true);
                Attack.Copy(made.Home, home);
            }
        }
        Attack.Say($"{refused + done + stopped + wrong.Count} malformed inputs: {refused} refused in a line, {done} done, {stopped} asked to stop; the longest took " +
            $"{longest:0.0} s; {wrong.Count} wrong");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
    }

    static IEnumerable<(Command, string[])> Leaves(IReadOnlyList<Command> verbs, string[] above)
    {
        foreach (Command verb in verbs)
        {
            if (skipped.Contains(verb.Name)) continue;
            string[] path = [.. above, verb.Name];
            yield return (verb, path);
            foreach ((Command, string[]) below in Leaves([.. verb.Subcommands], path)) yield return below;
        }
    }

    static List<string> CommandLine((Command Verb, string[] Path) of, Random random, string scratch)
    {
        List<string> args = [.. of.Path];
        for (int n = random.Next(4); n > 0; n--) args.Add(Value());
        Option[] options = [.. of.Verb.Options.Where(o => !skippedOptions.Contains(o.Name))];
        for (int n = options.Length == 0 ? 0 : random.Next(4); n > 0; n--)
        {
            Option option = options[random.Next(options.Length)];
            args.Add(random.Next(20) == 0 ? option.Name + "x" : option.Name);
            bool written = option.Name is "--csv" or "--svg" or "--html" or "--parquet" or "--out";
            if (random.Next(6) > 0) args.Add(written ? Path.Combine(scratch, "out" + random.Next(5)) : Value());
        }
        return args;

        string Value() => values[random.Next(values.Length)];
    }

    /// <summary>A file of one of the kinds that users give, damaged, and a command that reads it.</summary>
    static string[] OnFile(Random random, string scratch)
    {
        int kind = random.Next(files.Length);
        string path = Path.Combine(scratch, "file" + (kind == files.Length - 1 ? ".csv" : kind < 3 ? ".json" : ".jsonl"));
        string content = files[kind];
        if (kind is >= 3 and < 8) content = string.Join('\n', Enumerable.Repeat(content, random.Next(1, 4)));
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        for (int n = random.Next(1, 4); n > 0; n--) bytes = Damaged(bytes, random);
        File.WriteAllBytes(path, bytes);
        return kind switch
        {
            0 => ["plan", path],
            1 => ["ladder", path, "--plan"],
            2 => [random.Next(2) == 0 ? "teach" : "rl", path],
            3 => ["eval", "a", "--suite", path],
            4 => ["teach", "name=x" + random.Next(1000), "chat=" + path, "from=a", "passes=1", "context=64"],
            5 => ["tasks", path],
            6 => ["corpus", "c" + random.Next(1000), path, "--vocab", "256", .. random.Next(2) == 0 ? (string[])["--lossy"] : []],
            7 => ["compare", path, path],
            _ => ["fit", "--table", path, "--n", "n", "--d", "d", "--loss", "loss", "--bootstraps", "0"],
        };
    }

    static byte[] Damaged(byte[] bytes, Random random)
    {
        int at = bytes.Length == 0 ? 0 : random.Next(bytes.Length);
        string text = Encoding.Latin1.GetString(bytes);
        string[] bits = ["\\ud800", "NaN", "-Infinity", "null", "\"", "{", "}", "[", "]", ",", ":", "\n", "\r", "\0", "\u00ff\u00fe", "1e309", "\\", ";",
            "1,5", "\u001b[31m", "\t", "\u00ef\u00bb\u00bf", "true", "-", "=1+1", new string('[', 200), "#"];
        return random.Next(6) switch
        {
            0 => bytes[..at],
            1 => [.. bytes[..at], .. Encoding.Latin1.GetBytes(bits[random.Next(bits.Length)]), .. bytes[at..]],
            2 => [.. bytes[..at], (byte)random.Next(256), .. bytes[Math.Min(bytes.Length, at + 1)..]],
            3 => Encoding.Latin1.GetBytes(text[..at] + text[Math.Min(text.Length, at + random.Next(1, 20))..]),
            4 => [.. bytes, .. bytes],
            _ => Encoding.Latin1.GetBytes(System.Text.RegularExpressions.Regex.Replace(text, "\"[a-z_]+\"|[0-9.e+]+",
                m => random.Next(8) == 0 ? values[random.Next(20)] : m.Value)),
        };
    }
}
