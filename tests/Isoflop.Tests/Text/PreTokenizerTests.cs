using System.Globalization;
using System.Text;
using CsCheck;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Text;

public class PreTokenizerTests
{
    static readonly RegexSplitter Definition = new([new(PreTokenizer.Pattern)]);

    static string[] Pieces(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        List<string> pieces = [];
        for (int start = 0; start < utf8.Length;)
        {
            int end = PreTokenizer.Next(utf8, start);
            pieces.Add(Encoding.UTF8.GetString(utf8, start, end - start));
            start = end;
        }
        return [.. pieces];
    }

    static string[] PiecesByDefinition(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        List<(int Start, int End)> pieces = [];
        Definition.Split(utf8, pieces);
        return [.. pieces.Select(p => Encoding.UTF8.GetString(utf8[p.Start..p.End]))];
    }

    [Fact]
    public void Scanner_equals_the_pattern_on_any_text() =>
        Texts.Unicode().Sample(text => Assert.Equal(PiecesByDefinition(text), Pieces(text)), iter: 20_000);

    [Fact]
    public void Scanner_equals_the_pattern_after_and_before_every_character_of_the_basic_plane()
    {
        for (int c = 0; c < 0x10000; c++)
        {
            if (c is >= 0xD800 and <= 0xDFFF) continue;
            string text = $"a{(char)c}{(char)c} {(char)c}1";
            Assert.Equal(PiecesByDefinition(text), Pieces(text));
        }
    }

    [Theory]
    [InlineData("It's 2024,  isn't it?", "It|'s| |2|0|2|4|,| | isn|'t| it|?")]
    [InlineData("a \n\n b\r\n", "a| \n\n| b|\r\n")]
    [InlineData("x  ", "x|  ")]
    [InlineData("\n\nx", "\n|\n|x")]
    [InlineData(" 'sad' 'S", " '|sad|'| '|S")]
    [InlineData("𝐀𝐁 𝟘𝟙😀😀", "𝐀𝐁| |𝟘|𝟙|😀😀")]
    public void Pieces_are_as_written_here(string text, string pieces) => Assert.Equal(pieces.Split('|'), Pieces(text));

    [Fact]
    public void A_stand_in_has_the_category_it_stands_for()
    {
        foreach (UnicodeCategory category in Enum.GetValues<UnicodeCategory>())
        {
            if (category is UnicodeCategory.Surrogate or UnicodeCategory.SpaceSeparator or UnicodeCategory.Control
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator) continue;        // none beyond U+FFFF
            Assert.Equal(category, char.GetUnicodeCategory(RegexSplitter.StandIn(category)));
        }
    }
}
