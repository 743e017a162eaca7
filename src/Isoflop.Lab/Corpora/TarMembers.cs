using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// The files of a tar archive, front to back, without unpacking: ustar, GNU's and PAX' long names and sizes. What a header claims
/// takes no memory before it is there.
/// </summary>
static class TarMembers
{
    const int Block = 512, LongestName = 1 << 16, LongestHeader = 1 << 20;

    /// <summary>Regular files with their content, which ends when the next is asked for.</summary>
    /// <exception cref="InvalidDataException">A header that is none; the archive is cut short.</exception>
    public static IEnumerable<(string Name, Stream Content)> Read(Stream archive)
    {
        byte[] header = new byte[Block];
        string? name = null;
        long? size = null;
        long at = 0;
        while (true)
        {
            int got = archive.ReadAtLeast(header, Block, throwOnEndOfStream: false);
            if (got == 0) yield break;
            // Zeros end an archive and pad it; another may follow, as of cat a.tar b.tar.
            if (!header.AsSpan(0, got).ContainsAnyExcept((byte)0))
            {
                at += got;
                continue;
            }
            if (got < Block) throw new InvalidDataException("the tar archive is cut short");
            if (!IsHeader(header)) throw new InvalidDataException($"no header of a member at byte {at} of the tar archive");
            at += Block;
            long own = size ?? Number(header.AsSpan(124, 12));
            if (own < 0) throw new InvalidDataException("a member of negative size in the tar archive");
            var content = new Member(archive, own);
            switch ((char)header[156])
            {
                case 'L':
                    name = Text(Small(content, own, LongestName));
                    size = null;
                    break;
                case 'x':
                    (name, size) = Extended(Small(content, own, LongestHeader), name);
                    break;
                case 'S':
                    throw new InvalidDataException("the tar archive has a sparse member; unpack it first");
                case '0' or '\0' or '7':
                    string given = name ?? NameOf(header);
                    if (!given.EndsWith('/')) yield return (given, content);
                    (name, size) = (null, null);
                    break;
                case 'g' or 'K':
                    break;
                default:
                    (name, size) = (null, null);
                    break;
            }
            content.Skip();
            int padding = (int)(-own & (Block - 1));
            if (archive.ReadAtLeast(header.AsSpan(0, padding), padding, throwOnEndOfStream: false) < padding)
                throw new InvalidDataException("the tar archive is cut short");
            at += own + padding;
        }
    }

    static bool IsHeader(ReadOnlySpan<byte> header)
    {
        long sum = 8 * ' ';
        for (int i = 0; i < Block; i++) sum += i is >= 148 and < 156 ? 0 : header[i];
        return Number(header[148..156]) == sum;
    }

    static string NameOf(ReadOnlySpan<byte> header)
    {
        string name = Text(header[..100]), folder = header[257..].StartsWith("ustar\0"u8) ? Text(header[345..500]) : "";
        return folder.Length > 0 ? $"{folder}/{name}" : name;
    }

    static string Text(ReadOnlySpan<byte> bytes) =>
        Encoding.UTF8.GetString(bytes.IndexOf((byte)0) is >= 0 and int end ? bytes[..end] : bytes);

    /// <summary>Octal digits, or what GNU writes when they do not suffice: a mark and 8 bytes; −1: neither.</summary>
    static long Number(ReadOnlySpan<byte> field)
    {
        if (field[0] == 0x80)
            return field[1..^8].ContainsAnyExcept((byte)0) ? -1 : BinaryPrimitives.ReadInt64BigEndian(field[^8..]);
        long number = 0;
        foreach (byte digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7') return -1;
            number = 8 * number + digit - '0';
        }
        return number;
    }

    static byte[] Small(Member content, long size, int most)
    {
        if (size > most) throw new InvalidDataException($"a header of {size} bytes in the tar archive");
        byte[] bytes = new byte[size];
        if (content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new InvalidDataException("the tar archive is cut short");
        return bytes;
    }

    /// <summary>PAX: lines of "LENGTH KEY=VALUE".</summary>
    static (string? Name, long? Size) Extended(ReadOnlySpan<byte> records, string? name)
    {
        long? size = null;
        while (records.IndexOf((byte)' ') is > 0 and int space)
        {
            if (!int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= space + 1 || length > records.Length)
                throw new InvalidDataException("a broken PAX header in the tar archive");
            string record = Encoding.UTF8.GetString(records[(space + 1)..(length - 1)]);
            if (record.StartsWith("path=", StringComparison.Ordinal)) name = record[5..];
            if (record.StartsWith("size=", StringComparison.Ordinal))
                size = long.TryParse(record.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out long own) ? own : -1;
            records = records[length..];
        }
        return (name, size);
    }

    /// <summary>So many bytes of the archive.</summary>
    sealed class Member(Stream archive, long left) : ForwardStream
    {
        public override int Read(Span<byte> buffer)
        {
            if (left == 0 || buffer.IsEmpty) return 0;
            int n = archive.Read(buffer[..(int)Math.Min(buffer.Length, left)]);
            if (n == 0) throw new InvalidDataException("the tar archive is cut short");
            left -= n;
            return n;
        }

        public void Skip()
        {
            byte[] buffer = new byte[Math.Min(left, 1 << 16)];
            while (Read(buffer) > 0) { }
        }
    }
}
