using Isoflop.Data;

namespace Isoflop.Train;

/// <summary>Splits the loss on held-out text by the tags of its tokens: a token belongs to the tag it carries as a
/// target.</summary>
sealed class TagLosses(IReadOnlyList<string> names, TokenStream tags)
{
    readonly double[] sums = new double[names.Count];
    readonly long[] counts = new long[names.Count];
    readonly int[] labels = new int[1024];

    /// <summary>Forgets all sums.</summary>
    public void Clear()
    {
        Array.Clear(sums);
        Array.Clear(counts);
    }

    /// <summary>
    /// Adds the losses (nats) of targets from stream position <paramref name="first"/> on; what weighs nothing is left out.
    /// </summary>
    /// <param name="weights">0 or 1 of each</param>
    public void Add(long first, ReadOnlySpan<float> nll, ReadOnlySpan<float> weights)
    {
        for (int at = 0; at < nll.Length; at += labels.Length)
        {
            int n = Math.Min(nll.Length - at, labels.Length);
            tags.Read(first + at, labels.AsSpan(0, n));
            for (int i = 0; i < n; i++)
            {
                if (weights[at + i] == 0) continue;
                sums[labels[i]] += nll[at + i];
                counts[labels[i]]++;
            }
        }
    }

    /// <summary>Mean loss of every tag that occurred.</summary>
    public IReadOnlyList<TagLoss> Means() => [.. Enumerable.Range(0, names.Count).Where(t => counts[t] > 0)
            .Select(t => new TagLoss(names[t], counts[t], sums[t] / counts[t]))];
}
