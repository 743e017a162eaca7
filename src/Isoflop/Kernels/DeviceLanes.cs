namespace Isoflop.Kernels;

/// <summary>Devices that work side by side on one memory, each with some of a device's threads; here the device alone.</summary>
public class DeviceLanes(params IReadOnlyList<IDevice> devices) : IDisposable
{
    /// <summary>Each is used by one caller at a time; what it reads of the others' is their work of an earlier run.</summary>
    public IReadOnlyList<IDevice> Devices => devices;

    /// <summary>Calls <paramref name="work"/> with each device's number, all at once; returns when all have.</summary>
    public virtual void Run(Action<int> work) => work(0);

    /// <summary>Ends the devices that were made for this.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends what a derived class made.</summary>
    protected virtual void Dispose(bool disposing) { }
}
