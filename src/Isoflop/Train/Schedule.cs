namespace Isoflop.Train;

/// <summary>The learning rate of each step: a function of the settings and the step alone.</summary>
sealed class Schedule
{
    readonly double peak, floor;
    readonly int warmup, decay, steps;
    readonly ScheduleKind kind;

    /// <param name="c">its learning rate is given, or chosen; what else is not given has its default</param>
    public Schedule(TrainConfig c, int steps)
    {
        c = SettingsJson.WithDefaults(c, ConfigJson.Default.TrainConfig);
        (peak, floor, kind, this.steps) = (c.LearningRate!.Value, c.MinLr!.Value, c.Schedule!.Value, steps);
        (warmup, decay) = (c.WarmupSteps ?? (int)Math.Round(c.Warmup!.Value * steps), (int)Math.Round(c.Decay!.Value * steps));
    }

    /// <summary>Rate of the update that follows <paramref name="step"/> others.</summary>
    public double LearningRate(int step)
    {
        if (step < warmup) return peak * (step + 1) / warmup;
        if (kind == ScheduleKind.Cosine)
        {
            double x = (step - warmup) / (double)Math.Max(1, steps - warmup);
            return peak * (floor + (1 - floor) * 0.5 * (1 + Math.Cos(Math.PI * x)));
        }
        int start = steps - decay;
        if (step < start) return peak;
        return peak * (floor + (1 - floor) * (1 - Math.Sqrt((step - start + 1.0) / (decay + 1))));
    }
}
