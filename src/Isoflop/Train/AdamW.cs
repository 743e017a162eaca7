using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>What a step came to.</summary>
/// <param name="Loss">Σ weight·nll of its passes, nats</param> <param name="Norm">of the gradient, before the clip</param>
public readonly record struct StepSums(double Loss, double Norm)
{
    /// <summary>Both are numbers; else the step changed nothing.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(Norm);
}

/// <summary>The optimiser: two moments a parameter, clipping by the global norm, weight decay on matrices only.</summary>
public sealed class AdamW : IDisposable
{
    readonly Transformer model;
    readonly IDevice device;
    readonly DeviceMemory memory;

    /// <summary>For a model that trains.</summary>
    public AdamW(Transformer model)
    {
        (this.model, device, memory) = (model, model.Device, new(model.Device));
        (M, V) = (memory.Allocate<float>(model.Table.Length), memory.Allocate<float>(model.Table.Length));
    }

    /// <summary>First moments, in the parameters' layout.</summary>
    public DeviceSpan<float> M { get; }

    /// <summary>Second moments, in the parameters' layout.</summary>
    public DeviceSpan<float> V { get; }

    /// <summary>
    /// One update of all parameters from the model's gradients. Loss and norm stay on the device until it is asked for:
    /// then both are read, the step's one download.
    /// </summary>
    /// <returns>is one of them not finite, nothing was changed</returns>
    public StepSums Step(in AdamWStep rule)
    {
        device.SumSquares(model.Gradients, model.Sums.Slice(1, 1));
        long matrices = model.Table.MatrixLength, gains = model.Table.Length - matrices;
        Update(0, matrices, rule);
        Update(matrices, gains, rule with { WeightDecay = 0 });
        model.RepackWeights();
        Span<double> sums = stackalloc double[2];
        device.Download(model.Sums, sums);
        return new(sums[0], Math.Sqrt(sums[1]));
    }

    void Update(long offset, long length, in AdamWStep rule) => device.AdamW(
        model.Params.Slice(offset, length), model.Gradients.Slice(offset, length), M.Slice(offset, length),
        V.Slice(offset, length), model.Sums, rule);

    /// <summary>Frees the moments.</summary>
    public void Dispose() => memory.Dispose();
}
