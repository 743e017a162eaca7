using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace Isoflop.Data;

/// <summary>What the elements of a stream file mean. Parallel streams have equal counts and other file extensions.</summary>
enum StreamKind
{
    /// <summary>Token ids, <c>.tok</c>.</summary>
    Tokens = 0,
    /// <summary>A label for each token, <c>.tag</c>.</summary>
    Tags = 1,
    /// <summary>A float32 loss weight for each token, <c>.wgt</c>.</summary>
    Weights = 2,
}

/// <summary>
/// One memory-mapped stream of integers on disk. Reading copies and widens into the caller's span, allocates nothing, and may be
/// done from any number of threads; each block's checksum is compared before the block's first element is handed out.
/// </summary>
/// <remarks>
/// Layout, little-endian: a page of header (see <see cref="ShardHeader"/>), count × width bytes of payload padded to 8, and one
/// XxHash3-64 a block of 64 Ki elements. The header holds a checksum of itself and of all that follows the payload.
/// </remarks>
sealed unsafe class TokenShard : IDisposable
{
    readonly ShardHeader header;
    readonly FileStream file;
    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;
    readonly int[] verified;                                    // one bit a block
    byte* payload;

    /// <summary>The file.</summary>
    public string Path { get; }
    /// <summary>Elements.</summary>
    public long Count => header.Count;
    /// <summary>What the elements are.</summary>
    public StreamKind Kind => header.Kind;
    /// <summary>Bytes an element takes on disk: 2 or 4.</summary>
    public int Width => header.Width;
    /// <summary>Hash of the tokenizer that made the tokens.</summary>
    public string TokenizerHash => header.TokenizerHash;
    /// <summary>Of the header and of the checksums of all blocks.</summary>
    public ulong Checksum => header.Checksum;

    TokenShard(string path, FileStream file, ShardHeader header)
    {
        (Path, this.file, this.header) = (path, file, header);
        map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, true);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        payload = start + view.PointerOffset + ShardHeader.Bytes;
        verified = new int[(header.Blocks + 31) / 32];
    }

    /// <summary>Maps a stream file after holding its length and its header's checksum against the header.</summary>
    /// <exception cref="DataException">Not a stream file, a newer format, cut short, an altered header.</exception>
    public static TokenShard Open(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be opened: {e.Message}", e);
        }
        TokenShard? shard = null;
        try
        {
            ShardHeader header = ShardHeader.Read(file, path);
            shard = new TokenShard(path, file, header);
            byte* page = shard.payload - ShardHeader.Bytes;
            if (header.Checksum != ShardHeader.ChecksumOf(new(page, ShardHeader.Bytes), shard.Tail))
                throw new DataException($"{path}: the header or the checksum table was altered; build the corpus again");
            return shard;
        }
        catch
        {
            shard?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Copies elements [start, start + into.Length), widened to 32 bits.</summary>
    /// <exception cref="DataException">A block does not match its checksum.</exception>
    public void Read(long start, Span<int> into)
    {
        CheckBlocks(start, into.Length);
        if (header.Width == 4)
        {
            new ReadOnlySpan<int>(payload + start * 4, into.Length).CopyTo(into);
            return;
        }
        ushort* from = (ushort*)payload + start;
        for (int i = 0; i < into.Length; i++) into[i] = from[i];
    }

    /// <summary>Copies loss weights [start, start + into.Length).</summary>
    /// <exception cref="DataException">A block does not match its checksum.</exception>
    public void Read(long start, Span<float> into)
    {
        if (Kind != StreamKind.Weights) throw new InvalidOperationException($"{Path} holds {Kind}, not weights");
        CheckBlocks(start, into.Length);
        new ReadOnlySpan<float>(payload + start * 4, into.Length).CopyTo(into);
    }

    /// <summary>Holds every block against its checksum, also those already read.</summary>
    /// <exception cref="DataException">The first block that was altered: file, block and byte offset.</exception>
    public void Verify()
    {
        for (int block = 0; block < header.Blocks; block++) VerifyBlock(block);
    }

    void CheckBlocks(long start, int length)
    {
        ObjectDisposedException.ThrowIf(payload == null, this);
        if (start < 0 || start > Count - length)
            throw new ArgumentOutOfRangeException(nameof(start), $"{start} + {length} is outside 0 to {Count} of {Path}");
        if (length == 0) return;
        int last = (int)((start + length - 1) / ShardHeader.BlockLength);
        for (int block = (int)(start / ShardHeader.BlockLength); block <= last; block++)
            if ((Volatile.Read(ref verified[block >> 5]) & (1 << block)) == 0)      // 1 << block takes block mod 32
            {
                VerifyBlock(block);
                Interlocked.Or(ref verified[block >> 5], 1 << block);
            }
    }

    void VerifyBlock(int block)
    {
        ObjectDisposedException.ThrowIf(payload == null, this);
        long offset = (long)block * ShardHeader.BlockLength * Width;
        int bytes = (int)Math.Min((long)ShardHeader.BlockLength * Width, Count * Width - offset);
        if (XxHash3.HashToUInt64(new ReadOnlySpan<byte>(payload + offset, bytes)) == Checksums[block]) return;
        throw new DataException($"{Path}: block {block} of {header.Blocks} (bytes {ShardHeader.Bytes + offset} to " +
            $"{ShardHeader.Bytes + offset + bytes - 1}) does not match its checksum: it was altered; build it again");
    }

    /// <summary>Padding and checksum table.</summary>
    ReadOnlySpan<byte> Tail => new(payload + Count * Width, (int)(header.FileBytes - ShardHeader.Bytes - Count * Width));

    ReadOnlySpan<ulong> Checksums => new(payload + header.PayloadBytes, header.Blocks);

    /// <summary>Unmaps the file. No read may be under way.</summary>
    public void Dispose()
    {
        if (payload == null) return;
        payload = null;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
        file.Dispose();
    }
}

