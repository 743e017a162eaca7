namespace Isoflop.Lab.Emergence;

/// <summary>How a task's ability moves along the ladder.</summary>
enum TaskClass
{
    /// <summary>Too few rungs, or the noise covers both a change and its absence.</summary>
    Unclear,
    /// <summary>Shown not to move by more than <see cref="MapRules.Change"/>: an equivalence test.</summary>
    Flat,
    /// <summary>Rises, and there are too few rungs or seeds to tell how.</summary>
    Rising,
    /// <summary>Rises, and a smooth curve is enough for the answer's likelihood.</summary>
    Smooth,
    /// <summary>Rises, and the answer's likelihood has a break that no smooth curve has; whether it is full by then or
    /// not.</summary>
    Sudden,
    /// <summary>Shown to be within <see cref="MapRules.FullMargin"/> of its ceiling at the last rung.</summary>
    Saturated,
    /// <summary>Falls.</summary>
    Inverse,
}

/// <summary>
/// The thresholds of the classes, the same for every study and written down before the first was classified. Ability is accuracy
/// above chance as a share of what lies above chance.
/// </summary>
static class MapRules
{
    /// <summary>Fewest items of a verdict: 20 alike are by chance what one sample in 20 of a task that is 14 % otherwise
    /// shows.</summary>
    public const int MinItems = 20;

    /// <summary>A change of ability that counts.</summary>
    public const double Change = 0.10;

    /// <summary>A task is full where its ability is shown to be nearer to 1 than this.</summary>
    public const double FullMargin = 0.05;

    /// <summary>A seed has broken through where its ability is above this: half of the way from chance to all.</summary>
    public const double Through = 0.5;

    /// <summary>Largest p-value of a break in the answer's log-likelihood: of forty smooth tasks, one.</summary>
    public const double BreakP = 0.025;

    /// <summary>An S-curve that takes so many decades from 10 to 90 % is smooth.</summary>
    public const double SmoothDecades = 2;

    /// <summary>The likelihood's slope in a break is at least so many times the one outside of it.</summary>
    public const double BreakSlopes = 2;

    /// <summary>Level of all other tests.</summary>
    public const double Level = 0.05;
}
