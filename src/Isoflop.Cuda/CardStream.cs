using System.Diagnostics;

namespace Isoflop.Cuda;

/// <summary>
/// A card's memory and one queue of work on it. Stretches of work that come again, same kernels and grids, are replayed as a
/// graph: one launch for all of them, where what a kernel is given changed after one call for that kernel.
/// </summary>
/// <remarks>
/// Streams on one card share its memory and run side by side. A stream is used by one caller at a time, on any thread.
/// </remarks>
sealed unsafe class CardStream : IDisposable
{
    const int MostGraphs = 32, ShortestGraph = 4, Slots = 2;
    const int PortableAndMapped = 3, BlockingSync = 1, NoTiming = 2, NonBlocking = 1, OutOfMemory = 2,
        InvalidValue = 1, NotReady = 600, NotSupported = 801;

    /// <summary>Bytes that can be laid out for kernels to read before a launch.</summary>
    public const int StagingBytes = 4 << 20;

    // Set: kernels are named, launched and waited for one by one, so that the one that fails or hangs is known.
    static readonly bool stepwise = Environment.GetEnvironmentVariable("ISOFLOP_CARD_STEPS") is { Length: > 0 };

    readonly Driver driver;
    readonly Card card;
    readonly CardContext context;
    readonly nint stream;
    readonly nint[] staging = new nint[Slots], read = new nint[Slots];             // the event: that slot has been read
    readonly List<Graph> graphs = [];                             // the one used last is last
    readonly HashSet<nint> blocks = [];
    int slot;
    bool disposed;

    /// <summary>Launches by themselves, graphs, and kernels of graphs that were given something new, since it began.</summary>
    public (long Single, long Graphs, long Told) Launches { get; private set; }

    /// <exception cref="DataException">The card does not answer.</exception>
    public CardStream(Driver driver, Card card)
    {
        (this.driver, this.card, context) = (driver, card, CardContext.Of(driver, card));
        nint made;
        Enter();
        Check(driver.CreateStream(&made, NonBlocking), "cuStreamCreate");
        stream = made;
        for (int i = 0; i < Slots; i++)
        {
            Check(driver.AllocateHost(&made, StagingBytes, PortableAndMapped), "cuMemHostAlloc");
            staging[i] = made;
            Check(driver.CreateEvent(&made, NoTiming | BlockingSync), "cuEventCreate");
            read[i] = made;
        }
    }

    /// <summary>What all streams on the card share.</summary>
    public CardContext Context => context;

    /// <summary>The driver's name of the queue; its card is the thread's.</summary>
    public nint Handle
    {
        get
        {
            Enter();
            return stream;
        }
    }

    /// <summary>A stretch of work as the driver replays it.</summary>
    sealed class Graph(Commands work)
    {
        public readonly Commands Work = work;
        public nint Executable, Template;
        public nint[] Nodes = [];                                 // empty: seen once, not made yet
    }

    void Enter() => context.Enter();

    void Check(int result, string call) => context.Check(result, call);

    /// <summary>New memory, all zero.</summary>
    /// <exception cref="ConfigException">The card has none left.</exception>
    public nint Allocate(long bytes)
    {
        Enter();
        nint made;
        int result = driver.Allocate(&made, (nuint)Math.Max(bytes, 16));
        if (result == OutOfMemory)
        {
            nuint free = 0, all = 0;
            driver.FreeMemory(&free, &all);
            throw new ConfigException(FormattableString.Invariant(
                $"cuda:{card.Index} ({card.Name}) has {free / 1e9:0.00} GB of {all / 1e9:0.00} GB left, ") +
                FormattableString.Invariant($"{bytes / 1e9:0.00} GB more are needed; make the model or train.batch_tokens ") +
                "smaller, lower train.micro_tokens, or end what else runs there");
        }
        Check(result, "cuMemAlloc");
        blocks.Add(made);
        Check(driver.Zero(made, 0, (nuint)Math.Max(bytes, 16), stream), "cuMemsetD8Async");
        return made;
    }

    /// <summary>Gives memory back, once all work on it is done.</summary>
    public void Free(nint memory)
    {
        if (disposed || !blocks.Remove(memory)) return;
        Enter();
        driver.Synchronize(stream);                               // an error shows at the next call
        driver.Free(memory);
    }

