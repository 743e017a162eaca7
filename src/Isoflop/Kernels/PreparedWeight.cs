namespace Isoflop.Kernels;

/// <summary>
/// A matrix of weights as its device's products read it. A device with layouts of its own derives from this; one without takes
/// it as it is.
/// </summary>
/// <param name="values">[outputs, inputs], row-major; the device keeps the place, not the numbers</param>
public class PreparedWeight(DeviceSpan<float> values, int outputs, int inputs) : IDisposable
{
    /// <summary>[Outputs, Inputs].</summary>
    public DeviceSpan<float> Values => values;

    /// <summary>Rows.</summary>
    public int Outputs => outputs;

    /// <summary>Columns.</summary>
    public int Inputs => inputs;

    /// <summary>Takes over the values: before the first product and after every change of them.</summary>
    public virtual void Update() { }

    /// <summary>Frees what the device laid out; the values are their owner's.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what a derived class laid out.</summary>
    protected virtual void Dispose(bool disposing) { }
}
