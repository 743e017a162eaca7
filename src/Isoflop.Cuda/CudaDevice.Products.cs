using Isoflop.Kernels;
using Table = Isoflop.Cuda.KernelTable;

namespace Isoflop.Cuda;

// Products of matrices.
sealed partial class CudaDevice
{
    /// <inheritdoc/>
    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start = default, PassPlan.Groups groups = default)
    {
        int count = layout == MatMulLayout.TransposedA ? groups.Count : 1;
        if (ByWarpgroups(layout, a, b, m, n, k, count))
        {
            MatMulByWarpgroups(layout, a, b, c, m, n, k, start, groups);
            return;
        }
        Table.Product product = layout switch
        {
            MatMulLayout.Plain => kernels.Plain,
            MatMulLayout.TransposedB => kernels.TurnedB,
            _ => kernels.TurnedA,
        };
        bool large = Large(m, n, count);
        int side = large ? 128 : 64;
        work.Add(large ? product.Large : product.Small, new(Up(n, side), Up(m, side), count, ProductShared(layout, large)),
            Given(layout, a, b, c, m, n, k, start, groups));
    }

    /// <inheritdoc/>
    public void MatMulBackward(DeviceSpan<float> dy, DeviceSpan<float> x, PreparedWeight w, DeviceSpan<float> dw,
        DeviceSpan<float> dx, int rows, PassPlan.Groups groups)
    {
        int outputs = w.Outputs, inputs = w.Inputs, columns = Up(inputs, 64), weights = columns * Up(outputs, 64) * groups.Count;
        if (WarpgroupsTake(MatMulLayout.TransposedA, dy, x, outputs, inputs, rows)
            && WarpgroupsTake(MatMulLayout.Plain, dy, w.Values, rows, inputs, outputs)
            && (AlwaysWarpgroups || MayChooseWarpgroups && WarpgroupProducts.PayBackward(outputs, inputs, rows, groups.Count,
                processors, ElementBytes(dy), ElementBytes(x), ElementBytes(w.Values), stream.Context.ClusterBlocks)))
        {
            (dy, x) = (dy.Slice(0, (long)rows * outputs), x.Slice(0, (long)rows * inputs));
            MatMulBackwardByWarpgroups(dy, x, w, dw, dx, rows, groups);
            return;
        }
        if (ByWarpgroups(MatMulLayout.TransposedA, dy, x, outputs, inputs, rows, groups.Count)
            || ByWarpgroups(MatMulLayout.Plain, dy, w.Values, rows, inputs, outputs, 1)
            || Large(outputs, inputs, groups.Count) || Large(rows, inputs, 1))
        {
            MatMul(MatMulLayout.TransposedA, dy, x, dw, outputs, inputs, rows, dw, groups);
            MatMul(MatMulLayout.Plain, dy, w.Values, dx, rows, inputs, outputs);
            return;
        }
        int shared = Math.Max(ProductShared(MatMulLayout.TransposedA, false), ProductShared(MatMulLayout.Plain, false));
        work.Add(kernels.Backward, new(weights + columns * Up(rows, 64), 1, 1, shared), new MatMulBackwardArguments
        {
            Weights = Given(MatMulLayout.TransposedA, dy, x, dw, outputs, inputs, rows, dw, groups),
            Inputs = Given(MatMulLayout.Plain, dy, w.Values, dx, rows, inputs, outputs, default, default),
            Columns = columns,
            WeightRows = Up(outputs, 64),
            WeightBlocks = weights,
        });
    }

    // Not where a test or the bench asks for a kind of tile.
    bool MayChooseWarpgroups => UsesWarpgroups && LargeTiles is null;

    static bool WarpgroupsTake(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, int m, int n, int k) =>
        WarpgroupProducts.Take(layout, m, n, k) && WarpgroupProducts.Take(a) && WarpgroupProducts.Take(b);

    bool ByWarpgroups(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, int m, int n, int k, int count) =>
        WarpgroupsTake(layout, a, b, m, n, k) && (AlwaysWarpgroups || MayChooseWarpgroups
            && WarpgroupProducts.Pay(m, n, k, count, processors, ElementBytes(a), ElementBytes(b),
                stream.Context.ClusterBlocks));

    static int ElementBytes(DeviceSpan<float> x) => IsBf16(x) ? 2 : sizeof(float);

    // Which tile it is shows in the time alone: the large one where it fills the card.
    bool Large(int m, int n, int count) =>
        LargeTiles ?? (Math.Min(m, n) > 64 && (long)Up(m, 128) * Up(n, 128) * count >= processors);

    /// <summary>Bytes of a block's tiles; matmul.cu.</summary>
    int ProductShared(MatMulLayout layout, bool large)
    {
        int side = large ? 128 : 64, steps = !large && layout == MatMulLayout.TransposedA ? 64 : 32;
        return 2 * kernels.OperandBytes * (Panel(layout == MatMulLayout.TransposedA) + Panel(layout != MatMulLayout.TransposedB));

        int Panel(bool turned) => turned ? Padded(side) * steps : Padded(steps) * side;
    }

    static MatMulArguments Given(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n,
        int k, DeviceSpan<float> start, PassPlan.Groups groups) => new()
        {
            A = a.Address,
            B = b.Address,
            Start = start.Length == 0 ? 0 : start.Address,
            C = c.Address,
            Groups = new(groups),
            M = m,
            N = n,
            K = k,
            Grouped = layout == MatMulLayout.TransposedA ? 1 : 0,
        };

    /// <summary>The same by the warpgroups of compute capability 9.0, of operands that those take.</summary>
    /// <param name="wide">tiles of 128 × 256, else of 128 × 128; null: wide ones where they fill the card</param>
    internal void MatMulByWarpgroups(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m,
        int n, int k, DeviceSpan<float> start = default, PassPlan.Groups groups = default, bool? wide = null)
    {
        bool turnA = layout == MatMulLayout.TransposedA, turnB = layout != MatMulLayout.TransposedB;
        if (!turnA) groups = default;
        (a, b) = (a.Slice(0, (long)m * k), b.Slice(0, (long)n * k));
        bool square = a.Address == b.Address && a.Length == b.Length;       // Muon's x·xᵀ
        DeviceSpan<float> left = Rounded(a, 0, OperandRoom(b)), right = square ? left : Rounded(b, OperandRoom(a), 0);
        bool two = wide ?? (long)Up(m, 128) * Up(n, 256) * groups.Count >= processors;
        Table.WarpgroupProduct product = layout switch
        {
            MatMulLayout.Plain => Table.ByWarpgroups,
            MatMulLayout.TransposedB => Table.ByWarpgroupsTurnedB,
            _ => Table.ByWarpgroupsTurnedA,
        };
        int columns = two ? 2 : 1;
        work.Add(two ? product.Wide : product.Narrow,
            new(RowTiles(m) * Up(n, 128 * columns), groups.Count, 1, WarpgroupProducts.SharedBytes(columns)),
            Given(turnA ? Map(left, k, m) : Map(left, m, k), turnB ? Map(right, k, n) : Map(right, n, k), c, m, n, k, start,
                groups, turnA));
    }

    /// <summary><see cref="MatMulBackward"/>, in one launch.</summary>
    void MatMulBackwardByWarpgroups(DeviceSpan<float> dy, DeviceSpan<float> x, PreparedWeight w, DeviceSpan<float> dw,
        DeviceSpan<float> dx, int rows, PassPlan.Groups groups)
    {
        int outputs = w.Outputs, inputs = w.Inputs;
        long first = OperandRoom(dy), second = OperandRoom(x), third = OperandRoom(w.Values);
        DeviceSpan<float> gradient = Rounded(dy, 0, second + third), input = Rounded(x, first, third),
            weight = Rounded(w.Values, first + second, 0);
        bool wide = (long)Up(outputs, 128) * Up(inputs, 256) * groups.Count >= processors;
        int tiles = RowTiles(outputs) * Up(inputs, wide ? 256 : 128), inputTiles = RowTiles(rows) * Up(inputs, 256);
        TensorMap map = Map(gradient, rows, outputs);
        work.Add(wide ? Table.BackwardByWarpgroups.Wide : Table.BackwardByWarpgroups.Narrow,
            new(tiles * groups.Count + inputTiles, 1, 1, WarpgroupProducts.SharedBytes(2)),
            new WarpgroupBackwardArguments
            {
                Weights = Given(map, Map(input, rows, inputs), dw, outputs, inputs, rows, dw, groups, grouped: true),
                Inputs = Given(map, Map(weight, outputs, inputs), dx, rows, inputs, outputs, default, default, grouped: false),
                WeightTiles = tiles,
                GroupCount = groups.Count,
                InputsFirst = outputs > rows / groups.Count ? inputTiles : 0,
            });
    }

    /// <summary>Rows of tiles by warpgroups: whole clusters of them, the last may have nothing to do.</summary>
    static int RowTiles(int rows) => Up(Up(rows, 128), WarpgroupProducts.ClusterBlocks) * WarpgroupProducts.ClusterBlocks;

    static WarpgroupMatMulArguments Given(in TensorMap a, in TensorMap b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start, PassPlan.Groups groups, bool grouped) => new()
        {
            A = a,
            B = b,
            Start = start.Length == 0 ? 0 : start.Address,
            C = c.Address,
            Groups = new(groups),
            M = m,
            N = n,
            K = k,
            Grouped = grouped ? 1 : 0,
        };

    /// <summary>Of scratch, for an operand as products by warpgroups take it: none where it lies so.</summary>
    static long OperandRoom(DeviceSpan<float> x) => IsBf16(x) ? 0 : (x.Length * 2 + 255) / 256 * 256;

    /// <summary>The operand in bfloat16, rounded into scratch where it lies in float32.</summary>
    /// <param name="at">bytes of the scratch in use before it</param> <param name="behind">that will be wanted behind it</param>
    DeviceSpan<float> Rounded(DeviceSpan<float> x, long at, long behind)
    {
        if (IsBf16(x)) return x;
        nint room = Scratch(at + OperandRoom(x) + behind) + (nint)at;
        var rounded = new DeviceSpan<float>((nint)(Bf16Tag | 2 * room), x.Length);
        work.Add(Table.Round, Elements(x.Length / 4),
            new RoundArguments { X = x.Address, Y = rounded.Address, Length = x.Length });
        return rounded;
    }

    TensorMap Map(DeviceSpan<float> x, int rows, int columns) => stream.Map((nint)((x.Address & ~Bf16Tag) / 2), rows, columns);
}
