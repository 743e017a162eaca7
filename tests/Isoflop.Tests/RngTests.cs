using Xunit;

namespace Isoflop.Tests;

public class RngTests
{
    // kat_vectors of Random123 1.14: "philox4x32 10", counter, key, result
    [Theory]
    [InlineData("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8")]
    [InlineData("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd")]
    [InlineData("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")]
    public void Philox_gives_the_published_known_answers(string counter, string key, string want)
    {
        uint[] c = Words(counter), k = Words(key);
        Philox.Block got = Philox.Of(new(c[0], c[1], c[2], c[3]), k[0] | (ulong)k[1] << 32);
        Assert.Equal(Words(want), new[] { got[0], got[1], got[2], got[3] });
    }

    static uint[] Words(string hex) => [.. hex.Split(' ').Select(w => Convert.ToUInt32(w, 16))];

    [Fact]
    public void Streams_differ_in_every_part_of_their_name()
    {
        Rng[] streams =
        [
            new(1, RandomPurpose.Test), new(2, RandomPurpose.Test), new(1ul << 40, RandomPurpose.Test),
                new(1, RandomPurpose.Sample),
            new(1, RandomPurpose.Test, 1), new(1, RandomPurpose.Test, 1L << 39), new(1, RandomPurpose.Test, 0, 1),
            new(1, RandomPurpose.Test, 0, 1L << 40), new(1, RandomPurpose.Test, 1L << 16),
        ];
        Assert.Equal(streams.Length, streams.Select(s => s.NextUInt64()).Distinct().Count());
    }

    [Fact]
    public void The_same_name_opens_the_same_stream()
    {
        Rng a = new(7, RandomPurpose.Sample, 3, 4), b = new(7, RandomPurpose.Sample, 3, 4);
        for (int i = 0; i < 100; i++) Assert.Equal(a.NextUInt32(), b.NextUInt32());
    }

    [Fact]
    public void Uniforms_and_normals_have_their_moments()
    {
        const int n = 200_000;
        var rng = new Rng(1, RandomPurpose.Test);
        double uniform = 0, normal = 0, squares = 0, fourth = 0;
        for (int i = 0; i < n; i++)
        {
            double u = rng.NextDouble(), z = rng.NextNormal();
            Assert.InRange(u, 0, 1 - 1e-17);
            uniform += u;
            normal += z;
            squares += z * z;
            fourth += z * z * z * z;
        }
        // five standard errors
        Assert.InRange(uniform / n, 0.5 - 5 * 0.2887 / Math.Sqrt(n), 0.5 + 5 * 0.2887 / Math.Sqrt(n));
        Assert.InRange(normal / n, -5 / Math.Sqrt(n), 5 / Math.Sqrt(n));
        Assert.InRange(squares / n, 1 - 5 * Math.Sqrt(2.0 / n), 1 + 5 * Math.Sqrt(2.0 / n));
        Assert.InRange(fourth / n, 3 - 5 * Math.Sqrt(96.0 / n), 3 + 5 * Math.Sqrt(96.0 / n));
    }

    [Fact]
    public void Integers_have_no_bias_even_where_the_modulus_would()
    {
        // Eight neighbouring words give 0 0 0 1 1 1 2 2: uneven mod 3 unless some are drawn again.
        const int bound = 3 << 29, n = 60_000;
        var rng = new Rng(5, RandomPurpose.Test);
        int[] thirds = new int[3];
        for (int i = 0; i < n; i++) thirds[rng.NextInt(bound) % 3]++;
        foreach (int count in thirds) Assert.InRange(count, n / 3 - 600, n / 3 + 600);       // five standard errors
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(5), InlineData(64), InlineData(1000), InlineData(4097)]
    public void A_permutation_takes_every_place_once(int n)
    {
        var permutation = new Permutation(n, 9, RandomPurpose.Shuffle, 2);
        Assert.Equal(Enumerable.Range(0, n).Select(i => (long)i), Enumerable.Range(0, n).Select(i => permutation[i]).Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    [InlineData(70_001)]
    [InlineData(1L << 29)]                                        // above what is tabulated
    public void A_tabulated_permutation_is_the_same(long n)
    {
        uint[]? room = null;
        for (int epoch = 0; epoch < 3; epoch++)                   // one room for all, by turns
        {
            var permutation = new Permutation(n, 9, RandomPurpose.Shuffle, epoch);
            Permutation tabulated = permutation.Tabulated(ref room);
            for (long i = 0; i < n; i += 1 + n / 500) Assert.Equal(permutation[i], tabulated[i]);
        }
        Assert.Equal(n <= 1L << 28, room is not null);
    }

    [Fact]
    public void Permutations_of_other_epochs_and_seeds_are_unrelated()
    {
        const int n = 5000;
        Permutation a = new(n, 9, RandomPurpose.Shuffle, 0), b = new(n, 9, RandomPurpose.Shuffle, 1),
            c = new(n, 10, RandomPurpose.Shuffle, 0);
        int fixedPoints = 0, ab = 0, ac = 0, runs = 0;
        for (int i = 0; i < n; i++)
        {
            if (a[i] == i) fixedPoints++;
            if (a[i] == b[i]) ab++;
            if (a[i] == c[i]) ac++;
            if (i > 0 && a[i] == a[i - 1] + 1) runs++;
        }
        Assert.All([fixedPoints, ab, ac, runs], count => Assert.InRange(count, 0, 8));      // each is Poisson with mean 1
    }

    [Fact]
    public void Small_permutations_are_all_reached()
    {
        var seen = new HashSet<string>();
        for (int epoch = 0; epoch < 300; epoch++)
        {
            var p = new Permutation(4, 1, RandomPurpose.Shuffle, epoch);
            seen.Add($"{p[0]}{p[1]}{p[2]}{p[3]}");
        }
        Assert.Equal(24, seen.Count);
    }
}
