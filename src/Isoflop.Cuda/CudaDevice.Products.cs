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
        if (Packed(m, n, k, count, a, b))
        {
            MatMulPacked(layout, a, b, c, m, n, k, start, groups);
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
        bool weightsPacked = Packed(outputs, inputs, rows, groups.Count, dy, x),
            inputsPacked = Packed(rows, inputs, outputs, 1, dy, w.Values);
        if (weightsPacked && inputsPacked)
        {
            MatMulBackwardPacked(dy, x, w.Values, dw, dx, outputs, inputs, rows, groups);
            return;
        }
        if (weightsPacked || inputsPacked || Large(outputs, inputs, groups.Count) || Large(rows, inputs, 1))
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

    bool Packed(int m, int n, int k, int count, DeviceSpan<float> left, DeviceSpan<float> right) => PacksAll
        || Packs && LargeTiles is null && PackedProducts.Pay(m, n, k, count, processors, ElementBytes(left), ElementBytes(right));

    static int ElementBytes(DeviceSpan<float> x) => IsNarrow(x) ? 2 : sizeof(float);

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

    /// <summary>The same from operands that are rounded beforehand, by the products of compute capability 9.0.</summary>
    /// <param name="wide">tiles of 128 × 256, else of 128 × 128; null: wide ones where they fill the card</param>
    internal void MatMulPacked(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n,
        int k, DeviceSpan<float> start = default, PassPlan.Groups groups = default, bool? wide = null)
    {
        if (layout != MatMulLayout.TransposedA) groups = default;
        int chunks = PackedProducts.Chunks(k, groups.Count);
        nint left = Scratch(PackedProducts.Bytes(m, chunks) + PackedProducts.Bytes(n, chunks));
        nint right = left + (nint)PackedProducts.Bytes(m, chunks);
        if (layout == MatMulLayout.TransposedA || !TryPackInLastLaunch(a, left, m, k))
            Pack(a, left, m, k, groups, layout == MatMulLayout.TransposedA);
        Pack(b, right, n, k, groups, layout != MatMulLayout.TransposedB);
        MultiplyPacked(left, right, c, m, n, k, start, groups, wide);
    }

    /// <summary>Where the last launch is the norm or the SwiGLU that makes x [rows, k], lets it pack x too.</summary>
    bool TryPackInLastLaunch(DeviceSpan<float> x, nint to, int rows, int k)
    {
        int chunks = PackedProducts.Chunks(k, 1), filled = Up(rows, PackedProducts.Rows) * PackedProducts.Rows;
        if (work.IsLast(Table.RmsNorm, out NormArguments norm) && norm.Y == x.Address
            && norm.Shape == new HeadRows(rows, 1, k, k))
        {
            work.DropLast();
            work.Add(Table.RmsNormPacked, new(Blocks(filled, 8)),
                new NormPackArguments { Norm = norm, To = to, Chunks = chunks });
            return true;
        }
        if (work.IsLast(Table.SwiGlu, out SwiGluArguments glu) && glu.Y == x.Address && (glu.Rows, glu.Width) == (rows, k))
        {
            work.DropLast();
            work.Add(Table.SwiGluPacked, new(Blocks((long)filled * Up(k, 64) * 8, 256)),
                new SwiGluPackArguments { SwiGlu = glu, To = to, Chunks = chunks });
            return true;
        }
        return false;
    }

    /// <summary><see cref="MatMulBackward"/> from packed operands: dy is read once for both.</summary>
    internal void MatMulBackwardPacked(DeviceSpan<float> dy, DeviceSpan<float> x, DeviceSpan<float> w, DeviceSpan<float> dw,
        DeviceSpan<float> dx, int outputs, int inputs, int rows, PassPlan.Groups groups)
    {
        int chunks = PackedProducts.Chunks(rows, groups.Count), inner = PackedProducts.Chunks(outputs, 1);
        long turned = PackedProducts.Bytes(outputs, chunks), plain = PackedProducts.Bytes(rows, inner),
            right = Math.Max(PackedProducts.Bytes(inputs, chunks), PackedProducts.Bytes(inputs, inner));
        nint dyTurned = Scratch(turned + plain + right), dyPlain = dyTurned + (nint)turned, operand = dyPlain + (nint)plain;
        work.Add(Table.PackBoth, new(chunks, Up(outputs, PackedProducts.Rows), 1, PackedProducts.TurnedBytes),
            new PackBothArguments { Turned = Given(dy, dyTurned, outputs, rows, groups), Plain = dyPlain, PlainChunks = inner });
        Pack(x, operand, inputs, rows, groups, turned: true);
        MultiplyPacked(dyTurned, operand, dw, outputs, inputs, rows, dw, groups);
        Pack(w, operand, inputs, outputs, default, turned: true);
        MultiplyPacked(dyPlain, operand, dx, rows, inputs, outputs);
    }

    static PackArguments Given(DeviceSpan<float> x, nint to, int rows, int k, PassPlan.Groups groups) => new()
    { X = x.Address, To = to, Groups = new(groups), Rows = rows, K = k, Chunks = PackedProducts.Chunks(k, groups.Count) };

    void Pack(DeviceSpan<float> x, nint to, int rows, int k, PassPlan.Groups groups, bool turned) => work.Add(
        turned ? Table.PackTurned : Table.Pack,
        new(PackedProducts.Chunks(k, groups.Count), Up(rows, PackedProducts.Rows), 1, turned ? PackedProducts.TurnedBytes : 0),
        Given(x, to, rows, k, groups));

    void MultiplyPacked(nint left, nint right, DeviceSpan<float> c, int m, int n, int k, DeviceSpan<float> start = default,
        PassPlan.Groups groups = default, bool? wide = null)
    {
        bool two = wide ?? (long)Up(m, PackedProducts.Rows) * Up(n, 2 * PackedProducts.Rows) * groups.Count >= processors;
        int columns = two ? 2 : 1;
        work.Add(two ? Table.PackedWide : Table.PackedNarrow, new(
            Up(n, columns * PackedProducts.Rows), Up(m, PackedProducts.Rows), groups.Count, PackedProducts.SharedBytes(columns)),
            new PackedMatMulArguments
            {
                A = left,
                B = right,
                Start = start.Length == 0 ? 0 : start.Address,
                C = c.Address,
                Groups = new(groups),
                M = m,
                N = n,
                K = k,
                Chunks = PackedProducts.Chunks(k, groups.Count),
            });
    }
}
