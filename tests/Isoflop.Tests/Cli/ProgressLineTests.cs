using Isoflop.Cli;
using Xunit;

namespace Isoflop.Tests.Cli;

public sealed class ProgressLineTests
{
    sealed class Clock : TimeProvider
    {
        public double Seconds;
        public override long TimestampFrequency => 1000;
        public override long GetTimestamp() => (long)(Seconds * 1000);
    }

    [Fact]
    public void Off_a_terminal_lines_are_plain_and_few()
    {
        var error = new StringWriter { NewLine = "\n" };
        var clock = new Clock();
        using var line = new ProgressLine(new(error, courtesy: true), terminal: false, clock);
        for (int i = 0; i <= 100; i++)
        {
            clock.Seconds = i / 4.0;
            line.Report("reading", i * 1e6, 100e6, "B", "so far");
        }
        clock.Seconds = 26;
        line.Report("reading", 100e6, 100e6, "B");
        line.Report("encoding", 0);
        Assert.Equal("""
            reading      0 %  so far
            reading     40 %  4.00 MB/s  15 s left  so far
            reading     80 %  4.00 MB/s  5 s left  so far
            reading    100 %  4.00 MB/s  in 25 s  so far
            encoding     0 %

            """.ReplaceLineEndings("\n"), error.ToString());
    }

    [Fact]
    public void On_a_terminal_one_line_is_drawn_over()
    {
        var error = new StringWriter { NewLine = "\n" };
        var clock = new Clock();
        using (var line = new ProgressLine(new(error, courtesy: true), terminal: true, clock))
            for (int i = 0; i <= 4; i++)
            {
                clock.Seconds = i;
                line.Report("reading", i, 4);
            }
        Assert.Equal(5, error.ToString().Count(c => c == '\r'));
        Assert.Equal(1, error.ToString().Count(c => c == '\n'));
        Assert.Contains("2 s left", error.ToString());
    }

    [Fact]
    public void What_was_done_before_a_resume_does_not_make_the_rate()
    {
        var error = new StringWriter();
        var clock = new Clock();
        using var line = new ProgressLine(new(error, courtesy: true), terminal: false, clock);
        line.Report("training", 900, 1000, "tokens");
        clock.Seconds = 10;
        line.Report("training", 950, 1000, "tokens");
        Assert.Contains("5 tokens/s  10 s left", error.ToString());
    }

    [Theory]
    [InlineData(0.2, "1 s")]
    [InlineData(99, "99 s")]
    [InlineData(100, "1 min 40 s")]
    [InlineData(7260, "2 h 1 min")]
    [InlineData(200000, "2 d 7 h")]
    [InlineData(double.PositiveInfinity, "very long")]
    [InlineData(double.NaN, "very long")]
    public void Time_left_is_said_in_two_units(double seconds, string text) => Assert.Equal(text, ProgressLine.Span(seconds));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(0.25, "0.25 B")]
    [InlineData(999, "999 B")]
    [InlineData(999.9, "1.00 kB")]
    [InlineData(12345, "12.3 kB")]
    [InlineData(99960, "100 kB")]
    [InlineData(14.5e6, "14.5 MB")]
    [InlineData(3.22e9, "3.22 GB")]
    public void Quantities_have_three_digits(double value, string text) => Assert.Equal(text, Format.Quantity(value, "B"));
}