/// <summary>
/// The first page of a stream file. Byte offsets: 0 magic, 8 format version, 12 width, 16 kind, 20 block length (all u32),
/// 24 count (i64), 32 length of the tokenizer's hash (u32), 36 the hash (UTF-8),
/// 4088 XxHash3-64 of bytes 0–4087 and of the padding and checksum table.
/// </summary>
sealed record ShardHeader(StreamKind Kind, int Width, long Count, string TokenizerHash, ulong Checksum = 0)
{
    public const int Bytes = 4096;                              // a page, so that the payload is aligned for any element
    public const int BlockLength = 64 * 1024;
    const int FormatVersion = 1, MaxHash = 1024;
    static ReadOnlySpan<byte> Magic => "ISOFLOP\n"u8;

    public int Blocks => checked((int)((Count + BlockLength - 1) / BlockLength));
    public long PayloadBytes => (Count * Width + 7) & ~7L;
    public long FileBytes => Bytes + PayloadBytes + 8L * Blocks;

    public static ulong ChecksumOf(ReadOnlySpan<byte> page, ReadOnlySpan<byte> tail)
    {
        var hash = new XxHash3();
        hash.Append(page[..^8]);
        hash.Append(tail);
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>Appends padding and table, then writes the page in front.</summary>
    public void Write(FileStream file, List<ulong> blocks)
    {
        byte[] tail = new byte[FileBytes - Bytes - Count * Width];
        int at = (int)(PayloadBytes - Count * Width);
        foreach (ulong block in blocks)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(tail.AsSpan(at), block);
            at += 8;
        }
        byte[] page = Page();
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(Bytes - 8), ChecksumOf(page, tail));
        file.Write(tail);
        file.Position = 0;
        file.Write(page);
    }

    byte[] Page()
    {
        byte[] page = new byte[Bytes];
        Span<byte> p = page;
        Magic.CopyTo(p);
        BinaryPrimitives.WriteInt32LittleEndian(p[8..], FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(p[12..], Width);
        BinaryPrimitives.WriteInt32LittleEndian(p[16..], (int)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(p[20..], BlockLength);
        BinaryPrimitives.WriteInt64LittleEndian(p[24..], Count);
        int length = Encoding.UTF8.GetBytes(TokenizerHash, p.Slice(36, MaxHash));
        BinaryPrimitives.WriteInt32LittleEndian(p[32..], length);
        return page;
    }

    /// <summary>Reads the page and holds the file's length against it.</summary>
    public static ShardHeader Read(FileStream file, string path)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("stream files are read in place: " +
            "little-endian");
        Span<byte> p = new byte[Bytes];
        int got = file.ReadAtLeast(p, Bytes, throwOnEndOfStream: false);
        if (got < 8 || !p[..8].SequenceEqual(Magic)) throw new DataException($"{path}: not an Isoflop stream file");
        if (got < Bytes)
            throw new DataException($"{path}: cut short: the header is {Bytes} bytes, found {got}; build the corpus again");
        int version = BinaryPrimitives.ReadInt32LittleEndian(p[8..]);
        if (version != FormatVersion)
            throw new DataException($"{path}: format version {version}; this program reads {FormatVersion}; build it again");
        int width = BinaryPrimitives.ReadInt32LittleEndian(p[12..]), kind = BinaryPrimitives.ReadInt32LittleEndian(p[16..]);
        int block = BinaryPrimitives.ReadInt32LittleEndian(p[20..]), hash = BinaryPrimitives.ReadInt32LittleEndian(p[32..]);
        long count = BinaryPrimitives.ReadInt64LittleEndian(p[24..]);
        if (width is not (2 or 4) || kind is < 0 or > 2 || block != BlockLength || hash is < 0 or > MaxHash
            || count is < 0 or > 1L << 45)
            throw new DataException($"{path}: the header was altered; build the corpus again");
        var header = new ShardHeader((StreamKind)kind, width, count, Encoding.UTF8.GetString(p.Slice(36, hash)),
            BinaryPrimitives.ReadUInt64LittleEndian(p[(Bytes - 8)..]));
        if (file.Length != header.FileBytes)
            throw new DataException($"{path}: {(file.Length < header.FileBytes ? "cut short" : "too long")}: " +
                $"{header.FileBytes} bytes expected for {count} elements, found {file.Length}; build the corpus again");
        return header;
    }
}