    /// <summary>A matrix of bfloat16, whose boxes of 64 × 64 are copied with wgmma's swizzle of 128 bytes; hopper.h.</summary>
    /// <param name="x">a multiple of 16 bytes</param> <param name="columns">a multiple of 8</param>
    public TensorMap Map(nint x, int rows, int columns)
    {
        Enter();
        const int Bf16 = 9, Swizzle128 = 3, Promote256 = 3, Alignment = 128;
        byte* room = stackalloc byte[sizeof(TensorMap) + Alignment];
        var made = (TensorMap*)((nint)(room + Alignment - 1) / Alignment * Alignment);
        ulong* sizes = stackalloc ulong[] { (ulong)columns, (ulong)rows };
        ulong pitch = 2 * (ulong)columns;
        uint* box = stackalloc uint[] { 64, 64 }, steps = stackalloc uint[] { 1, 1 };
        Check(driver.EncodeTensorMap(made, Bf16, 2, x, sizes, &pitch, box, steps, 0, Swizzle128, Promote256, 0),
            "cuTensorMapEncodeTiled");
        return *made;
    }

    /// <summary>
    /// Room on the host, free to be written until the next <see cref="Run"/>, which the card reads by the same address.
    /// </summary>
    public nint Staging
    {
        get
        {
            Enter();
            Check(driver.AwaitEvent(read[slot]), "cuEventSynchronize");
            return staging[slot];
        }
    }

    /// <summary>Launches all of it; the card may run behind.</summary>
    public void Run(Commands work)
    {
        if (work.Count == 0) return;
        Enter();
        if (stepwise)
            foreach (ref readonly Commands.Launch launch in work.All)
            {
                Console.Error.WriteLine($"{launch.Kernel.Name} {launch.Grid}");
                Launch(work, launch);
                Check(driver.Synchronize(stream), launch.Kernel.Name);
            }
        else if (work.Count < ShortestGraph || Find(work) is not { } graph)
        {
            foreach (ref readonly Commands.Launch launch in work.All) Launch(work, launch);
            Launches = Launches with { Single = Launches.Single + work.Count };
        }
        else
        {
            for (int i = 0; i < work.Count; i++)
                if (graph.Work.Take(work, i))
                {
                    Driver.NodeParameters node = Node(graph.Work, i, out void* given);
                    node.Parameters = &given;
                    Check(driver.SetNode(graph.Executable, graph.Nodes[i], &node), "cuGraphExecKernelNodeSetParams");
                    Launches = Launches with { Told = Launches.Told + 1 };
                }
            Check(driver.LaunchGraph(graph.Executable, stream), "cuGraphLaunch");
            Launches = Launches with { Graphs = Launches.Graphs + 1 };
        }
        Check(driver.RecordEvent(read[slot], stream), "cuEventRecord");
        slot = (slot + 1) % Slots;
    }

    void Launch(Commands work, in Commands.Launch launch)
    {
        void* given = work.Address(launch);
        Grid grid = launch.Grid;
        Check(driver.Launch(context.Function(launch.Kernel), (uint)grid.X, (uint)grid.Y, (uint)grid.Z,
            (uint)launch.Kernel.Threads, 1, 1, (uint)grid.Shared, stream, &given, null), launch.Kernel.Name);
    }

    /// <summary>The graph of work of this shape; null: it is seen for the first time, which is no reason to make one.</summary>
    Graph? Find(Commands work)
    {
        int at = graphs.Count - 1;
        while (at >= 0 && !graphs[at].Work.HasShapeOf(work)) at--;
        if (at < 0)
        {
            if (graphs.Count == MostGraphs)
            {
                Forget(graphs[0]);
                graphs.RemoveAt(0);
            }
            graphs.Add(new(work.Kept()));
            return null;
        }
        Graph graph = graphs[at];
        if (at != graphs.Count - 1)
        {
            graphs.RemoveAt(at);
            graphs.Add(graph);
        }
        if (graph.Nodes.Length == 0) Make(graph);
        return graph;
    }

