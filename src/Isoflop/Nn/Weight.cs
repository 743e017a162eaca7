using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>A matrix of the model, [outputs, inputs], and its three products.</summary>
sealed class Weight : IDisposable
{
    readonly PreparedWeight prepared;
    readonly long offset;

    /// <param name="parts">tensors that lie one after another and share their input</param>
    public Weight(IDevice device, DeviceSpan<float> slab, bool training, params ReadOnlySpan<Param> parts)
    {
        int inputs = parts[0].Cols, outputs = 0;
        foreach (Param p in parts) outputs += p.Rows;
        offset = parts[0].Offset;
        prepared = device.Prepare(slab.Slice(offset, (long)outputs * inputs), outputs, inputs, backward: training);
    }

    /// <summary>After the values changed.</summary>
    public void Repack() => prepared.Update();

    /// <summary>y = start + x·Wᵀ; x [rows, inputs], y [rows, outputs], start likewise, may be y; default: zeros.</summary>
    public void Forward(IDevice device, DeviceSpan<float> x, DeviceSpan<float> y, int rows, DeviceSpan<float> start = default) =>
        device.MatMul(MatMulLayout.TransposedB, x, prepared, y, rows, start);

    /// <summary>dW += dyᵀ·x;  dx = dy·W.</summary>
    /// <param name="gradients">slab in the parameters' layout</param>
    public void Backward(IDevice device, DeviceSpan<float> gradients, DeviceSpan<float> x, DeviceSpan<float> dy,
        DeviceSpan<float> dx, int rows, PassPlan.Groups groups) =>
        device.MatMulBackward(dy, x, prepared, gradients.Slice(offset, prepared.Values.Length), dx, rows, groups);

    public void Dispose() => prepared.Dispose();
}
