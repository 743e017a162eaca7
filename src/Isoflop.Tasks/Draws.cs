namespace Isoflop.Tasks;

/// <summary>Choices that families make again and again.</summary>
public static class Draws
{
    /// <summary>Uniform, both ends included.</summary>
    public static int Between(this ref Rng rng, int low, int high) => low + rng.NextInt(high - low + 1);

    /// <summary>One of a list.</summary>
    public static T Pick<T>(this ref Rng rng, ReadOnlySpan<T> list) => list[rng.NextInt(list.Length)];

    /// <summary>One character of a text.</summary>
    public static char Pick(this ref Rng rng, string text) => text[rng.NextInt(text.Length)];

    /// <summary>True with probability p.</summary>
    public static bool Chance(this ref Rng rng, double p) => rng.NextDouble() < p;

    /// <summary>Into a random order. Fisher &amp; Yates.</summary>
    public static T[] Shuffle<T>(this ref Rng rng, T[] list)
    {
        for (int i = list.Length - 1; i > 0; i--)
        {
            int j = rng.NextInt(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
        return list;
    }

    /// <summary>0 … n − 1 in a random order.</summary>
    public static int[] Order(this ref Rng rng, int n) => rng.Shuffle([.. Enumerable.Range(0, n)]);
}
