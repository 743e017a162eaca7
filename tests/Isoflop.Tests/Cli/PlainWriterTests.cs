using Isoflop.Cli;
using Xunit;

namespace Isoflop.Tests.Cli;

public class PlainWriterTests
{
    [Theory]
    [InlineData("\u001b[31mred\u001b]0;title\u0007", "␛[31mred␛]0;title␇")]
    [InlineData("a\tb\r\nc\0\u007f", "a\tb\r\nc␀␡")]
    [InlineData("\u009b31m \u202edesrever", "\uFFFD31m \uFFFDdesrever")]
    [InlineData("é 💡 ␛", "é 💡 ␛")]
    public void Control_characters_are_shown_and_not_sent(string text, string shown)
    {
        var inner = new StringWriter();
        using var writer = new PlainWriter(inner, courtesy: false);
        writer.Write(text);
        writer.Write(text.AsSpan());
        writer.Write(text.ToCharArray(), 0, text.Length);
        foreach (char c in text) writer.Write(c);
        Assert.Equal(string.Concat(Enumerable.Repeat(shown, 4)), inner.ToString());
    }

    [Fact]
    public void What_is_drawn_goes_through()
    {
        var inner = new StringWriter();
        new PlainWriter(inner, courtesy: false).Raw.Write("\u001b[31m");
        Assert.Equal("\u001b[31m", inner.ToString());
    }

    [Fact]
    public void A_terminal_that_is_gone_stops_progress_and_not_the_work()
    {
        using var courtesy = new PlainWriter(new Gone(), courtesy: true);
        courtesy.WriteLine("12 %");
        courtesy.Write('x');
        courtesy.Flush();
        courtesy.Raw.Write("x");
        using var records = new PlainWriter(new Gone(), courtesy: false);
        Assert.Equal("standard output cannot be written: Input/output error",
            Assert.Throws<DataException>(() => records.WriteLine("a record")).Message);
    }

    sealed class Gone : StringWriter
    {
        public override void Write(char value) => throw new IOException("Input/output error");
        public override void Write(string? value) => throw new IOException("Input/output error");
        public override void Flush() => throw new ObjectDisposedException("stderr");
    }
}
