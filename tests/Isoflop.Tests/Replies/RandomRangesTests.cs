using System.Reflection;
using Isoflop.Lab.Replies;
using Xunit;

namespace Isoflop.Tests.Replies;

public class RandomRangesTests
{
    [Theory, InlineData("Replies", 48, 4), InlineData("Items", 48, 4), InlineData("Levels", 40, 3)]
    public void No_two_users_of_a_seed_have_a_number_in_common(string kind, int bits, int users)
    {
        RandomRange[] ranges = [.. typeof(RandomRanges).GetFields(BindingFlags.Static | BindingFlags.Public)
            .Where(f => f.Name.EndsWith(kind, StringComparison.Ordinal)).Select(f => (RandomRange)f.GetValue(null)!).OrderBy(r => r.First)];
        Assert.Equal(users, ranges.Length);
        foreach ((RandomRange a, RandomRange b) in ranges.Zip(ranges.Skip(1))) Assert.InRange(a.First + a.Count, 0, b.First);
        Assert.InRange(ranges[^1].First + ranges[^1].Count, 0, 1L << bits);
    }

    [Fact]
    public void A_range_refuses_what_is_its_neighbours()
    {
        RandomRange range = RandomRanges.ExamReplies;
        Assert.Equal((1L << 44) + 3, range[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => range[range.Count]);
        Assert.Throws<ArgumentOutOfRangeException>(() => range[-1]);
    }
}
