namespace Isoflop.Data;

/// <summary>Copies tokens [start, start + into.Length) of a stream.</summary>
public delegate void TokenReader(long start, Span<int> into);

/// <summary>Copies the loss weights of those tokens, each as a target.</summary>
public delegate void WeightReader(long start, Span<float> into);

/// <summary>
/// Training rows in a shuffled order that is computed: row r of a run is a function of the seed and r alone, so the place in
/// the data is one number. The stream is cut into windows of the context; each epoch takes all of them in its own permutation.
/// </summary>
/// <remarks>
/// End-of-text closes a document and opens the next: it is predicted from the document before it, and the first token after it is
/// predicted from it alone. So a sequence begins at each window and at each end-of-text; documents do not see each other, and
/// positions restart. A sampler that begins with end-of-text is in the state that training put it in.
/// </remarks>
public sealed class BatchSource
{
    readonly TokenReader read;
    readonly WeightReader? weigh;
    readonly int endOfText;
    readonly ulong seed;
    readonly int[] window;               // the inputs and one token more: the last target
    readonly float[] weights;
    uint[]? orderTable;
    Permutation order;
    long epoch = -1;                     // order's

    /// <summary>Rows of <paramref name="contextLen"/> from a stream of <paramref name="tokens"/> tokens.</summary>
    /// <param name="weigh">null: every target weighs 1</param>
    public BatchSource(long tokens, TokenReader read, int endOfText, int contextLen, ulong seed, WeightReader? weigh = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(tokens, contextLen);
        (this.read, this.endOfText, this.seed, this.weigh) = (read, endOfText, seed, weigh);
        window = new int[contextLen + 1];
        weights = weigh is null ? [] : new float[window.Length];
        Windows = (tokens - 1) / contextLen;
    }

    /// <summary>Windows of an epoch.</summary>
    public long Windows { get; }

    /// <summary>Tokens of a window.</summary>
    public int ContextLen => window.Length - 1;

    /// <summary>
    /// Replaces the batch by windows [<paramref name="first"/>, first + count) of the run's endless row of them.
    /// </summary>
    /// <remarks>Allocates nothing after the first time. Not for two threads at once.</remarks>
    public void Fill(Batch batch, long first, int count)
    {
        batch.Clear();
        for (long r = first; r < first + count; r++)
        {
            if (r / Windows != epoch)
                (epoch, order) = (r / Windows, RandomUse.WindowOrder.Order(Windows, seed, r / Windows).Tabulated(ref orderTable));
            long start = order[r % Windows] * ContextLen;
            read(start, window);
            weigh?.Invoke(start, weights);
            AddSequences(batch, window, weights, endOfText);
        }
    }

    /// <summary>Adds a stretch of text: every token but the last is an input, every token but the first a target.</summary>
    /// <param name="weights">of the tokens as targets; empty: 1</param>
    internal static void AddSequences(Batch batch, ReadOnlySpan<int> tokens, ReadOnlySpan<float> weights, int endOfText)
    {
        for (int i = 0, end, rows = tokens.Length - 1; i < rows; i = end)
        {
            int document = tokens[(i + 1)..rows].IndexOf(endOfText);
            end = document < 0 ? rows : i + 1 + document;
            batch.BeginSequence();
            batch.Add(tokens[i..(end + 1)], weights.IsEmpty ? default : weights[(i + 1)..(end + 1)]);
        }
    }
}

/// <summary>Held-out text in its own order: windows of the context one after another, the last one shorter.</summary>
sealed class EvalSource
{
    readonly TokenReader read;
    readonly WeightReader? weigh;
    readonly int endOfText;
    readonly int[] window;
    readonly float[] weights;

    /// <summary>Windows of <paramref name="contextLen"/> of a stream.</summary>
    /// <param name="weigh">null: every target weighs 1</param>
    public EvalSource(TokenReader read, int endOfText, int contextLen, WeightReader? weigh = null)
    {
        (this.read, this.endOfText, this.weigh) = (read, endOfText, weigh);
        window = new int[contextLen + 1];
        weights = weigh is null ? [] : new float[window.Length];
    }

    /// <summary>
    /// Replaces the batch by at most <paramref name="windows"/> windows from <paramref name="at"/> on; returns where to go on.
    /// </summary>
    /// <param name="end">targets to take in all: a stream of n tokens has n − 1</param>
    public long Fill(Batch batch, long at, long end, int windows)
    {
        batch.Clear();
        for (; windows > 0 && at < end; windows--)
        {
            int rows = (int)Math.Min(window.Length - 1, end - at);
            Span<int> text = window.AsSpan(0, rows + 1);
            Span<float> weights = this.weights.AsSpan(0, weigh is null ? 0 : rows + 1);
            read(at, text);
            weigh?.Invoke(at, weights);
            BatchSource.AddSequences(batch, text, weights, endOfText);
            at += rows;
        }
        return at;
    }
}
