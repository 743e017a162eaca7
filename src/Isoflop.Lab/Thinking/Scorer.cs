using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Runs;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>How a scorer's raw values become probabilities, and how well: its scorer.json.</summary>
/// <param name="Slope">p = σ(slope·logit(raw) + offset): Platt 1999</param>
/// <param name="Sampled">what generator the replies cost; training is in the run's own ledger</param>
/// <param name="Raw">reliability before the calibration</param> <param name="Calibrated">after it; both on items that it has
/// not seen</param>
/// <param name="ByShare">area under the curve of right against wrong replies, by how much of the reply was seen</param>
sealed record ScorerCard(string Policy, IReadOnlyList<string> Tasks, double Slope, double Offset, Spending Sampled,
    Reliability Raw, Reliability Calibrated, IReadOnlyList<SharePoint> ByShare)
{
    /// <summary>Name of its file in the run's folder.</summary>
    public const string FileName = "scorer.json";

    static readonly Format format = new("scorer");

    internal static ScorerCard Load(string path) => JsonFile.Read(path, format, ScorerJson.Default.ScorerCard);

    internal void Save(string path) => JsonFile.Write(path, this, format, ScorerJson.Default.ScorerCard);
}

/// <summary>How well beginnings of a length tell right from wrong.</summary>
/// <param name="Share">of the reply seen, 1: all</param> <param name="Area">½: nothing</param>
sealed record SharePoint(double Share, int Count, double Area);

/// <summary>
/// A model that values beginnings of replies: it reads question and beginning and says one of two signs that no task uses.
/// Trained
/// by the same trainer as every model, from the policy's own weights; an outcome scorer where it reads whole replies, a step-wise
/// value where it reads beginnings.
/// </summary>
/// <remarks>
/// Cobbe et al. 2021, arXiv:2110.14168 (verifiers trained on a model's own solutions); Zhang et al. 2024, arXiv:2408.15240
/// (the judgement as a next token).
/// </remarks>
sealed class Scorer : IScorer, IDisposable
{
    /// <summary>The signs: acknowledge and its negative.</summary>
    internal const string Right = "\u0006", Wrong = "\u0015";

    readonly IDevice device;
    readonly Transformer model;
    readonly Tokenizer tokenizer;
    readonly Batch batch;
    readonly float[] nll;
    readonly int right;
    readonly ScorerCard? card;

    /// <summary>Opens a scorer.</summary>
    /// <exception cref="ConfigException">The run is none.</exception>
    public static Scorer Open(string run, Workspace here)
    {
        string file = Path.Combine(here.RunFolder(run), ScorerCard.FileName);
        if (!File.Exists(file))
            throw new ConfigException($"run '{run}' is no scorer; 'isoflop teach --scorer name={run} from=POLICY tasks=TASK' " +
                $"makes one");
        return new(run, here, ScorerCard.Load(file));
    }

    internal Scorer(string run, Workspace here, ScorerCard? card)
    {
        RunPoint point = RunStore.CheckpointOf(run, here);
        string folder = Path.Combine(here.RunFolder(point.Run), Checkpoint.NameOf(point.Step));
        ModelConfig shape = ModelFolder.LoadConfig(folder);
        (this.card, Name, device, tokenizer) = (card, $"{point.Run}@{point.Step}-{HashOf(folder)}", here.OpenDevice(),
            ModelFolder.LoadTokenizer(folder));
        model = new(device, shape, Math.Max(4096, shape.ContextLen), training: false);
        ModelFolder.LoadParams(folder, device, model.Table, model.Params);
        model.RepackWeights();
        (batch, nll) = (new(model.MaxRows, model.MaxRows), new float[model.MaxRows]);
        right = tokenizer.Encode(Right)[0];
    }

    static string HashOf(string folder) => System.IO.Hashing.XxHash3.HashToUInt64(
        File.ReadAllBytes(Path.Combine(folder, ModelFolder.ModelFile))).ToString("x16",
            System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>RUN@STEP and the hash of its weights.</summary>
    public string Name { get; }

    /// <summary>Its card; null while it is being calibrated.</summary>
    public ScorerCard? Card => card;

    /// <inheritdoc/>
    public IReadOnlyList<(double Value, Cost Cost)> Score(IReadOnlyList<(Problem Problem, PartialReply Draft)> drafts)
    {
        (double Raw, Cost Cost)[] raw = Values([.. drafts.Select(d => (d.Problem.Prompt, d.Draft.Text))]);
        return [.. raw.Select(r => (Calibrated(r.Raw), r.Cost))];
    }

    double Calibrated(double raw) => card is null ? raw : Platt.At(raw, card.Slope, card.Offset);

    /// <summary>Raw values; a beginning that the context has no room for is worth 0.</summary>
    internal (double Raw, Cost Cost)[] Values(IReadOnlyList<(string Prompt, string Reply)> beginnings)
    {
        var values = new (double, Cost)[beginnings.Count];
        for (int from = 0; from < values.Length;)
        {
            batch.Clear();
            List<int> rows = [];
            long began = System.Diagnostics.Stopwatch.GetTimestamp();
            int to = from;
            for (; to < values.Length; to++)
            {
                int[] read = RowOf(tokenizer, beginnings[to].Prompt, beginnings[to].Reply);
                if (read.Length > model.Config.ContextLen)
                {
                    rows.Add(-1);
                    continue;
                }
                if (batch.Rows + read.Length > model.MaxRows) break;
                batch.BeginSequence();
                for (int t = 0; t < read.Length; t++) batch.Add(read[t], t + 1 < read.Length ? read[t + 1] : right, 0);
                rows.Add(read.Length);
            }
            if (batch.Rows > 0) model.Nll(batch, nll);
            double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;
            for (int i = from, end = 0; i < to; i++)
            {
                int length = rows[i - from];
                if (length < 0) continue;
                end += length;
                values[i] = (Math.Exp(-(double)nll[end - 1]), new Cost(0, length,
                    Flops.Forward(model.Config, length, Flops.Pairs(length)).Total, seconds * length / batch.Rows));
            }
            from = to;
        }
        return values;
    }

    /// <summary>End-of-text, the question, the beginning: what the sign follows.</summary>
    internal static int[] RowOf(Tokenizer tokenizer, string prompt, string reply) =>
        [tokenizer.EndOfText, .. tokenizer.Encode(prompt), .. Parts(reply).SelectMany(p => tokenizer.Encode(p))];

    // As a policy writes them: the signs of a reply are tokens of their own.
    static IEnumerable<string> Parts(string reply)
    {
        int at = 0;
        for (int i = 0; i < reply.Length; i++)
        {
            if (reply[i] is not (Reply.Think or Reply.Say)) continue;
            if (i > at) yield return reply[at..i];
            yield return reply[i].ToString();
            at = i + 1;
        }
        if (at < reply.Length) yield return reply[at..];
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => device.Dispose();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ScorerRecipe))]
[JsonSerializable(typeof(ScorerCard))]
sealed partial class ScorerJson : JsonSerializerContext;
