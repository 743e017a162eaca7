using System.Numerics;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>
/// The one dial: from training FLOPs to width, depth, heads, tokens, batch and learning rate. Every constant of these rules is
/// here, and NOTATION.md prints them.
/// </summary>
static class ComputeOptimal
{
    /// <summary>Training tokens for each parameter but those of the embedding. Hoffmann et al. 2022, arXiv:2203.15556.</summary>
    public const double TokensPerParameter = 20;

    /// <summary>
    /// Of these rules. Runs and studies record it: losses of two dials lie on no one law. 1: the learning rate knew the width
    /// alone. 2: it fell over the last fifth of a run.
    /// </summary>
    public const int Version = 3;

    /// <summary>
    /// learning_rate = <see cref="BaseLearningRate"/> · (<see cref="BaseWidth"/> / d_model) ^ <see cref="WidthExponent"/>
    /// · (batch_tokens / <see cref="MinBatchTokens"/>) ^ <see cref="BatchExponent"/>
    /// · (<see cref="BaseTokens"/> / tokens) ^ <see cref="DurationExponent"/>.
    /// </summary>
    public const double BaseLearningRate = 0.007;

    /// <summary>Channels a layer: depth grows with the width.</summary>
    public const int WidthPerLayer = 32;

    /// <summary>Width at which the base learning rate holds.</summary>
    public const int BaseWidth = 64;

    /// <summary>Tokens of a run at which it holds.</summary>
    public const double BaseTokens = 1e6;

    /// <summary>How the learning rate falls with the width.</summary>
    public const double WidthExponent = 0.5;

    /// <summary>How it rises with the batch.</summary>
    public const double BatchExponent = 0.5;

    /// <summary>How it falls with the tokens of the run.</summary>
    public const double DurationExponent = 0.3;

    /// <summary>batch_tokens = <see cref="BatchFactor"/> · √tokens, to the nearest power of two.</summary>
    public const double BatchFactor = 0.4;

    /// <summary>No smaller batch, unless <see cref="MinSteps"/> or a context of more tokens ask for another.</summary>
    public const int MinBatchTokens = 512;

    /// <summary>A run has at least so many updates, as long as a batch can be smaller: a short one is all transient.</summary>
    public const int MinSteps = 1000;

    /// <summary>Shards of a batch at most.</summary>
    public const int MostShards = 16;

    /// <summary>No fewer tokens in a shard: joining the gradients of all takes a few hundredths of their passes then.</summary>
    public const int MinShardTokens = 256;

    /// <summary>Above so many parameters a batch is one shard: what threads wait for each other weighs nothing there.</summary>
    public const long MaxShardedParameters = 4_000_000;

    const int MaxWidth = 16_384;

    /// <summary>Learning rate by width, batch and length of the run.</summary>
    public static double LearningRate(int dModel, int batchTokens, double tokens) => RoundTo3Digits(BaseLearningRate
        * Math.Pow((double)BaseWidth / dModel, WidthExponent) * Math.Pow((double)batchTokens / MinBatchTokens, BatchExponent)
        * Math.Pow(BaseTokens / tokens, DurationExponent));

    /// <summary>Tokens of an update: a power of two times the context when the context is none itself.</summary>
    public static int BatchTokens(double tokens, int contextLen)
    {
        double most = Math.Max(tokens / MinSteps, 1), wanted = Math.Max(BatchFactor * Math.Sqrt(tokens), MinBatchTokens);
        double rows = Math.Min(wanted, most) / contextLen;
        double power = wanted <= most ? Math.Round(Math.Log2(rows)) : Math.Floor(Math.Log2(rows));
        return contextLen * (int)Math.Pow(2, Math.Clamp(power, 0, 20));
    }

    /// <summary>Whole updates that come nearest to so many tokens.</summary>
    public static int Steps(long tokens, int batchTokens) =>
        (int)Math.Clamp(Math.Round((double)tokens / batchTokens), 1, int.MaxValue);

    /// <summary>Parts of a batch that threads take whole: a power of two, by size and batch alone: no machine shows.</summary>
    public static int Shards(long parameters, int batchTokens, int contextLen) => parameters > MaxShardedParameters ? 1
        : 1 << BitOperations.Log2((uint)Math.Clamp(batchTokens / Math.Max(MinShardTokens, contextLen), 1, MostShards));

    /// <summary>
    /// The shape whose budget is nearest to <paramref name="flops"/> at 20 tokens a parameter, and the tokens that spend it.
    /// </summary>
    /// <param name="given">what is given stays; width, layers and heads are chosen where they are not</param>
    public static (ModelSettings Model, long Tokens) Resolve(double flops, ModelSettings given)
    {
        ModelSettings? best = null;
        double nearest = double.PositiveInfinity;
        foreach (int width in given.DModel is { } wanted ? [wanted] : Widths())
        {
            ModelSettings chosen = Chosen(width, given);
            ModelConfig shape = chosen.Shape();
            if (shape.Problems().Any()) continue;
            double distance = Math.Abs(Math.Log(Budget(shape) / flops));
            if (distance < nearest) (best, nearest) = (chosen, distance);
            else if (best is not null) break;                     // the budget grows with the width
        }
        best ??= Chosen(given.Shape().DModel, given);             // broken by what was given: the caller reports its problems
        return (best, (long)Math.Max(1, Math.Round(flops / Flops.TrainingPerToken(best.Shape()).Total)));
    }

    /// <summary>All parameters but those of the input embedding; the head counts, also one that shares its weights.</summary>
    public static long ParametersWithoutEmbedding(ModelConfig c)
    {
        var table = new ParamTable(c);
        return table.Parameters - (c.TiedHead ? 0 : table.Embedding.Length);
    }

    static double Budget(ModelConfig c) => TokensPerParameter * ParametersWithoutEmbedding(c) * Flops.TrainingPerToken(c).Total;

    static ModelSettings Chosen(int width, ModelSettings c)
    {
        int head = c.DHead ?? (width < BaseWidth || width % 32 != 0 ? 16 : 32);
        return c with
        {
            DModel = width,
            NLayer = c.NLayer ?? Math.Max(2, (int)Math.Round((double)width / WidthPerLayer, MidpointRounding.AwayFromZero)),
            NHead = c.NHead ?? Math.Max(1, width / head),
        };
    }

    static IEnumerable<int> Widths()
    {
        for (int width = 16; width <= MaxWidth; width += width < 128 ? 16 : width < 512 ? 32 : 64) yield return width;
    }

    static double RoundTo3Digits(double x)
    {
        double scale = Math.Pow(10, 2 - Math.Floor(Math.Log10(x)));
        return Math.Round(x * scale) / scale;
    }
}
