using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>
/// Seconds of a step by so many ranks, reckoned: the passes are shared. Of a slab of S bytes each rank sends (1 − 1/R)·S to sum
/// the gradients, and as much to hand on the weights that it has updated. The sum hides behind the backward pass of a rank's last
/// shard, but for the buckets that it makes last: the embedding's and the gains'.
/// </summary>
/// <param name="Passes">forward and backward of one rank's shards</param>
/// <param name="Exchange">what is waited for: the sum that does not hide, and the weights</param>
/// <param name="Update">of a rank's part of the parameters; of all of them where the optimiser takes whole matrices</param>
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
        var table = new ParamTable(plan.Model);
        bool byParts = plan.Optimizer == OptimizerKind.Adamw;
        double step = (plan.FlopsByLayer.Total - plan.Steps * Flops.Update(plan.Model, plan.Optimizer)) / plan.Steps;
        double passes = step / ranks / flopsPerSecond, update = Traffic.Update(plan.Parameters) / bytesPerSecond;
        if (ranks == 1) return new(passes, 0, update);
        var parts = new SlabParts(table.Length, ranks);
        double sent = (1 - 1.0 / ranks) * sizeof(float) * table.Length;
        double messages = Math.Log2(ranks) * parts.Buckets * Latency;
        double way = sent / networkBytes + messages, sum = way + 3 * sent / bytesPerSecond;
        double backward = 2.0 / 3 * passes / (plan.Shards / ranks);
        long early = table.MatrixLength / parts.Bucket - (table.Layers[0].Q.Offset + parts.Bucket - 1) / parts.Bucket;
        double last = 1 - (double)Math.Max(0, early) * parts.Bucket / table.Length;
        return new(passes, Math.Max(sum - backward, last * sum) + way, byParts ? update / ranks : update);
    }
}
