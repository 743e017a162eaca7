namespace Isoflop.Kernels;

/// <summary>How one precision's products are cut into register tiles, and how operands lie for them: words of 32 bits.</summary>
unsafe interface ITile
{
    /// <summary>Rows of a tile of C, and of a packed panel of A.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of a tile of C, and of a packed panel of B.</summary>
    static abstract int Columns { get; }

    /// <summary>Rows without which a tile cannot be run: those that a panel lacks are zeros.</summary>
    static abstract int LeastRows { get; }

    /// <summary>Steps of k that are packed at once; k alone decides.</summary>
    static abstract int BlockK { get; }

    /// <summary>Words that so many steps of one row or column take in a panel.</summary>
    static abstract int Words(int k);

    /// <summary>A's rows i0..i1 for steps p0..p1 as panels, each so many words from the one before.</summary>
    static abstract void PackRows(in MatMul.Task t, int i0, int i1, int p0, int p1, float* to, nint panel);

    /// <summary>B's columns likewise, [words][Columns].</summary>
    static abstract void PackColumns(in MatMul.Task t, int j0, int j1, int p0, int p1, float* to, nint panel);

    /// <summary>One tile of C.</summary>
    /// <param name="start">where its sums begin, laid out as c, may be c; null: zeros</param>
    static abstract void Run(in MatMul.Task t, int rows, int words, float* a, float* b, float* c, nint ldc, float* start);

    /// <summary>The left half of a whole tile can be run alone.</summary>
    static virtual bool HasHalf => false;

    /// <summary>It.</summary>
    static virtual void RunHalf(int words, float* a, float* b, float* c, nint ldc, float* start) { }

    /// <summary>Before a thread's first tile.</summary>
    static virtual void Begin(in MatMul.Task t) { }

    /// <summary>After its last.</summary>
    static virtual void End(in MatMul.Task t) { }
}

/// <summary>float32: <see cref="Microkernel"/>'s chains of multiply-adds.</summary>
readonly unsafe struct Float32Tile : ITile
{
    public static int Rows => Microkernel.Rows;

    public static int Columns => Microkernel.Columns;

    public static int LeastRows => 1;

    public static int BlockK => Microkernel.Wide ? 512 : 256;

    public static int Words(int k) => k;

    public static void PackRows(in MatMul.Task t, int i0, int i1, int p0, int p1, float* to, nint panel)
    {
        if (t.Layout == MatMulLayout.TransposedA)
            Packing.Panels(t.PlaceA(i0, p0), t.StrideA, i1 - i0, p1 - p0, to, panel);
        else Packing.RowPanels(t.PlaceA(i0, p0), t.StrideA, i1 - i0, p1 - p0, to, panel);
    }

    public static void PackColumns(in MatMul.Task t, int j0, int j1, int p0, int p1, float* to, nint panel) =>
        Packing.Columns(t.B, t.StrideB, t.Layout == MatMulLayout.TransposedB, j0, j1, p0, p1, to, panel);

    public static void Run(in MatMul.Task t, int rows, int words, float* a, float* b, float* c, nint ldc, float* start) =>
        Microkernel.Run(rows, words, a, rows, b, c, ldc, start);

    public static bool HasHalf => Microkernel.Wide;

    public static void RunHalf(int words, float* a, float* b, float* c, nint ldc, float* start) =>
        Microkernel.RunHalf(words, a, Rows, b, c, ldc, start);
}

/// <summary>How a device forms its products: a precision's tile, chosen once.</summary>
sealed unsafe class Multiplication
{
    static Multiplication With<T>(Precision precision, KernelCode code = default) where T : struct, ITile => new()
    {
        Precision = precision,
        Code = code,
        Columns = T.Columns,
        ScratchLength = MatMul.ScratchLength<T>(),
        PackedLength = &MatMul.PackedLength<T>,
        Pack = &MatMul.Pack<T>,
        Run = &MatMul.Simd<T>,
        Repeat = &MatMul.Repeat<T>,
    };

    /// <summary>In float32.</summary>
    public static Multiplication Float32 { get; } = With<Float32Tile>(Precision.F32);

    /// <exception cref="ConfigException">This machine has no instructions for it.</exception>
    public static Multiplication Of(Precision precision)
    {
        if (precision == Precision.F32) return Float32;
        Bf16Code code = precision == Precision.Bf16Tiles ? Bf16Code.Tiles : Bf16Code.Pairs;
        return code.Found ? Defined(precision, code.Entries) : throw Precisions.NotHere(precision, code.Missing);
    }

    /// <summary>bf16 by machine code; without any by its definition in plain loops: the same bits anywhere, slowly.</summary>
    public static Multiplication Defined(Precision precision, KernelCode code = default) =>
        precision == Precision.Bf16Tiles ? With<Bf16TilesTile>(precision, code) : With<Bf16PairsTile>(precision, code);

    public required Precision Precision { get; init; }

    /// <summary>Machine code of our own; empty where there is none, and for float32.</summary>
    public KernelCode Code { get; private init; }

    /// <summary>Of a tile.</summary>
    public int Columns { get; private init; }

    /// <summary>Floats that each thread needs.</summary>
    public int ScratchLength { get; private init; }

    /// <summary>Elements of a B of k × n that is laid out.</summary>
    public delegate*<int, int, long> PackedLength { get; private init; }

    /// <summary>Lays panels of B out.</summary>
    public delegate*<in MatMul.Task, int, int, void> Pack { get; private init; }

    /// <summary>Forms parts of a product.</summary>
    public delegate*<in MatMul.Task, int, int, float*, void> Run { get; private init; }

    /// <summary>Runs a tile again and again, for its rate.</summary>
    public delegate*<in MatMul.Task, int, double> Repeat { get; private init; }
}