/// <summary>Writes a stream file of a length not known beforehand: a temporary name, synced and renamed at the end.</summary>
sealed class TokenShardWriter : IDisposable
{
    readonly string path;
    readonly FileStream file;
    readonly ShardHeader empty;
    readonly byte[] block;                                      // one block, the unit of checksum and of write
    readonly List<ulong> checksums = [];
    int filled;                                                 // bytes
    bool committed;

    /// <summary>Elements appended so far.</summary>
    public long Count { get; private set; }

    /// <summary>Opens <c>path.tmp</c>; a left-over from a killed writer is overwritten.</summary>
    /// <param name="width">bytes an element: 2 holds 0 to 65535; 4 any int, and weights</param>
    public TokenShardWriter(string path, StreamKind kind, int width, string tokenizerHash)
    {
        if (width is not (2 or 4)) throw new ArgumentOutOfRangeException(nameof(width), width, "an element takes 2 or 4 bytes");
        if (kind == StreamKind.Weights && width != 4) throw new ArgumentException("weights are float32: 4 bytes", nameof(width));
        this.path = path;
        empty = new ShardHeader(kind, width, 0, tokenizerHash);
        block = new byte[ShardHeader.BlockLength * width];
        file = new FileStream(path + ".tmp", FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1);
        file.Position = ShardHeader.Bytes;
    }

    /// <summary>Width that holds every id of a vocabulary of this size.</summary>
    public static int WidthFor(int vocabSize) => vocabSize <= 65536 ? 2 : 4;

    /// <summary>Appends integers.</summary>
    public void Append(ReadOnlySpan<int> elements)
    {
        foreach (int element in elements)
        {
            if (empty.Width == 2)
            {
                if ((uint)element > ushort.MaxValue)
                    throw new ArgumentOutOfRangeException(nameof(elements), element, "two bytes hold 0 to 65535");
                BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(filled), (ushort)element);
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(filled), element);
            }
            Count++;
            filled += empty.Width;
            if (filled == block.Length) FlushBlock();
        }
    }

    /// <summary>Appends loss weights.</summary>
    public void Append(ReadOnlySpan<float> weights)
    {
        Debug.Assert(empty.Kind == StreamKind.Weights);
        Append(MemoryMarshal.Cast<float, int>(weights));
    }

    void FlushBlock()
    {
        Span<byte> bytes = block.AsSpan(0, filled);
        checksums.Add(XxHash3.HashToUInt64(bytes));
        file.Write(bytes);
        filled = 0;
    }

    /// <summary>Writes the checksums and the header, syncs, and gives the file its name.</summary>
    public void Commit()
    {
        if (filled > 0) FlushBlock();
        ShardHeader header = empty with { Count = Count };
        header.Write(file, checksums);
        file.Flush(flushToDisk: true);
        file.Dispose();
        File.Move(path + ".tmp", path, overwrite: true);
        committed = true;
    }

    /// <summary>Removes the temporary file of a writer that was not committed.</summary>
    public void Dispose()
    {
        file.Dispose();
        if (!committed) File.Delete(path + ".tmp");
    }
}
