using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests;

public partial class RandomUseTests
{
    [Fact]
    public void No_two_uses_of_one_seed_have_a_stream_in_common_but_those_that_say_why()
    {
        var meet = from a in RandomUse.All.Index()
                   from b in RandomUse.All.Index()
                   where a.Index < b.Index && Meet(a.Item, b.Item)
                   select (a.Item.Name, b.Item.Name);
        Assert.Equal(RandomUse.Shared.Select(s => (s.One.Name, s.Other.Name)).Order(), meet.Order());
        Assert.All(RandomUse.Shared, s => Assert.NotEmpty(s.Why));
        Assert.Equal(RandomUse.All.Count, RandomUse.All.Select(u => u.Name).Distinct().Count());

        static bool Meet(RandomUse a, RandomUse b) => a.Purpose == b.Purpose && a.Seed == b.Seed
            && a.FirstStep < b.FirstStep + b.Steps && b.FirstStep < a.FirstStep + a.Steps
            && a.FirstIndex < b.FirstIndex + b.Indexes && b.FirstIndex < a.FirstIndex + a.Indexes;
    }

    [Fact]
    public void All_of_them_are_listed_and_fit() => Assert.All(RandomUse.All, u =>
    {
        Assert.True(u.FirstStep + u.Steps <= 1L << 40 && u.FirstIndex + u.Indexes <= 1L << 48, u.Name);
        Rng first = u.Open(3), same = new(3, u.Purpose, u.FirstStep, u.FirstIndex),
            last = u.Open(3, u.Steps - 1, u.Indexes - 1), there = new(3, u.Purpose, u.FirstStep + u.Steps - 1, u.FirstIndex + u.Indexes - 1);
        Assert.Equal((same.NextUInt64(), there.NextUInt64()), (first.NextUInt64(), last.NextUInt64()));
        Assert.Throws<ArgumentOutOfRangeException>(() => u.Open(3, u.Steps));
        Assert.Throws<ArgumentOutOfRangeException>(() => u.Open(3, 0, u.Indexes));
        Assert.Throws<ArgumentOutOfRangeException>(() => u.Open(3, -1));
    });

    /// <summary>Runs, corpora and intervals of yesterday are made of these numbers.</summary>
    [Fact]
    public void Their_numbers_are_those_they_always_had() => Assert.Equal(
        "first weights 1/0/0 · window order 2/0/0 · demonstration 2/0/0 · thought 4/1/0 · prompt 2/4294967296/0 · gate's thought 4/0/0 · " +
        "scorer's item 2/549755813888/0 · scorer's cut 4/0/0 · training reply 3/0/0 · exam reply 3/0/17592186044416 · " +
        "scorer's reply 3/0/35184372088832 · search reply 3/0/70368744177664 · continuation 3/0/0 · task item 4/0/0 · choice order 2/0/0 · " +
        "world document 4/0/0 · held-out world document 4/1/0 · world question 4/2/0 · strings to memorise 4/1/0 · " +
        "facts to memorise 4/2/0 · order of facts 4/0/0 · mixtures 4/3/0 · candidates of a mixture 4/4/0 · " +
        "order of a mixture's documents 4/0/0 · law's resample 5/0/0 · law's starts 5/256/0 · frontier's resample 5/0/0 · " +
        "frontier's noise 255/0/0 · test for a sudden rise 5/0/0 · simulated smooth task 5/1/0 · comparison's resample 5/0/0 · " +
        "comparison's exchange 5/0/1099511627776 · thought curve's resample 5/0/0 · simulated group 255/0/0 · world chat 4/0/0 · fault 4/0/0 · fleet's failures 4/1/0",
        string.Join(" · ", RandomUse.All.Select(u => $"{u.Name} {(int)u.Purpose}/{u.FirstStep}/{u.FirstIndex}")));

    [Fact]
    public void Nobody_cuts_streams_by_hand()
    {
        // the device draws by the seed, step and stream that a reply was given
        string[] allowed = ["Rng.cs", "RandomUse.cs", "Sampling.cs"];
        Assert.DoesNotContain(Directory.EnumerateFiles(Path.Combine(Places.Root, "src"), "*.cs", SearchOption.AllDirectories),
            f => !allowed.Contains(Path.GetFileName(f)) && ByHand().IsMatch(File.ReadAllText(f)));
    }

    [GeneratedRegex(@"new (Rng|Permutation)\(|RandomPurpose\.")]
    private static partial Regex ByHand();
}
