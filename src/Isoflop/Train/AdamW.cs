using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>The optimiser: two moments a parameter, clipping by the global norm, weight decay on matrices only.</summary>
public sealed class AdamW(Transformer model)
{
    readonly IDevice device = model.Device;

    /// <summary>First moments, in the parameters' layout.</summary>
    public DeviceMemory M { get; } = model.Device.Allocate(model.Table.Length);

    /// <summary>Second moments, in the parameters' layout.</summary>
    public DeviceMemory V { get; } = model.Device.Allocate(model.Table.Length);

    /// <summary>One update of all parameters from the model's gradients.</summary>
    /// <param name="rule">its Step is 1 for the first update; its GradientScale is the clip's, set here</param>
    /// <param name="clip">largest norm let through; 0 lets all through</param>
    /// <returns>the gradient's norm before the clip; not finite: then nothing was changed</returns>
    public double Step(AdamWStep rule, double clip)
    {
        double norm = Math.Sqrt(device.SumSquares(model.Gradients));
        if (!double.IsFinite(norm)) return norm;
        rule = rule with { GradientScale = clip > 0 && norm > clip ? (float)(clip / norm) : 1 };
        long matrices = model.Table.MatrixLength, gains = model.Table.Length - matrices;
        Update(0, matrices, rule);
        Update(matrices, gains, rule with { WeightDecay = 0 });
        model.Refresh();
        return norm;
    }

    void Update(long offset, long length, in AdamWStep rule) => device.AdamW(
        model.Params.Slice(offset, length), model.Gradients.Slice(offset, length), M.Slice(offset, length),
        V.Slice(offset, length), rule);
}
