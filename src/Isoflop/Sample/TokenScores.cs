namespace Isoflop.Sample;

/// <summary>
/// How likely the tokens of a text were, each given those before it, and which would have been the likeliest in its place. Nats,
/// at temperature 1.
/// </summary>
sealed class TokenScores
{
    readonly float[] logProbs;                                    // [places]
    readonly int[] topTokens;                                     // [places, Tops], likeliest first, equal ones by their ids
    readonly float[] topLogProbs;

    /// <param name="from">first place that is scored, from 1: before the first token stands nothing</param>
    /// <param name="places">of the text, from its beginning</param> <param name="tops">likeliest tokens of each</param>
    public TokenScores(int from, int places, int tops)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        (From, Tops) = (from, tops);
        int count = Math.Max(0, places - from);
        (logProbs, topTokens, topLogProbs) = (new float[count], new int[count * tops], new float[count * tops]);
    }

    /// <summary>The first place.</summary>
    public int From { get; }

    /// <summary>Likeliest tokens of a place.</summary>
    public int Tops { get; }

    /// <summary>Of the token in a place.</summary>
    public float this[int place] => logProbs[place - From];

    /// <summary>The likeliest in a place, best first.</summary>
    public (int Token, float LogProb) Top(int place, int rank) =>
        (topTokens[(place - From) * Tops + rank], topLogProbs[(place - From) * Tops + rank]);

    /// <summary>A place is known.</summary>
    /// <param name="row">[V] of all tokens there</param>
    internal void Set(int place, float logProb, ReadOnlySpan<float> row)
    {
        int held = 0, first = (place - From) * Tops;
        logProbs[place - From] = logProb;
        Span<int> ids = topTokens.AsSpan(first, Tops);
        Span<float> best = topLogProbs.AsSpan(first, Tops);
        if (Tops == 0) return;
        for (int id = 0; id < row.Length; id++)
        {
            if (held == Tops && !(row[id] > best[held - 1])) continue;
            int at = held < Tops ? held++ : held - 1;
            for (; at > 0 && row[id] > best[at - 1]; at--) (ids[at], best[at]) = (ids[at - 1], best[at - 1]);
            (ids[at], best[at]) = (id, row[id]);
        }
    }
}
