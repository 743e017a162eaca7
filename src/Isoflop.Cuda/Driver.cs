using System.Runtime.InteropServices;
using System.Text;

namespace Isoflop.Cuda;

/// <summary>
/// The driver's library, libcuda.so.1 or nvcuda.dll, by function pointers: loaded when a card is asked for, never linked against.
/// </summary>
/// <remarks>Names and structures: CUDA Driver API 12.0. Every call that fails throws, with what the driver says.</remarks>
sealed unsafe class Driver
{
    /// <summary>Oldest driver that reads our PTX (8.0), as it counts versions.</summary>
    const int OldestVersion = 12_000;
    const int NoDevice = 100;

    static readonly Lock one = new();
    static Driver? opened;
    static string path = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    readonly nint library;
    readonly delegate* unmanaged<int, byte**, int> errorName, errorString;

    Driver(nint library)
    {
        this.library = library;
        errorName = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorName");
        errorString = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorString");
        int version = 0;
        int got = ((delegate* unmanaged<uint, int>)Find("cuInit"))(0);
        if (got != NoDevice) Check(got, "cuInit");
        Check(((delegate* unmanaged<int*, int>)Find("cuDriverGetVersion"))(&version), "cuDriverGetVersion");
        if (version < OldestVersion)
            throw new ConfigException($"the NVIDIA driver speaks CUDA {version / 1000}.{version % 1000 / 10}, at least " +
                $"{OldestVersion / 1000}.0 is needed: update it to 525 or later");
        int count = 0;
        if (got != NoDevice) Check(((delegate* unmanaged<int*, int>)Find("cuDeviceGetCount"))(&count), "cuDeviceGetCount");
        (Version, Count) = (version, count);
        DeviceGet = (delegate* unmanaged<int*, int, int>)Find("cuDeviceGet");
        DeviceName = (delegate* unmanaged<byte*, int, int, int>)Find("cuDeviceGetName");
        DeviceMemory = (delegate* unmanaged<nuint*, int, int>)Find("cuDeviceTotalMem_v2");
        DeviceAttribute = (delegate* unmanaged<int*, int, int, int>)Find("cuDeviceGetAttribute");
        RetainContext = (delegate* unmanaged<nint*, int, int>)Find("cuDevicePrimaryCtxRetain");
        SetContext = (delegate* unmanaged<nint, int>)Find("cuCtxSetCurrent");
        FreeMemory = (delegate* unmanaged<nuint*, nuint*, int>)Find("cuMemGetInfo_v2");
        Allocate = (delegate* unmanaged<nint*, nuint, int>)Find("cuMemAlloc_v2");
        Free = (delegate* unmanaged<nint, int>)Find("cuMemFree_v2");
        AllocateHost = (delegate* unmanaged<nint*, nuint, uint, int>)Find("cuMemHostAlloc");
        FreeHost = (delegate* unmanaged<nint, int>)Find("cuMemFreeHost");
        Zero = (delegate* unmanaged<nint, byte, nuint, nint, int>)Find("cuMemsetD8Async");
        Upload = (delegate* unmanaged<nint, void*, nuint, nint, int>)Find("cuMemcpyHtoDAsync_v2");
        Download = (delegate* unmanaged<void*, nint, nuint, nint, int>)Find("cuMemcpyDtoHAsync_v2");
        CreateStream = (delegate* unmanaged<nint*, uint, int>)Find("cuStreamCreate");
        DestroyStream = (delegate* unmanaged<nint, int>)Find("cuStreamDestroy_v2");
        Synchronize = (delegate* unmanaged<nint, int>)Find("cuStreamSynchronize");
        Query = (delegate* unmanaged<nint, int>)Find("cuStreamQuery");
        CreateEvent = (delegate* unmanaged<nint*, uint, int>)Find("cuEventCreate");
        DestroyEvent = (delegate* unmanaged<nint, int>)Find("cuEventDestroy_v2");
        RecordEvent = (delegate* unmanaged<nint, nint, int>)Find("cuEventRecord");
        AwaitEvent = (delegate* unmanaged<nint, int>)Find("cuEventSynchronize");
        LoadModule = (delegate* unmanaged<nint*, void*, uint, int*, void**, int>)Find("cuModuleLoadDataEx");
        GetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Find("cuModuleGetFunction");
        SetFunction = (delegate* unmanaged<nint, int, int, int>)Find("cuFuncSetAttribute");
        Launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)
            Find("cuLaunchKernel");
        CreateGraph = (delegate* unmanaged<nint*, uint, int>)Find("cuGraphCreate");
        AddNode = (delegate* unmanaged<nint*, nint, nint*, nuint, NodeParameters*, int>)Find("cuGraphAddKernelNode");
        SetNode = (delegate* unmanaged<nint, nint, NodeParameters*, int>)Find("cuGraphExecKernelNodeSetParams");
        InstantiateGraph = (delegate* unmanaged<nint*, nint, ulong, int>)Find("cuGraphInstantiateWithFlags");
        LaunchGraph = (delegate* unmanaged<nint, nint, int>)Find("cuGraphLaunch");
        if (NativeLibrary.TryGetExport(library, "cuGraphAddDependencies_v2", out nint edges))         // CUDA 12.3
            AddEdges = (delegate* unmanaged<nint, nint*, nint*, ulong*, nuint, int>)edges;
        EncodeTensorMap = (delegate* unmanaged<TensorMap*, int, uint, nint, ulong*, ulong*, uint*, uint*, int, int, int, int,
            int>)Find("cuTensorMapEncodeTiled");
        DestroyGraph = (delegate* unmanaged<nint, int>)Find("cuGraphDestroy");
        DestroyExecutable = (delegate* unmanaged<nint, int>)Find("cuGraphExecDestroy");
    }

    /// <summary>CUDA_KERNEL_NODE_PARAMS, first version.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct NodeParameters
    {
        public nint Function;
        public uint X, Y, Z, Threads, ThreadsY, ThreadsZ, Shared;
        public void** Parameters, Extra;
    }

    /// <summary>
    /// CUgraphEdgeData that lets the second kernel be launched when every block of the first allows it, and wait by itself:
    /// from_port and type, its first and third byte, are 1, the other six 0.
    /// </summary>
    public const ulong ProgrammaticEdge = 0x01_0001;

    /// <summary>As the driver counts: 13000 is CUDA 13.0.</summary>
    public int Version { get; }

    /// <summary>Cards.</summary>
    public int Count { get; }

    public readonly delegate* unmanaged<int*, int, int> DeviceGet;
    public readonly delegate* unmanaged<byte*, int, int, int> DeviceName;
    public readonly delegate* unmanaged<nuint*, int, int> DeviceMemory;
    public readonly delegate* unmanaged<int*, int, int, int> DeviceAttribute;
    public readonly delegate* unmanaged<nint*, int, int> RetainContext;
    public readonly delegate* unmanaged<nint, int> SetContext;
    public readonly delegate* unmanaged<nuint*, nuint*, int> FreeMemory;
    public readonly delegate* unmanaged<nint*, nuint, int> Allocate;
    public readonly delegate* unmanaged<nint, int> Free;
    public readonly delegate* unmanaged<nint*, nuint, uint, int> AllocateHost;
    public readonly delegate* unmanaged<nint, int> FreeHost;
    public readonly delegate* unmanaged<nint, byte, nuint, nint, int> Zero;
    public readonly delegate* unmanaged<nint, void*, nuint, nint, int> Upload;
    public readonly delegate* unmanaged<void*, nint, nuint, nint, int> Download;
    public readonly delegate* unmanaged<nint*, uint, int> CreateStream;
    public readonly delegate* unmanaged<nint, int> DestroyStream, Synchronize, Query;
    public readonly delegate* unmanaged<nint*, uint, int> CreateEvent;
    public readonly delegate* unmanaged<nint, int> DestroyEvent, AwaitEvent;
    public readonly delegate* unmanaged<nint, nint, int> RecordEvent;
    public readonly delegate* unmanaged<nint*, void*, uint, int*, void**, int> LoadModule;
    public readonly delegate* unmanaged<nint*, nint, byte*, int> GetFunction;
    public readonly delegate* unmanaged<nint, int, int, int> SetFunction;
    public readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> Launch;
    public readonly delegate* unmanaged<nint*, uint, int> CreateGraph;
    public readonly delegate* unmanaged<nint*, nint, nint*, nuint, NodeParameters*, int> AddNode;
    public readonly delegate* unmanaged<nint, nint, NodeParameters*, int> SetNode;
    public readonly delegate* unmanaged<nint*, nint, ulong, int> InstantiateGraph;
    public readonly delegate* unmanaged<nint, nint, int> LaunchGraph;
    /// <summary>Null where the driver has none.</summary>
    public readonly delegate* unmanaged<nint, nint*, nint*, ulong*, nuint, int> AddEdges;
    public readonly delegate* unmanaged<TensorMap*, int, uint, nint, ulong*, ulong*, uint*, uint*, int, int, int, int, int>
        EncodeTensorMap;
    public readonly delegate* unmanaged<nint, int> DestroyGraph, DestroyExecutable;

    /// <summary>The driver of this machine.</summary>
    /// <exception cref="ConfigException">There is none, it is too old, or it fails.</exception>
    public static Driver Open()
    {
        lock (one)
        {
            if (opened is not null) return opened;
            if (!NativeLibrary.TryLoad(path, out nint library))
                throw new ConfigException($"there is no NVIDIA driver here ({path} is not found); install it, " +
                    "or use another device");
            return opened = new(library);
        }
    }

    /// <summary>Takes another library for the driver; for tests.</summary>
    internal static void Use(string library)
    {
        lock (one) (path, opened) = (library, null);
    }

    nint Find(string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address
        : throw new ConfigException($"the NVIDIA driver lacks {name}: update it to 525 or later");

    /// <exception cref="DataException">The call failed.</exception>
    public void Check(int result, string call)
    {
        if (result == 0) return;
        throw new DataException($"{Explain(result)} ({call})");
    }

    /// <summary>What the driver says of an error: "CUDA_ERROR_OUT_OF_MEMORY, out of memory".</summary>
    public string Explain(int result)
    {
        byte* name = null, text = null;
        errorName(result, &name);
        errorString(result, &text);
        return name == null ? $"CUDA error {result}" : $"{Text(name)}, {Text(text)}";
    }

    static string Text(byte* z) =>
        z == null ? "" : Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(z));
}
