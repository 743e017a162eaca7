namespace Isoflop.Lab.Worlds;

/// <summary>
/// Random choices of one document, and what they cost to write down: −ln p of every choice that the text shows. Where the choices
/// can be read off the text, that sum is −ln p of the text; where two choices give one text, it is above it.
/// </summary>
sealed class Draw(Rng rng)
{
    Rng rng = rng;

    /// <summary>−ln p of the choices so far, nats.</summary>
    public double Nats { get; set; }

    /// <summary>Uniform below n.</summary>
    public int Next(int n)
    {
        Nats += Math.Log(n);
        return rng.NextInt(n);
    }

    /// <summary>Uniform below n, for what the text does not show.</summary>
    public int Hidden(int n) => rng.NextInt(n);

    /// <summary>True with probability p.</summary>
    public bool Chance(double p)
    {
        bool hit = rng.NextDouble() < p;
        Nats -= Math.Log(hit ? p : 1 - p);
        return hit;
    }

    /// <summary>An index with the probabilities whose running sums are given; the last is 1.</summary>
    public int Among(double[] cumulative)
    {
        double u = rng.NextDouble();
        int i = Array.BinarySearch(cumulative, u);
        i = Math.Min(i < 0 ? ~i : i + 1, cumulative.Length - 1);
        Nats -= Math.Log(cumulative[i] - (i == 0 ? 0 : cumulative[i - 1]));
        return i;
    }

    /// <summary>One of a list.</summary>
    public T Pick<T>(IReadOnlyList<T> list) => list[Next(list.Count)];

    /// <summary>One of a list that is not among some others: what stands in a statement already, or would be right.</summary>
    /// <param name="shown">the text shows it</param>
    public string Pick(IReadOnlyList<string> list, List<string> taken, bool shown = true)
    {
        int free = 0;
        foreach (string word in list)
            if (!taken.Contains(word)) free++;
        if (free == 0) throw new ArgumentException($"all of {string.Join(", ", list)} are taken");
        int left = shown ? Next(free) : Hidden(free);
        foreach (string word in list)
            if (!taken.Contains(word) && left-- == 0) return word;
        throw new InvalidOperationException("unreachable");
    }

    /// <summary>Running sums of p(k) ∝ (k + 1)^−s, k below n.</summary>
    public static double[] Zipf(int n, double s)
    {
        var sums = new double[n];
        double total = 0;
        for (int k = 0; k < n; k++) sums[k] = total += Math.Pow(k + 1, -s);
        for (int k = 0; k < n; k++) sums[k] /= total;
        sums[^1] = 1;
        return sums;
    }
}
