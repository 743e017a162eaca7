namespace Isoflop.Train;

/// <summary>
/// Seconds of a step by so many ranks, reckoned: the passes are shared; the update is not; the gradients go log₂ R times through
/// the network and are added as often.
/// </summary>
/// <param name="Passes">forward and backward of one rank's shards</param> <param name="Exchange">gradients sent, both ways at
/// once, and added</param> <param name="Update">of all parameters, by every rank</param>
readonly record struct RankTime(double Passes, double Exchange, double Update)
{
    // A message between two hosts, as Open MPI over TCP takes; a bound from above for faster networks.
    const double Latency = 50e-6;

    /// <summary>Of a step.</summary>
    public double Total => Passes + Exchange + Update;

    /// <summary>One rank's time over this, and over the ranks.</summary>
    public double Efficiency(double alone, int ranks) => alone / Total / ranks;

    /// <summary>Reckons it.</summary>
    /// <param name="flopsPerSecond">of one rank</param> <param name="bytesPerSecond">of one rank's memory</param>
    /// <param name="networkBytes">a second, each way</param>
    public static RankTime Of(Plan plan, int ranks, double flopsPerSecond, double bytesPerSecond, double networkBytes)
    {
        double rounds = Math.Log2(ranks), slab = 4.0 * plan.Parameters;
        double step = (plan.FlopsByLayer.Total - plan.Steps * Flops.Update(plan.Model, plan.Optimizer)) / plan.Steps;
        return new(step / ranks / flopsPerSecond, rounds * (slab / networkBytes + 3 * slab / bytesPerSecond + Latency),
            Traffic.Update(plan.Parameters) / bytesPerSecond);
    }
}
