using Isoflop.Lab.Replies;

namespace Isoflop.Lab.Rl;

/// <summary>
/// Which levels are asked: all, or of each family those up to the first that is not answered right often enough. A function of
/// the rows so far, so that a resumed run has the same.
/// </summary>
sealed class Curriculum(TaskMix mix, double opensAt)
{
    const double Memory = 0.8;                                    // of the running mean, a step

    readonly Dictionary<string, double> rates = [];

    /// <summary>Learns from a step.</summary>
    public void See(RlStep step)
    {
        foreach (LevelReward level in step.Levels)
            rates[level.Level] = rates.TryGetValue(level.Level, out double was) ? Memory * was + (1 - Memory) * level.Reward
                : level.Reward;
    }

    /// <summary>Whether a level may be asked.</summary>
    public bool Open(TaskLevel level) => opensAt == 0 || mix.Levels.Where(l => l.Family == level.Family && l.Level < level.Level)
        .All(l => rates.GetValueOrDefault(l.Tag) >= opensAt);
}
