namespace Isoflop.Data;

/// <summary>
/// Token rows for one pass through the model: whole sequences, one after another. Buffers are made once and refilled.
/// </summary>
public sealed class Batch
{
    /// <summary>Room for so many rows and sequences.</summary>
    public Batch(int maxRows, int maxSequences)
    {
        Tokens = new int[maxRows];
        Targets = new int[maxRows];
        Weights = new float[maxRows];
        Positions = new int[maxRows];
        offsets = new int[maxSequences + 1];
    }

    readonly int[] offsets;

    /// <summary>Inputs, [Rows].</summary>
    public int[] Tokens { get; }

    /// <summary>The tokens to predict, [Rows].</summary>
    public int[] Targets { get; }

    /// <summary>Weight of each target in the loss: 1 in pretraining, an answer's mask, an advantage; [Rows].</summary>
    public float[] Weights { get; }

    /// <summary>Position of each row in its sequence, [Rows].</summary>
    public int[] Positions { get; }

    /// <summary>Rows in use: tokens.</summary>
    public int Rows { get; private set; }

    /// <summary>Sequences in use.</summary>
    public int Sequences { get; private set; }

    /// <summary>First row of each sequence, then the number of rows.</summary>
    public ReadOnlySpan<int> Offsets => offsets.AsSpan(0, Sequences + 1);

    /// <summary>Σ weights, row by row.</summary>
    internal double SumWeights()
    {
        ReadOnlySpan<float> weights = Weights.AsSpan(0, Rows);
        if (!weights.ContainsAnyExcept(1)) return Rows;           // the same, sooner: most text has no others
        double sum = 0;
        foreach (float weight in weights) sum += weight;
        return sum;
    }

    /// <summary>Forgets all rows.</summary>
    public void Clear() => Rows = Sequences = 0;

    /// <summary>Starts a sequence: rows added from now on do not see those before.</summary>
    public void BeginSequence()
    {
        if (Sequences > 0 && offsets[Sequences - 1] == Rows) return;
        Sequences++;
        offsets[Sequences - 1] = offsets[Sequences] = Rows;
    }

    /// <summary>Adds one row to the sequence begun last.</summary>
    public void Add(int token, int target, float weight)
    {
        Tokens[Rows] = token;
        Targets[Rows] = target;
        Weights[Rows] = weight;
        Positions[Rows] = Rows - offsets[Sequences - 1];
        offsets[Sequences] = ++Rows;
    }

    /// <summary>Adds a stretch of text to it: every token but the last is an input, every token but the first a target.</summary>
    /// <param name="weights">of the targets; empty: 1</param>
    internal void Add(ReadOnlySpan<int> text, ReadOnlySpan<float> weights)
    {
        int count = text.Length - 1, position = Rows - offsets[Sequences - 1];
        text[..count].CopyTo(Tokens.AsSpan(Rows));
        text[1..].CopyTo(Targets.AsSpan(Rows));
        if (weights.IsEmpty) Weights.AsSpan(Rows, count).Fill(1);
        else weights.CopyTo(Weights.AsSpan(Rows));
        Span<int> positions = Positions.AsSpan(Rows, count);
        for (int i = 0; i < count; i++) positions[i] = position + i;
        offsets[Sequences] = Rows += count;
    }
}
