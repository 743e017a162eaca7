using Isoflop.Data;
using Xunit;

namespace Isoflop.Tests.Data;

public sealed class TokenShardTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-shard").FullName;
    const int Block = 64 * 1024, Header = 4096;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Write(int[] elements, int width = 2, StreamKind kind = StreamKind.Tokens)
    {
        string path = Path.Combine(folder, "a.tok");
        using var writer = new TokenShardWriter(path, kind, width, "hash");
        // Uneven pieces, so that a piece ends inside, at and beyond a block.
        for (int at = 0, piece = 1; at < elements.Length; at += piece, piece = piece * 3 + 1)
            writer.Append(elements.AsSpan(at, Math.Min(piece, elements.Length - at)));
        writer.Commit();
        return path;
    }

    static int[] Elements(int count, int below)
    {
        var rng = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => rng.Next(below))];
    }

    static void Flip(string path, long offset)
    {
        using var file = File.Open(path, FileMode.Open);
        file.Position = offset;
        int b = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(b ^ 1));
    }

    public static TheoryData<int, int> Sizes
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (int width in (int[])[2, 4])
                foreach (int count in (int[])[0, 1, 2, 3, 5, Block - 1, Block, Block + 1, 3 * Block + 17]) data.Add(count, width);
            return data;
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void What_was_written_is_read(int count, int width)
    {
        int[] want = Elements(count, width == 2 ? 65536 : int.MaxValue);
        using TokenShard shard = TokenShard.Open(Write(want, width));
        Assert.Equal((count, width, "hash", StreamKind.Tokens), ((int)shard.Count, shard.Width, shard.TokenizerHash, shard.Kind));
        shard.Verify();
        int[] got = new int[count];
        shard.Read(0, got);
        Assert.Equal(want, got);
        Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
    }

    [Fact]
    public void Any_window_is_read_also_across_blocks()
    {
        int[] want = Elements(3 * Block + 17, 65536);
        using TokenShard shard = TokenShard.Open(Write(want));
        foreach (long start in (long[])[0, 1, Block - 1, Block, 2 * Block - 3, want.Length - 1, want.Length])
            foreach (int length in (int[])[0, 1, 2, 100, Block + 5])
            {
                int n = (int)Math.Min(length, want.Length - start);
                int[] got = new int[n];
                shard.Read(start, got);
                Assert.Equal(want[(int)start..((int)start + n)], got);
            }
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(want.Length, new int[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(-1, new int[1]));
    }

    [Fact]
    public void Weights_come_back_bit_for_bit()
    {
        float[] want = [1, 0, -0.5f, float.Epsilon, 1 / 3f];
        string path = Path.Combine(folder, "a.wgt");
        using (var writer = new TokenShardWriter(path, StreamKind.Weights, 4, ""))
        {
            writer.Append(want);
            writer.Commit();
        }
        using TokenShard shard = TokenShard.Open(path);
        float[] got = new float[5];
        shard.Read(0, got);
        Assert.Equal(want, got);
    }

    [Theory, InlineData(1), InlineData(8), InlineData(1000), InlineData(Block * 4)]
    public void A_shard_cut_short_is_refused_with_both_lengths(int cut)
    {
        string path = Write(Elements(3 * Block, 65536));
        long whole = new FileInfo(path).Length;
        using (var file = File.Open(path, FileMode.Open)) file.SetLength(whole - cut);
        var e = Assert.Throws<DataException>(() => TokenShard.Open(path));
        Assert.Contains(path, e.Message);
        Assert.Contains($"{whole} bytes expected", e.Message);
        Assert.Contains($"found {whole - cut}", e.Message);
    }

    [Theory, InlineData(0), InlineData(7), InlineData(100), InlineData(Header)]
    public void A_file_shorter_than_its_header_is_refused(int length)
    {
        string path = Write(Elements(10, 65536));
        using (var file = File.Open(path, FileMode.Open)) file.SetLength(length);
        Assert.Contains(path, Assert.Throws<DataException>(() => TokenShard.Open(path)).Message);
    }

    [Theory, InlineData(0, 0), InlineData(Block * 2 - 1, 0), InlineData(Block * 2, 1), InlineData(Block * 4 + 33, 2)]
    public void A_flipped_bit_is_found_by_Verify_and_by_the_first_read_of_its_block(int offset, int block)
    {
        string path = Write(Elements(2 * Block + 17, 65536));
        Flip(path, Header + offset);
        using TokenShard shard = TokenShard.Open(path);
        foreach (Action read in (Action[])[shard.Verify, () => shard.Read((long)block * Block, new int[1])])
        {
            var e = Assert.Throws<DataException>(read);
            Assert.Contains($"{path}: block {block} of 3", e.Message);
            Assert.Contains($"bytes {Header + block * Block * 2} to", e.Message);
        }
        int other = block == 0 ? 1 : 0;
        shard.Read((long)other * Block, new int[16]);               // its neighbours stay readable
    }

    [Fact]
    public void A_flipped_bit_in_the_header_or_in_the_checksum_table_is_refused()
    {
        int[] elements = Elements(Block + 5, 65536);
        long length = new FileInfo(Write(elements)).Length;
        for (long at = 0; at < Header; at = at < 48 ? at + 1 : at + 81) Refused(at);
        Refused(Header - 1);
        Refused(length - 1);
        Refused(length - 16);

        void Refused(long at)
        {
            string path = Write(elements);
            Flip(path, at);
            Assert.Contains(path, Assert.Throws<DataException>(() => TokenShard.Open(path)).Message);
        }
    }

    [Fact]
    public void A_newer_format_is_refused_by_its_number()
    {
        string path = Write([1, 2, 3]);
        using (var file = File.Open(path, FileMode.Open)) { file.Position = 8; file.WriteByte(9); }
        Assert.Contains("format version 9", Assert.Throws<DataException>(() => TokenShard.Open(path)).Message);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        string path = Path.Combine(folder, "none.tok");
        Assert.Contains(path, Assert.Throws<DataException>(() => TokenShard.Open(path)).Message);
    }

    [Fact]
    public void A_writer_that_is_not_committed_leaves_nothing()
    {
        using (var writer = new TokenShardWriter(Path.Combine(folder, "a.tok"), StreamKind.Tokens, 2, ""))
            writer.Append([1, 2, 3]);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void An_id_that_does_not_fit_is_refused_rather_than_wrapped()
    {
        using var writer = new TokenShardWriter(Path.Combine(folder, "a.tok"), StreamKind.Tokens, 2, "");
        writer.Append([65535]);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append([65536]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Append([-1]));
    }

    [Fact]
    public void Reading_allocates_nothing_and_is_safe_from_many_threads()
    {
        int[] want = Elements(8 * Block, 65536);
        using TokenShard shard = TokenShard.Open(Write(want));
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            int[] got = new int[1000];
            int start = i * 8000 % (want.Length - 1000);
            shard.Read(start, got);
            Assert.Equal(want[start..(start + 1000)], got);
        });
        int[] into = new int[5000];
        shard.Read(0, into);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) shard.Read(i * 3000, into);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
