namespace Isoflop.Lab.Baselines;

/// <summary>
/// Interpolated modified Kneser–Ney: p(w|h) = (a(hw) − D(a(hw))) / Σ a(h·) + γ(h)·p(w|h'), where h' is h without its first
/// token, below the unigrams lies 1/V, and γ(h) is what the discounts took away. Chen &amp; Goodman 1999,
/// doi:10.1006/csla.1999.0128, equations 25 to 27.
/// </summary>
/// <remarks>
/// a is the count at the highest order and, below it, the number of different tokens that came before hw. An n-gram at
/// the start of a document has none before it and keeps its count. The end-of-text token takes the place of a start
/// mark: it is the first context of a document, and no context reaches further back.
/// </remarks>
sealed class KneserNey
{
    /// <summary>n-grams of one length, by their number; unigrams are numbered by their token.</summary>
    sealed record Level(NgramTable? Table, int[] Counts, double[] Discounts)
    {
        /// <summary>Σ a(h·), by the number of h in the level below.</summary>
        public required int[] Totals { get; init; }
        /// <summary>What the discounts take from Σ a(h·), by the number of h.</summary>
        public required double[] Taken { get; init; }
    }

    const int Ahead = 16;                                         // positions; about one memory latency of work

    readonly Level[] levels;                                      // [order], n-grams of 1, 2, … tokens
    readonly int vocabSize, eot;

    KneserNey(Level[] levels, int vocabSize, int eot) => (this.levels, this.vocabSize, this.eot) = (levels, vocabSize, eot);

    /// <summary>Counts the n-grams of documents that each end in <paramref name="eot"/>.</summary>
    /// <param name="order">the longest n-gram, at least 2</param> <param name="vocabSize">at most 65,536</param>
    public static KneserNey Train(ReadOnlySpan<ushort> tokens, int order, int vocabSize, int eot)
    {
        byte[] depths = Depths(tokens, order, eot);
        // Of the n-gram that ends at each position: its number.
        int[] shorter = new int[tokens.Length], longer = new int[tokens.Length];
        for (int i = 0; i < tokens.Length; i++) shorter[i] = tokens[i];

        var levels = new Level[order];
        NgramTable? table = null;
        int[] counts = new int[vocabSize];                        // of level n; unigrams as tokens
        foreach (ushort token in tokens) counts[token]++;
        for (int n = 1; n <= order; n++)
        {
            int contexts = n == 1 ? 1 : levels[n - 2].Counts.Length;
            if (n == order)
            {
                levels[n - 1] = Finish(table, counts, contexts);
                break;
            }
            // Few n-grams are never continued in two ways, so there are at least about as many of the next length.
            int expected = table is null ? 1 << 12 : table.Count + table.Count / 8;
            var next = new NgramTable(expected);
            int[] nextCounts = new int[expected];
            int[] before = new int[counts.Length];                // different tokens before each n-gram
            for (int i = 0; i < tokens.Length; i++)
            {
                if (i + Ahead < tokens.Length) next.Prefetch(shorter[i + Ahead - 1], tokens[i + Ahead]);
                if (depths[i] < n) continue;
                int known = next.Count;
                int number = next.FindOrAdd(i == 0 ? eot : shorter[i - 1], tokens[i]);
                if (number == nextCounts.Length) Array.Resize(ref nextCounts, number + number / 2);
                nextCounts[number]++;
                longer[i] = number;
                if (number == known) before[shorter[i]]++;
            }
            for (int g = 0; g < before.Length; g++)
                if (before[g] == 0) before[g] = counts[g];
            levels[n - 1] = Finish(table, before, contexts);
            next.Trim();
            Array.Resize(ref nextCounts, next.Count);
            (table, counts) = (next, nextCounts);
            (shorter, longer) = (longer, shorter);
        }
        return new KneserNey(levels, vocabSize, eot);
    }

    /// <summary>Σ −ln p over all tokens, each given those before it in its document.</summary>
    public double Nats(ReadOnlySpan<ushort> tokens)
    {
        Span<int> contexts = stackalloc int[levels.Length];
        double nats = 0;
        Begin(contexts);
        foreach (ushort token in tokens) nats -= Math.Log(Next(contexts, token));
        return nats;
    }

    /// <summary>p(token | start of a document); <paramref name="start"/> has no end-of-text token.</summary>
    public double Probability(ReadOnlySpan<ushort> start, ushort token)
    {
        Span<int> contexts = stackalloc int[levels.Length];
        Begin(contexts);
        foreach (ushort t in start) Next(contexts, t);
        return Next(contexts, token);
    }

    /// <summary>Discounts of counts 1, 2 and 3 or more; index 0 is 0.</summary>
    /// <param name="n">[5] n[c]: how many n-grams have the count c, for c from 1 to 4</param>
    /// <remarks>
    /// Where a small text leaves the formula without an answer above 0 and up to c, 0.5, 1 and 1.5 are taken: with 0,
    /// what was never seen could get no probability at all.
    /// </remarks>
    internal static double[] DiscountsOf(ReadOnlySpan<long> n)
    {
        double y = (double)n[1] / (n[1] + 2 * n[2]);
        double[] d = [0, 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]];
        for (int c = 1; c <= 3; c++)
            if (!(d[c] > 0 && d[c] <= c)) return [0, 0.5, 1, 1.5];                 // also when it is 0/0
        return d;
    }

    /// <summary>How many tokens of context each position has: up to and with the end of the document before.</summary>
    static byte[] Depths(ReadOnlySpan<ushort> tokens, int order, int eot)
    {
        var depths = new byte[tokens.Length];
        int depth = 1;
        for (int i = 0; i < tokens.Length; i++)
        {
            depths[i] = (byte)depth;
            depth = tokens[i] == eot ? 1 : Math.Min(depth + 1, order);
        }
        return depths;
    }

    static Level Finish(NgramTable? table, int[] counts, int contexts)
    {
        Span<long> n = stackalloc long[5];
        foreach (int count in counts)
            if (count is >= 1 and <= 4) n[count]++;
        double[] discounts = DiscountsOf(n);
        var totals = new int[contexts];
        var taken = new double[contexts];
        for (int g = 0; g < counts.Length; g++)
        {
            int context = table?.Context(g) ?? 0;
            totals[context] += counts[g];
            taken[context] += discounts[Math.Min(counts[g], 3)];
        }
        return new Level(table, counts, discounts) { Totals = totals, Taken = taken };
    }

    /// <summary>contexts[n]: the number of the n tokens before the next one, −1 when training never saw them.</summary>
    void Begin(Span<int> contexts)
    {
        contexts.Fill(-1);
        contexts[0] = 0;
        contexts[1] = eot;
    }

    /// <summary>p(token | contexts); moves the contexts one token on.</summary>
    double Next(Span<int> contexts, int token)
    {
        double p = 1.0 / vocabSize;
        int carried = 0;                                          // the number of the n-gram one shorter than the next
        for (int n = 0; n < levels.Length; n++)
        {
            Level level = levels[n];
            int context = contexts[n], number = -1;
            if (context >= 0 && level.Totals[context] > 0)
            {
                number = level.Table is null ? token : level.Table.Find(context, token);
                int count = number < 0 ? 0 : level.Counts[number];
                p = (count - level.Discounts[Math.Min(count, 3)] + level.Taken[context] * p) / level.Totals[context];
            }
            contexts[n] = carried;
            carried = number;
        }
        // After an end of document the longer contexts lead nowhere: training has none that reach across it.
        return p;
    }
}
