using System.IO.Hashing;
using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Data;
using Isoflop.Lab.Baselines;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Tests.Train;

/// <summary>A home in a temporary folder with a corpus of 64 tokens that a tiny model can learn something from.</summary>
sealed class TinyHome : IDisposable
{
    public const int Vocab = 64, EndOfText = 0;

    public TinyHome(int trainTokens = 6000, int validTokens = 700, string tokenizer = "{\"tiny\":1}")
    {
        Path = Directory.CreateTempSubdirectory("isoflop-test-").FullName;
        MakeCorpus("tiny", trainTokens, validTokens, tokenizer);
    }

    public string Path { get; }

    public string CorpusPath => System.IO.Path.Combine(Path, "corpus", "tiny");

    public void MakeCorpus(string name, int trainTokens, int validTokens, string tokenizer, int text = 0)
    {
        string folder = System.IO.Path.Combine(Path, "corpus", name);
        Directory.CreateDirectory(folder);
        string hash = Convert.ToHexStringLower(XxHash128.Hash(System.Text.Encoding.UTF8.GetBytes(tokenizer)));
        File.WriteAllText(System.IO.Path.Combine(folder, Corpus.TokenizerFile), tokenizer);
        Write("train-000.tok", trainTokens, 1 + 2 * text);
        Write("valid.tok", validTokens, 2 + 2 * text);
        var info = new CorpusInfo
        {
            Name = name,
            TokenizerHash = hash,
            VocabSize = Vocab,
            EndOfText = EndOfText,
            BytesPerToken = 2,
            Recipe = JsonDocument.Parse("{}").RootElement,
            Train = new() { Documents = 1, Tokens = trainTokens, Bytes = trainTokens * 2, Shards = ["train-000.tok"] },
            Valid = new() { Documents = 1, Tokens = validTokens, Bytes = validTokens * 2, Shards = ["valid.tok"] },
        };
        File.WriteAllText(System.IO.Path.Combine(folder, CorpusInfo.FileName), info.ToJson());
        // Measured already, as far as anyone can tell: this tokenizer cannot give back the text.
        var baselines = new CorpusBaselines(trainTokens, validTokens, hash, []);
        File.WriteAllBytes(System.IO.Path.Combine(folder, CorpusBaselines.FileName),
            JsonSerializer.SerializeToUtf8Bytes(baselines, CorpusBaselinesJson.Default.CorpusBaselines));

        void Write(string file, int count, long side)
        {
            using var writer = new TokenShardWriter(System.IO.Path.Combine(folder, file), StreamKind.Tokens, 2, hash);
            writer.Append(Text(count, side));
            writer.Commit();
        }
    }

    /// <summary>Documents of about forty tokens, each token mostly one more than the one before.</summary>
    public static int[] Text(int count, long side)
    {
        var rng = new Rng(3, RandomPurpose.Test, side);
        int[] tokens = new int[count];
        for (int i = 0, last = 1; i < count; i++)
            tokens[i] = last = rng.NextInt(40) == 0 ? EndOfText : rng.NextInt(4) == 0 ? 1 + rng.NextInt(Vocab - 1) : 1 +
                last % (Vocab - 1);
        return tokens;
    }

    public RunConfig Config(params string[] overrides) => Isoflop.Train.Config.Load(null,
    [
        "corpus=tiny", "name=run", "train.steps=12", "train.batch_tokens=128", "train.micro_tokens=64",
            "train.learning_rate=0.02",
        "model.context_len=32", "model.d_model=16", "model.n_layer=2", "model.n_head=2", "save.minutes=0", "save.keep=10",
            "eval.every=5",
        "eval.tokens=200", .. overrides,
    ]);

    public Workspace Here => new(Path) { Threads = 1, PeakFlops = 1e11 };

    public TrainResult Train(params string[] overrides) => Trainer.Train(Config(overrides), Here);

    /// <summary>Trains until so many steps are done, then asks to stop.</summary>
    public TrainResult TrainUntil(int step, params string[] overrides)
    {
        using var stop = new CancellationTokenSource();
        return Trainer.Train(Config(overrides), Here.Reporting(p => { if (p.Done == step) stop.Cancel(); }) with { Stop = stop.Token });
    }

    public string RunPath(string name = "run") => new Workspace(Path).RunFolder(name);

    public string StepPath(int step, string name = "run") => System.IO.Path.Combine(RunPath(name), Checkpoint.NameOf(step));

    public byte[] Model(int step, string name = "run") =>
        File.ReadAllBytes(System.IO.Path.Combine(StepPath(step, name), ModelFolder.ModelFile));

    public byte[] Optimizer(int step, string name = "run") =>
        File.ReadAllBytes(System.IO.Path.Combine(StepPath(step, name), Checkpoint.OptimizerFile));

    /// <summary>Puts a NaN into a tensor of a checkpoint, whose hashes then fit.</summary>
    public void Spoil(int step, string tensor)
    {
        string path = System.IO.Path.Combine(StepPath(step), ModelFolder.ModelFile);
        long at;
        using (SafetensorsFile file = SafetensorsFile.Open(path)) at = file.Tensors[tensor].Begin;
        byte[] bytes = File.ReadAllBytes(path);
        BitConverter.TryWriteBytes(bytes.AsSpan((int)at + 8), float.NaN);
        File.WriteAllBytes(path, bytes);
        Reseal(StepPath(step));
    }

    /// <summary>The columns of metrics.jsonl that do not depend on time.</summary>
    public List<object> Rows(string name = "run") =>
        [.. RunFolder.ReadSteps(RunPath(name))
            .Select(r => (object)(r.Step, r.Loss, r.GradNorm, r.LearningRate, r.Tokens, r.Flops))];

    /// <summary>Changes a checkpoint and makes its hashes fit again: damage that only the content can show.</summary>
    /// <summary>A record's text as programs wrote it before records had hashes.</summary>
    public static string Unsealed(string json) => Regex.Replace(Regex.Replace(json, ",\\s*\"hash\": \"[0-9a-f]*\"", ""),
        "\"format_version\": \\d+,\\s*", "");

    public static void Reseal(string folder, Func<TrainState, TrainState>? change = null)
    {
        TrainState state = Checkpoint.ReadState(folder);
        foreach (string name in state.Files.Keys.Where(n => File.Exists(System.IO.Path.Combine(folder, n))).ToList())
        {
            byte[] bytes = File.ReadAllBytes(System.IO.Path.Combine(folder, name));
            var hash = new XxHash128();
            hash.Append(bytes);
            state.Files[name] = new(bytes.Length, Checkpoint.Hex(hash));
        }
        state = (change is null ? state : change(state)) with { Hash = "" };
        File.WriteAllBytes(System.IO.Path.Combine(folder, Checkpoint.StateFile),
            Checkpoint.Encode(state with { Hash = Checkpoint.HashOf(state) }));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
