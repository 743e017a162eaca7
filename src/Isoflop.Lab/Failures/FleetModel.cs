namespace Isoflop.Lab.Failures;

/// <summary>Failures of accelerators as their owners published them.</summary>
/// <param name="HoursBetween">accelerator-hours from one failure to the next</param>
/// <param name="Silent">share of them that no error tells: silent corruption</param>
/// <param name="Hung">share that shows as a hang alone</param>
/// <param name="Hardware">share after which the node is repaired</param>
sealed record FailureRates(string Source, double HoursBetween, double Silent, double Hung, double Hardware)
{
    /// <summary>
    /// 419 unexpected interruptions in 54 days on 16,384 H100s; of them 6 by silent corruption, 7 by the watchdog of
    /// communication, and 324 by hardware. Grattafiori et al. 2024, The Llama 3 Herd of Models, arXiv:2407.21783, table 5.
    /// </summary>
    public static FailureRates Llama3 { get; } = new("Llama 3", 16384 * 54 * 24 / 419.0, 6 / 419.0, 7 / 419.0, 324 / 419.0);

    /// <summary>Of a fleet, seconds from one failure to the next.</summary>
    public double Between(double accelerators) => HoursBetween * 3600 / accelerators;
}

/// <summary>
/// A synchronous job that saves, fails, is found, goes back and goes on: one failure anywhere stops all. Failures come as a
/// Poisson process, also while it starts. Seconds throughout.
/// </summary>
/// <param name="Between">mean, from one failure of the job to the next</param> <param name="Interval">work between two
/// saves</param> <param name="Save">for which the work stands still</param>
/// <param name="Lag">from the begin of a save until it counts, where it is written beside the work</param>
/// <param name="Restart">from a failure that was found to the next step</param>
sealed record FleetModel(double Between, double Interval, double Save, double Restart, double Lag = 0)
{
    /// <summary>Of the failures, hangs: they are found by a time limit.</summary>
    public double HungShare { get; init; }
    /// <summary>The time limit.</summary>
    public double HungSeconds { get; init; }
    /// <summary>Of the failures, silent ones: they are found by the next check.</summary>
    public double SilentShare { get; init; }
    /// <summary>From one check to the next.</summary>
    public double CheckSeconds { get; init; }
    /// <summary>Share of the work that checks cost.</summary>
    public double CheckCost { get; init; }
    /// <summary>Of the failures, those after which a node is away.</summary>
    public double HardwareShare { get; init; }
    /// <summary>For so long.</summary>
    public double RepairSeconds { get; init; }
    /// <summary>Nodes that wait to take its place; without one the job waits.</summary>
    public int Spares { get; init; } = int.MaxValue;

    /// <summary>Plays a job once.</summary>
    /// <param name="work">useful seconds that it has to do</param>
    /// <param name="gaps">draws the times between failures</param> <param name="random">all else; may be the same</param>
    /// <returns>useful share of all seconds</returns>
    public double Effective(double work, ref Rng gaps, ref Rng random)
    {
        double wall = 0, done = 0, todo = work * (1 + CheckCost), left = Gap(ref gaps), cycle = Interval + Save;
        var away = new PriorityQueue<double, double>();            // when nodes come back
        while (true)
        {
            if (left >= Restart)
            {
                wall += Restart;
                left -= Restart;
                double need = todo - done, end = need + (Math.Ceiling(need / Interval) - 1) * Save;
                if (left >= end) return work / (wall + end);
                // A save under way, or one that does not count yet, is lost.
                double saves = Math.Max(0, Math.Floor((left - Lag) / cycle));
                done += saves * Interval;
            }
            wall += left;
            double kind = random.NextDouble();
            if (kind < SilentShare) wall += random.NextDouble() * CheckSeconds;
            else if (kind < SilentShare + HungShare) wall += HungSeconds;
            if (random.NextDouble() < HardwareShare)
            {
                away.Enqueue(wall + RepairSeconds, wall + RepairSeconds);
                while (away.Count > 0 && away.Peek() <= wall) away.Dequeue();
                while (away.Count > Spares) wall = Math.Max(wall, away.Dequeue());      // one must come back first
            }
            left = Gap(ref gaps);
        }
    }

    double Gap(ref Rng random) => -Between * Math.Log(1 - random.NextDouble());

    /// <summary>Plays it many times.</summary>
    /// <returns>mean and the middle 95 % of the effective share, from 0 to 1</returns>
    public (double Mean, double Low, double High) Play(double work, ulong seed, long index, int times = 400)
    {
        Rng random = RandomUse.Fleet.Open(seed, index: index);
        double[] all = new double[times];
        for (int i = 0; i < times; i++) all[i] = Effective(work, ref random, ref random);
        Array.Sort(all);
        return (all.Average(), Statistics.Quantile.Of(all, 0.025), Statistics.Quantile.Of(all, 0.975));
    }
}
