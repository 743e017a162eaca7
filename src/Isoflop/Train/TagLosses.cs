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

    /// <summary>Adds the losses (nats) of targets from stream position <paramref name="first"/> on.</summary>
    public void Add(long first, ReadOnlySpan<float> nll)
    {
        for (; !nll.IsEmpty; nll = nll[Math.Min(nll.Length, labels.Length)..])
        {
            int n = Math.Min(nll.Length, labels.Length);
            tags.Read(first, labels.AsSpan(0, n));
            for (int i = 0; i < n; i++)
            {
                sums[labels[i]] += nll[i];
                counts[labels[i]]++;
            }
            first += n;
        }
    }

    /// <summary>Mean loss of every tag that occurred.</summary>
    public IReadOnlyList<TagLoss> Means() =>
        [.. Enumerable.Range(0, names.Count).Where(t => counts[t] > 0)
            .Select(t => new TagLoss(names[t], counts[t], sums[t] / counts[t]))];
}
