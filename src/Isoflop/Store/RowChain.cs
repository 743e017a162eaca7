using System.Globalization;
using System.IO.Hashing;

namespace Isoflop.Store;

/// <summary>
/// The running hash of a file of JSON lines. Each row ends with one of its own text and, through the one before, of all rows
/// above it: a digit that was changed, or a row that is missing, does not fit. It guards against faults, not against forgery.
/// </summary>
/// <remarks>Rows of older programs have no hash; the first that has one covers them too. XXH64, seeded with the hash
/// before.</remarks>
struct RowChain
{
    /// <summary>,"hash":"0123456789abcdef"}</summary>
    const int Digits = 16, SealLength = 9 + Digits + 2;

    ulong hash;

    /// <summary>A row with a hash was read or written.</summary>
    public bool Sealed { get; private set; }

    /// <summary>Goes past a row that is there.</summary>
    /// <param name="line">without its end</param>
    /// <param name="text">length of what precedes the hash, to which a closing brace belongs; 0: it has no hash</param>
    /// <returns>the row is as it was written, and so are all before it</returns>
    public bool Read(ReadOnlySpan<byte> line, out int text)
    {
        text = 0;
        ReadOnlySpan<byte> seal = line.Length > SealLength ? line[^SealLength..] : default;
        bool here = seal.StartsWith(",\"hash\":\""u8) && seal.EndsWith("\"}"u8);
        if (!here && Sealed) return false;
        hash = XxHash64.HashToUInt64(here ? line[..^SealLength] : line, (long)hash);
        if (!here) return true;
        Sealed = true;
        text = line.Length - SealLength;
        return ulong.TryParse(seal.Slice(9, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out ulong stated) && stated == hash;
    }

    /// <summary>The hash of a row that is written.</summary>
    /// <param name="text">all before the hash</param>
    /// <param name="seal">its end, with the brace</param>
    public void Write(ReadOnlySpan<byte> text, Span<byte> seal)
    {
        hash = XxHash64.HashToUInt64(text, (long)hash);
        Sealed = true;
        ",\"hash\":\""u8.CopyTo(seal);
        hash.TryFormat(seal.Slice(9, Digits), out _, "x16", CultureInfo.InvariantCulture);
        "\"}"u8.CopyTo(seal[^2..]);
    }

    /// <summary>Bytes of <see cref="Write"/>.</summary>
    public static int Length => SealLength;

    /// <summary>What to say of a row that does not fit.</summary>
    public static DataException Altered(string path, long line) => new($"{path}: line {line} was altered, or a line before it " +
        "is missing: its hash does not fit; restore the file from a copy");
}
