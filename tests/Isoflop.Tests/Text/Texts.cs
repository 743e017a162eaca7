using System.Text;
using CsCheck;

namespace Isoflop.Tests.Text;

/// <summary>Text to test tokenizers with.</summary>
static class Texts
{
    static readonly string[] Awkward =
    [
        " ", "  ", "\n", "\r\n", "\r", "\t", "\v", "\f", "\u0085", "\u00A0", "\u1680", "\u2003", "\u2028", "\u2029",
        "\u202F", "\u3000", "\u200B", "\uFEFF", "\u180E", "\0", "'", "'s", "'t", "'ll", "'ve", "'re", "'d", "'m", "'S", "'l",
        "'v", "’s", "<|endoftext|>", "a", "the", "The", "ing", "é", "e\u0301", "ß", "Ж", "слово", "漢", "語", "한", "ا",
        "م", "א", "ñ", "ǅ", "ʰ", "ª", "\u0300", "\u0903", "\u20DD", "0", "7", "42",
        "٣", "Ⅷ", "½", "²", "①", "〇", ".", ",", "!", "_", "-", "—", "«", "€", "+", "^", "©", "<",
        "\u00AD", "\uFFFD", "\uE000",
    ];

    static readonly string[] BeyondBasicPlane =
        ["😀", "👩‍🚀", "🇩🇪", "👍🏽", "𝄞", "\U000F0000", "\U0001E000", "\U000E0101"];

    static readonly string[] LettersAndDigitsBeyond = ["𝐀", "𝒷", "𠮷", "𐐷", "𞤀", "𝟘", "𐄇", "🄂", "𑁦", "𐏑", "𖿣"];

    /// <summary>Any Unicode text: awkward pieces, and code points from everywhere.</summary>
    /// <param name="lettersBeyond">with letters and digits beyond U+FFFF, which .NET's own patterns take for neither</param>
    public static Gen<string> Unicode(bool lettersBeyond = true)
    {
        string[] pieces = [.. Awkward, .. BeyondBasicPlane, .. lettersBeyond ? LettersAndDigitsBeyond : []];
        Gen<string> awkward = Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]);
        Gen<string> any = Gen.Int[0, lettersBeyond ? 0x10FFFF : 0xFFFF].Where(c => c is < 0xD800 or > 0xDFFF)
            .Select(char.ConvertFromUtf32);
        Gen<string> latin = Gen.Int[0x20, 0x17F].Select(char.ConvertFromUtf32);
        return Gen.Frequency((6, awkward), (1, any), (2, latin)).Array[0, 60].Select(string.Concat);
    }

    /// <summary>English-like text of made-up words, some frequent and some rare, with the marks of prose and of code.</summary>
    public static byte[] Generated(int bytes, int seed)
    {
        var random = new Random(seed);
        string[] syllables = [.. "ta ri on es th e in mo lu ka str ing ed un é ß Ü не".Split(' ')];
        string[] words = [.. Enumerable.Range(0, 3000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 5))
            .Select(_ => syllables[random.Next(syllables.Length)])))];
        string[] marks = [" ", " ", " ", " ", " ", " ", ", ", ". ", ".\n",
            "\n\n", " (", ") ", "'s ", "'ll ", " 2024 ", " = x[3];\r\n    ", " 😀 ", "\t"];
        var text = new StringBuilder();
        while (text.Length < bytes)
        {
            double u = random.NextDouble();
            text.Append(words[(int)(u * u * u * words.Length)]).Append(marks[random.Next(marks.Length)]);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Some reference documentation of the .NET SDK, up to 1 MB; null where the SDK does not carry it.</summary>
    public static byte[]? Documentation()
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string root = Path.GetFullPath(Path.Combine(runtime, "..", "..", "..", "packs"));
        if (!Directory.Exists(root)) return null;
        FileInfo? file = new DirectoryInfo(root).EnumerateFiles("System.*.xml", SearchOption.AllDirectories)
            .OrderByDescending(f => f.Length).ThenBy(f => f.FullName).FirstOrDefault();
        if (file is null) return null;
        using FileStream stream = file.OpenRead();
        byte[] text = new byte[Math.Min(file.Length, 1_000_000)];
        stream.ReadExactly(text);
        return text;
    }
}
