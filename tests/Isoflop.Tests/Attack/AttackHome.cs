using Xunit;

namespace Isoflop.Tests.Attack;

/// <summary>A home with one of everything, small: corpus, run, ladder with law, forecast and score, demonstrations, reinforcement,
/// search, curve, evaluation. Made once by the commands that users give.</summary>
public sealed class AttackHome : IDisposable
{
    /// <summary>Settings of the smallest run.</summary>
    public static readonly string[] Tiny = ["model.d_model=16", "model.n_layer=1", "model.n_head=1", "train.batch_tokens=512",
        "model.context_len=64"];

    public AttackHome()
    {
        Path = Directory.CreateTempSubdirectory("isoflop-attack-").FullName;
        Home = System.IO.Path.Combine(Path, "home");
        Text = In("small.txt");
        Suite = In("suite.jsonl");
        Ladder = In("ladder.json");
        WriteText(Text, 4000, seed: 1);
        File.WriteAllText(Suite, """{"id":"a","task":"t","prompt":"the cat","choices":[" sat"," ran"],"answer":" sat"}""" + "\n");
        File.WriteAllText(Ladder, """
            {"name":"l","corpus":"txt","rungs":[{"budgets":"1e10,2e10,4e10","seeds":2,"sizes":4}],"max_epochs":1000,"min_steps":1,
             "settings":["model.context_len=64"]}
            """);
        foreach (string[] made in Made) Do(made);
    }

    public string Path { get; }
    public string Home { get; }
    public string Text { get; }
    public string Suite { get; }
    public string Ladder { get; }

    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>What makes the home, in order.</summary>
    public string[][] Made =>
    [
        ["corpus", "txt", Text, "--vocab", "300"],
        ["train", "corpus=txt", .. Tiny, "train.steps=20", "name=a", "save.every=10", "eval.every=5"],
        ["ladder", Ladder, "--yes"],
        ["forecast", "l", "--flops", "5e10"],
        ["score", "l"],
        ["teach", "name=t", "tasks=parity:1", "items=200", "valid_items=10", "context=32", "model.d_model=16", "model.n_layer=1"],
        ["rl", "name=r", "from=t", "tasks=parity:1", "steps=3", "prompts=4", "replies=4", "max_new_tokens=16", "eval_items=8",
            "eval_replies=2", "skip_gate=true"],
        ["think", "t", "--task", "parity", "--level", "1", "--for", "1s", "--strategy", "majority", "--name", "s"],
        ["think-curve", "t", "--task", "parity:1", "--items", "4", "--budgets", "1..2", "--strategies", "greedy,majority",
            "--csv", In("curve.csv")],
        ["eval", "a", "--suite", Suite],
    ];

    /// <summary>What reads it, and changes nothing; the part of the home that it rests on stands first.</summary>
    public (string Part, string[] Args)[] Readers =>
    [
        ("", ["runs", "--json"]),
        ("", ["runs", "--csv", "-", "--steps"]),
        ("corpus/txt", ["corpus", "txt", Text, "--vocab", "300"]),
        ("corpus/txt", ["plan", "corpus=txt", "flops=1e9", "--gflops", "40"]),
        ("corpus/txt", ["train", "corpus=txt", .. Tiny, "train.steps=20", "name=a", "save.every=10", "eval.every=5"]),
        ("runs/a", ["train", "corpus=txt", .. Tiny, "train.steps=20", "name=a", "save.every=10", "eval.every=5"]),
        ("runs/a", ["next", "a", "the cat"]),
        ("runs/a", ["eval", "a", "--suite", Suite]),
        ("studies/l", ["fit", "l", "--bootstraps", "0", "--json", "--out", In("law.json")]),
        ("studies/l", ["ladder", Ladder, "--plan"]),
        ("studies/l", ["score", "l"]),
        ("studies/l", ["optimal", "--flops", "1e10", "--law", "l"]),
        ("runs/t", ["next", "t", "1010"]),
        ("runs/t", ["think-curve", "t", "--task", "parity:1", "--items", "4", "--budgets", "1..2", "--strategies",
            "greedy,majority", "--csv", "-"]),
        ("runs/r", ["traces", "r", "--json"]),
        ("runs/r", ["next", "r", "1010"]),
        ("thinks", ["think-curve", "t", "--task", "parity:1", "--items", "4", "--budgets", "1..2", "--strategies",
            "greedy,majority", "--csv", "-"]),
    ];

    /// <summary>Made words of which some are common and each prefers followers of its own: something for every size of model.</summary>
    public static void WriteText(string path, int paragraphs, int seed)
    {
        string[] syllables = ["ka", "lo", "mi", "ne", "ru", "sta", "ti", "vo", "be", "da", "fen", "gor"];
        var random = new Random(seed);
        string[] words = [.. Enumerable.Range(0, 4000).Select(_ => string.Concat(Enumerable.Range(0, 1 + random.Next(3))
            .Select(_ => syllables[random.Next(syllables.Length)]))).Distinct().Take(1500)];
        int at = 0;
        File.WriteAllText(path, string.Join("\n\n", Enumerable.Range(0, paragraphs).Select(_ =>
            string.Join(' ', Enumerable.Range(0, 50).Select(_ => words[at = random.NextDouble() < 0.6
                ? (at * 7 + (int)(3 * Math.Pow(random.NextDouble(), 2))) % words.Length
                : (int)Math.Pow(words.Length, random.NextDouble()) - 1])) + ".")));
    }

    void Do(string[] args)
    {
        Attack.Outcome done = Attack.Run([.. args, "--home", Home], 600);
        Assert.True(done.Code == 0, $"{string.Join(' ', args)}: {done.Code} {done.Err}");
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>The attacks share the home, and run one after the other.</summary>
[CollectionDefinition(nameof(Attack))]
public sealed class AttackCollection : ICollectionFixture<AttackHome>;
