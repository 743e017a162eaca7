using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>A matrix of the model, [outputs, inputs], in the layouts that its three products read.</summary>
sealed class Weight
{
    readonly IDevice device;
    readonly DeviceMemory values, gradient, forward, backward;
    readonly int outputs, inputs;

    /// <param name="parts">tensors that lie one after another and share their input</param>
    public Weight(IDevice device, DeviceMemory slab, DeviceMemory? gradients, params ReadOnlySpan<Param> parts)
    {
        this.device = device;
        inputs = parts[0].Cols;
        foreach (Param p in parts) outputs += p.Rows;
        values = slab.Slice(parts[0].Offset, (long)outputs * inputs);
        forward = device.Allocate(device.PackedLength(outputs, inputs));
        if (gradients is not { } g) return;
        gradient = g.Slice(parts[0].Offset, (long)outputs * inputs);
        backward = device.Allocate(device.PackedLength(inputs, outputs));
    }

    /// <summary>After the values changed.</summary>
    public void Refresh()
    {
        device.Pack(Form.TransposedB, values, forward, outputs, inputs);
        if (gradient.Length > 0) device.Pack(Form.Plain, values, backward, inputs, outputs);
    }

    /// <summary>y (+)= x·Wᵀ; x [rows, inputs], y [rows, outputs].</summary>
    public void Forward(DeviceMemory x, DeviceMemory y, int rows, bool accumulate = false) =>
        device.MatMul(Form.TransposedB, x, values, forward, y, rows, outputs, inputs, accumulate);

    /// <summary>dW += dyᵀ·x;  dx = dy·W.</summary>
    public void Backward(DeviceMemory x, DeviceMemory dy, DeviceMemory dx, int rows)
    {
        device.MatMul(Form.TransposedA, dy, x, default, gradient, outputs, inputs, rows, accumulate: true);
        device.MatMul(Form.Plain, dy, values, backward, dx, rows, inputs, outputs, accumulate: false);
    }
}
