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
}
