namespace Isoflop.Train;

/// <summary>The learning rate of each step: a function of the settings and the step alone.</summary>
sealed class Schedule(TrainConfig config, int steps)
{
    readonly int warmup = config.WarmupSteps > 0 ? config.WarmupSteps : (int)Math.Round(config.Warmup * steps);
    readonly int decay = (int)Math.Round(config.Decay * steps);

    /// <summary>Rate of the update that follows <paramref name="step"/> others.</summary>
    public double LearningRate(int step)
    {
        double peak = config.LearningRate, floor = config.MinLr;
        if (step < warmup) return peak * (step + 1) / warmup;
        if (config.Schedule == ScheduleKind.Cosine)
        {
            double x = (step - warmup) / (double)Math.Max(1, steps - warmup);
            return peak * (floor + (1 - floor) * 0.5 * (1 + Math.Cos(Math.PI * x)));
        }
        int start = steps - decay;
        if (step < start) return peak;
        return peak * (floor + (1 - floor) * (1 - Math.Sqrt((step - start + 1.0) / (decay + 1))));
    }
}
