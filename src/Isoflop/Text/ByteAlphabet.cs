using System.Text;

namespace Isoflop.Text;

/// <summary>
/// The two alphabets of byte-level BPE: the byte values that UTF-8 text contains, and the printable characters that
/// tokenizer.json writes bytes as (GPT-2's table: printable Latin-1 stands for itself, every other byte for U+0100 and on).
/// </summary>
static class ByteAlphabet
{
    /// <summary>Byte values that occur in UTF-8: all but 0xC0, 0xC1 and 0xF5 to 0xFF. RFC 3629, section 4.</summary>
    public const int Utf8Values = 243;

    static readonly char[] Chars = MakeChars();
    static readonly short[] Values = MakeValues();

    /// <summary>Can this byte occur in UTF-8?</summary>
    public static bool InUtf8(int value) => value is not (0xC0 or 0xC1 or >= 0xF5);

    /// <summary>The printable form of bytes, as tokenizer.json writes tokens.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte b in bytes) text.Append(Chars[b]);
        return text.ToString();
    }

    /// <summary>The bytes of a printable form; null when a character is outside the table.</summary>
    public static byte[]? Read(string text)
    {
        var bytes = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] >= Values.Length || Values[text[i]] < 0) return null;
            bytes[i] = (byte)Values[text[i]];
        }
        return bytes;
    }

    static char[] MakeChars()
    {
        var chars = new char[256];
        char next = (char)256;
        for (int b = 0; b < 256; b++)
            chars[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : next++;
        return chars;
    }

    static short[] MakeValues()
    {
        var values = new short[Chars.Max() + 1];
        values.AsSpan().Fill(-1);
        for (int b = 0; b < 256; b++) values[Chars[b]] = (short)b;
        return values;
    }
}
