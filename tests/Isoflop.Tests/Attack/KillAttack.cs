using System.Diagnostics;
using System.IO.Hashing;
using System.Text.RegularExpressions;
using Isoflop.Lab.Runs;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Attack;

/// <summary>
/// Every command that works for longer than a second, killed again and again at random moments, ends with what it ends with when
/// nobody kills it: the same weights, rows, tables and answers.
/// </summary>
[Collection(nameof(Attack))]
public sealed partial class KillAttack(AttackHome made)
{
    static int Kills => Attack.IsWhole ? 17 : 1;

    public static TheoryData<string> Commands =>
        [.. Of(null).Select(c => c.Name).Where(name => Attack.IsWhole || name is "corpus" or "teach")];

    // Results: below these folders of the home, all files but those that tell of time and of the process.
    static (string Name, string[] Args)[] Of(AttackHome? made)
    {
        string text = made?.Text ?? "", ladder = made?.In("kill.json") ?? "", curve = made?.In("kill.csv") ?? "";
        return
        [
            ("corpus", ["corpus", "k", text, "--vocab", "2048"]),
            ("world", ["corpus", "world", "k", "--bytes", "400000", "--valid-bytes", "50000", "--vocab", "512"]),
            ("train", ["train", "corpus=txt", .. AttackHome.Tiny, "train.steps=600", "name=k", "save.minutes=0.005", "eval.every=200"]),
            ("ladder", ["ladder", ladder, "--yes"]),
            ("score", ["score", "l2"]),
            ("teach", ["teach", "name=k", "tasks=parity:1..2", "items=3000", "valid_items=50", "context=48", "model.d_model=32",
                "model.n_layer=2", "save.minutes=0.005"]),
            ("rl", ["rl", "name=k", "from=t", "tasks=parity:1", "steps=60", "prompts=8", "replies=8", "max_new_tokens=16",
                "eval_items=16", "eval_replies=2", "eval_every=10", "skip_gate=true"]),
            ("capacity", ["capacity", "k", "--sizes", "16", "--exposures", "30", "--bits", "1", "--rates", "1", "--seeds", "2", "--yes"]),
            ("duel", ["duel", ladder, ladder.Replace(".json", "-b.json"), "--yes"]),
            ("bottleneck", ["bottleneck", "l2", "--yes"]),
            ("think-curve", ["think-curve", "t", "--task", "parity:1..2", "--items", "100", "--budgets", "1..16", "--strategies",
                "greedy,majority", "--csv", curve]),
            ("eval", ["eval", "a", "--suite", made?.In("many.jsonl") ?? ""]),
        ];
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Killed_at_random_it_ends_as_if_nobody_had(string name)
    {
        foreach (string file in (string[])["kill.json", "kill-b.json"])
            File.WriteAllText(made.In(file), $$"""
                {"name":"{{(file == "kill.json" ? "k" : "kb")}}","corpus":"txt","rungs":[{"budgets":"1e9,2e9","sizes":2,"seeds":2}],"min_steps":1,
                 "settings":["model.context_len=64"{{(file == "kill.json" ? "" : ",\"train.weight_decay=0\"")}}]}
                """);
        File.WriteAllLines(made.In("many.jsonl"), Enumerable.Range(0, 1500).Select(i => $$"""
            {"id":"{{i}}","task":"t","prompt":"the {{i}} cat","choices":[" sat down on it"," ran away"],"answer":" ran away"}
            """));
        string[] args = Of(made).Single(c => c.Name == name).Args;
        string calm = made.In("calm"), killed = made.In("killed"), fresh = made.Home;
        if (name is "score" or "bottleneck") Prepare(fresh = made.In("prepared"));
        Renew(calm);
        Renew(killed);
        var whole = Stopwatch.StartNew();
        Assert.Equal(0, End(args, calm));
        double seconds = whole.Elapsed.TotalSeconds;
        double shorter = 1;
        int kills = 0;
        for (int i = 0; kills < Kills && i < 4 * Kills; i++)
        {
            using Process child = Attack.Start([.. args, "--home", killed]);
            if (child.WaitForExit((int)(1000 * seconds * shorter * (0.15 + 0.85 * new Random(i).NextDouble()))))
            {
                Assert.Equal(0, child.ExitCode);                          // done: killed anew from the start, and sooner
                Renew(killed);
                shorter *= 0.8;
                continue;
            }
            child.Kill();
            child.WaitForExit();
            kills++;
        }
        Assert.Equal(0, End(args, killed));
        SortedDictionary<string, string> expected = Results(calm), found = Results(killed);
        Assert.Equal(expected.Keys, found.Keys);
        Assert.DoesNotContain(expected.Keys, k => expected[k] != found[k]);
        Assert.Empty(HomeCheck.Of(new(killed)).Findings);
        string[] left = [.. Directory.GetFileSystemEntries(killed, "*.tmp", SearchOption.AllDirectories)
            .Concat(Directory.GetFileSystemEntries(killed, "*.partial", SearchOption.AllDirectories))];
        Assert.Empty(left);
        Attack.Say($"{name}: {kills} kills, {seconds:0.0} s without; the same results");

        void Renew(string home)
        {
            if (Directory.Exists(home)) Directory.Delete(home, recursive: true);
            Attack.Copy(fresh, home);
        }
    }

    /// <summary>A ladder of its own with a forecast that has not come true yet.</summary>
    void Prepare(string home)
    {
        if (Directory.Exists(home)) return;
        Attack.Copy(made.Home, home);
        string recipe = made.In("l2.json");
        File.WriteAllText(recipe, """
            {"name":"l2","corpus":"txt","rungs":[{"budgets":"1e10,2e10,4e10","seeds":1,"sizes":4}],"max_epochs":1000,"min_steps":1,"settings":["model.context_len=64"]}
            """);
        Assert.Equal(0, Attack.Run(["ladder", recipe, "--yes", "--home", home], 600).Code);
        Assert.Equal(0, Attack.Run(["forecast", "l2", "--flops", "5e10", "--home", home], 600).Code);
    }

    static int End(string[] args, string home)
    {
        using Process child = Attack.Start([.. args, "--home", home]);
        child.WaitForExit();
        return child.ExitCode;
    }

    /// <summary>All that is not of time: weights and moments, losses, tables, streams of tokens.</summary>
    static SortedDictionary<string, string> Results(string home)
    {
        SortedDictionary<string, string> results = new(StringComparer.Ordinal);
        foreach (string path in Directory.GetFiles(home, "*", SearchOption.AllDirectories))
        {
            string file = Path.GetRelativePath(home, path);
            if (Path.GetExtension(path) == ".tok" || Path.GetFileName(path) == "tokenizer.json" && !file.Contains("step-"))
                results[file] = Convert.ToHexString(XxHash128.Hash(File.ReadAllBytes(path)));
            if (Path.GetFileName(path) == "rows.jsonl")
                results[file] = string.Join('\n', File.ReadAllLines(path).Select(l => Timed().Replace(l, "")).Order());
        }
        string runs = Path.Combine(home, "runs");
        foreach (string run in Directory.GetDirectories(runs))
        {
            foreach (string weights in (string[])[ModelFolder.ModelFile, Checkpoint.OptimizerFile])       // which others stay is of time
                results[$"{Path.GetFileName(run)} {weights}"] = Convert.ToHexString(XxHash128.Hash(File.ReadAllBytes(
                    Path.Combine(run, Checkpoint.NameOf(Checkpoint.StepsIn(run)[^1]), weights))));
            foreach (ValidRow row in RunFolder.ReadValid(run)) results[$"{Path.GetFileName(run)} valid {row.Step}"] = $"{row.Loss:R}";
            foreach (StepRow row in RunFolder.ReadSteps(run)) results[$"{Path.GetFileName(run)} step {row.Step}"] = $"{row.Loss:R} {row.Flops:R}";
        }
        return results;
    }

    [GeneratedRegex(",?\"(seconds|hash)\":\"?[^,}\"]*\"?")]
    private static partial Regex Timed();
}
