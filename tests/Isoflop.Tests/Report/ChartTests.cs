using System.Xml.Linq;
using Isoflop.Lab.Report;
using Xunit;

namespace Isoflop.Tests.Report;

public class ChartTests
{
    static readonly Chart Sample = new("Loss", "training FLOPs", "nats a token",
    [
        new("small", [(1e9, 6), (1e10, 4), (1e11, 3)]),
        new("ends", [(1e10, 5)], Line: false),
        new("bigram", [(1e9, 3.5), (1e11, 3.5)], Dashed: true),
    ]);

    [Fact]
    public void The_picture_is_well_formed_and_names_axes_and_series()
    {
        string text = string.Concat(XDocument.Parse(Sample.Svg()).Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value + "|"));
        foreach (string label in new[] { "Loss", "training FLOPs", "nats a token", "small", "ends", "bigram", "1e10" })
            Assert.Contains(label, text);
    }

    [Fact]
    public void In_the_terminal_the_lowest_loss_stands_to_the_right_of_the_highest()
    {
        string[] lines = Sample.Terminal(40, 10).Split('\n');
        Assert.Equal('·', lines[1][11]);                        // 6 at 1e9: the upper left corner
        Assert.Equal('·', lines[10][^1]);
        Assert.All(lines[1..11], l => Assert.True(l.Length <= 51, l));
        Assert.Contains(lines, l => l.Contains("3.5 bigram"));
    }
}
