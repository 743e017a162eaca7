using System.IO.Compression;
using System.Text;
using Isoflop.Lab.Corpora;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class GzipMembersTests
{
    static byte[] Pack(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    static string Read(params byte[][] parts)
    {
        using var members = new GzipMembers(new MemoryStream([.. parts.SelectMany(p => p)]));
        using var text = new StreamReader(members);
        return text.ReadToEnd();
    }

    // a few bytes, a few hundred, and more than any buffer
    static readonly string[] texts = ["one\n", new('x', 100_000), string.Concat(Enumerable.Range(0, 40_000)) + "\n"];

    public static TheoryData<int> Gaps => [0, 1, 2, 17, 511, 512, 513, 20_000];

    [Theory, MemberData(nameof(Gaps))]
    public void Zeros_between_and_behind_members_are_padding(int gap)
    {
        byte[] zeros = new byte[gap];
        foreach (string one in texts)
            foreach (string two in texts)
            {
                Assert.Equal(one + two, Read(Pack(one), zeros, Pack(two), zeros));
                Assert.Equal(one, Read(Pack(one), zeros));
            }
    }

    [Theory, MemberData(nameof(Gaps))]
    public void Anything_else_is_named_and_drops_nothing(int gap)
    {
        if (gap == 0) return;
        byte[] garbage = [.. Enumerable.Range(0, gap).Select(i => (byte)(7 + i % 3))];
        foreach (string one in texts)
        {
            byte[] packed = Pack(one);
            foreach (byte[][] parts in (byte[][][])[[packed, garbage], [packed, garbage, Pack("two")], [packed, [0, 0], garbage]])
                Assert.Contains($"ends at byte {packed.Length}", Assert.Throws<InvalidDataException>(() => Read(parts)).Message);
        }
    }

    [Fact]
    public void Every_cut_is_noticed()
    {
        foreach (string text in texts)
        {
            byte[] one = Pack("first"), two = Pack(text);
            foreach (int left in Enumerable.Range(0, 40).Select(i => two.Length - 1 - i).Where(n => n > 0))
            {
                Assert.Throws<InvalidDataException>(() => Read(two[..left]));
                Assert.Throws<InvalidDataException>(() => Read(one, two[..left]));
            }
        }
    }
}