    /// <summary>A chain of nodes: each waits for the one before it, by itself where card and driver can do that.</summary>
    void Make(Graph graph)
    {
        if (context.Overlaps)
        {
            int result = Make(graph, overlaps: true);
            if (result is not (InvalidValue or NotSupported))
            {
                Check(result, "cuGraphInstantiateWithFlags");
                return;
            }
            driver.DestroyGraph(graph.Template);
            context.Overlaps = false;
        }
        Check(Make(graph, overlaps: false), "cuGraphInstantiateWithFlags");
    }

    int Make(Graph graph, bool overlaps)
    {
        nint made, node, executable;
        Check(driver.CreateGraph(&made, 0), "cuGraphCreate");
        graph.Template = made;
        var nodes = new nint[graph.Work.Count];
        for (int i = 0; i < nodes.Length; i++)
        {
            nint before = i > 0 ? nodes[i - 1] : 0;
            Driver.NodeParameters parameters = Node(graph.Work, i, out void* given);
            parameters.Parameters = &given;
            Check(driver.AddNode(&node, made, &before, i > 0 && !overlaps ? 1u : 0u, &parameters), "cuGraphAddKernelNode");
            nodes[i] = node;
        }
        if (overlaps)
        {
            var edges = new ulong[nodes.Length - 1];
            edges.AsSpan().Fill(Driver.ProgrammaticEdge);
            fixed (nint* chain = nodes)
            fixed (ulong* each = edges)
            {
                int refused = driver.AddEdges(made, chain, chain + 1, each, (nuint)edges.Length);
                if (refused != 0) return refused;
            }
        }
        int result = driver.InstantiateGraph(&executable, made, 0);
        if (result == 0) (graph.Executable, graph.Nodes) = (executable, nodes);
        return result;
    }

    Driver.NodeParameters Node(Commands work, int i, out void* given)
    {
        ref readonly Commands.Launch launch = ref work.All[i];
        given = work.Address(launch);
        return new()
        {
            Function = context.Function(launch.Kernel),
            X = (uint)launch.Grid.X,
            Y = (uint)launch.Grid.Y,
            Z = (uint)launch.Grid.Z,
            Threads = (uint)launch.Kernel.Threads,
            ThreadsY = 1,
            ThreadsZ = 1,
            Shared = (uint)launch.Grid.Shared,
        };
    }

    void Forget(Graph graph)
    {
        if (graph.Nodes.Length == 0) return;
        driver.DestroyExecutable(graph.Executable);
        driver.DestroyGraph(graph.Template);
    }

    /// <summary>Whether all work ends within so many seconds. If not, nothing more is to be asked of this stream.</summary>
    /// <remarks>It looks each millisecond: the driver has no wait with a limit.</remarks>
    public bool Ends(double seconds)
    {
        Enter();
        var clock = Stopwatch.StartNew();
        int result;
        while ((result = driver.Query(stream)) == NotReady && clock.Elapsed.TotalSeconds < seconds) Thread.Sleep(1);
        disposed = result == NotReady;                            // whatever waits for the stream would wait for ever
        if (!disposed) Check(result, "cuStreamQuery");
        return !disposed;
    }

    /// <summary>Copies from the host, which may change its copy at once.</summary>
    public void Upload(ReadOnlySpan<byte> from, nint to)
    {
        Enter();
        fixed (byte* source = from)
        {
            Check(driver.Upload(to, source, (nuint)from.Length, stream), "cuMemcpyHtoDAsync");
            Check(driver.Synchronize(stream), "cuStreamSynchronize");
        }
    }

    /// <summary>Copies to the host, after all that was launched before.</summary>
    public void Download(nint from, Span<byte> to)
    {
        Enter();
        fixed (byte* target = to)                                 // until the copy is done, which may be long after the call
        {
            Check(driver.Download(target, from, (nuint)to.Length, stream), "cuMemcpyDtoHAsync");
            Check(driver.Synchronize(stream), "cuStreamSynchronize");
        }
    }

    /// <summary>Ends it and frees its memory. Errors are past: they showed at the calls before.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        driver.SetContext(context.Handle);
        driver.Synchronize(stream);
        foreach (Graph graph in graphs) Forget(graph);
        foreach (nint block in blocks) driver.Free(block);
        for (int i = 0; i < Slots; i++)
        {
            driver.FreeHost(staging[i]);
            driver.DestroyEvent(read[i]);
        }
        driver.DestroyStream(stream);
    }
}
