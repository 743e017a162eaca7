using Isoflop.Lab.Charts;

namespace Isoflop.Lab.Tours;

/// <summary>A table of the tour.</summary>
/// <param name="Caption">what stands in it</param>
sealed record TourTable(string Caption, IReadOnlyList<string> Heads, IReadOnlyList<string[]> Rows);

/// <summary>One question of the talk, and what the runs on this machine answer.</summary>
/// <param name="Answer">sentences that follow from the numbers, failures included</param>
sealed record TourPart(string Question, string Answer)
{
    /// <summary>The first is shown in a terminal, too.</summary>
    public IReadOnlyList<Chart> Charts { get; init; } = [];

    /// <summary>Below the charts.</summary>
    public IReadOnlyList<TourTable> Tables { get; init; } = [];

    /// <summary>SVG or HTML of what is no chart.</summary>
    public string Figure { get; init; } = "";

    /// <summary>The same in characters.</summary>
    public string FigureText { get; init; } = "";

    /// <summary>What else a reader must know: how it was measured, what it cost.</summary>
    public string Note { get; init; } = "";

    /// <summary>Page with more, or empty.</summary>
    public string More { get; init; } = "";
}
