using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>A matrix of the model, [outputs, inputs], and its three products.</summary>
sealed class Weight : IDisposable
{
    readonly IDevice device;
    readonly PreparedWeight prepared;
    readonly DeviceSpan<float> gradient;

    /// <param name="parts">tensors that lie one after another and share their input</param>
    public Weight(IDevice device, DeviceSpan<float> slab, DeviceSpan<float>? gradients, params ReadOnlySpan<Param> parts)
    {
        this.device = device;
        int inputs = parts[0].Cols, outputs = 0;
        foreach (Param p in parts) outputs += p.Rows;
        long offset = parts[0].Offset, length = (long)outputs * inputs;
        prepared = device.Prepare(slab.Slice(offset, length), outputs, inputs, backward: gradients is not null);
        if (gradients is { } g) gradient = g.Slice(offset, length);
    }

    /// <summary>After the values changed.</summary>
    public void Repack() => prepared.Update();

    /// <summary>y (+)= x·Wᵀ; x [rows, inputs], y [rows, outputs].</summary>
    public void Forward(DeviceSpan<float> x, DeviceSpan<float> y, int rows, bool accumulate = false) =>
        device.MatMul(MatMulLayout.TransposedB, x, prepared, y, rows, accumulate);

    /// <summary>dW += dyᵀ·x;  dx = dy·W.</summary>
    public void Backward(DeviceSpan<float> x, DeviceSpan<float> dy, DeviceSpan<float> dx, int rows)
    {
        device.MatMul(MatMulLayout.TransposedA, dy, x, gradient, prepared.Outputs, prepared.Inputs, rows, accumulate: true);
        device.MatMul(MatMulLayout.Plain, dy, prepared, dx, rows, accumulate: false);
    }

    public void Dispose() => prepared.Dispose();
}
