using Isoflop.Kernels;
using Table = Isoflop.Cuda.KernelTable;

namespace Isoflop.Cuda;

// Norms and rotations.
sealed partial class CudaDevice
{
    const int GainRows = 64, GainShared = 256 * sizeof(float) + 16;      // gain.h

    /// <inheritdoc/>
    public void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape,
        float epsilon) => work.Add(Table.RmsNorm, new(Blocks((long)shape.Rows * shape.Heads, 8)), new NormArguments
        {
            X = x.Address,
            Gain = gain.Address,
            Y = y.Address,
            S = s.Address,
            Shape = shape,
            Epsilon = epsilon,
        });

    /// <inheritdoc/>
    public void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy,
        DeviceSpan<float> dx, DeviceSpan<float> dGain, HeadRows shape, bool accumulate, PassPlan.Groups groups = default)
    {
        int parts = Up(shape.Rows, GainRows) + groups.Count - 1, made = parts * Up(shape.Width, 32);
        int all = made + Blocks((long)shape.Rows * shape.Heads, 8);
        var given = new NormBackwardArguments
        {
            X = x.Address,
            Gain = gain.Address,
            S = s.Address,
            DY = dy.Address,
            DX = dx.Address,
            GainSum = GainSum(parts, (long)parts * shape.Width, dGain),
            Shape = shape,
            Groups = new(groups),
            Accumulate = accumulate ? 1 : 0,
            PartBlocks = made,
        };
        bool inPlace = dx.Address == dy.Address;             // then all parts come before the first vector
        if (!inPlace && shape.Heads == 1)
        {
            given.Together = 1;
            all = parts * (Up(shape.Width, 32) + GainRows / 8);
        }
        Add(inPlace ? made : all);
        if (!inPlace) return;
        given.First = made;
        Add(all - made);

        void Add(int blocks) => work.Add(Table.RmsNormBackward, new(blocks, 1, 1, GainShared), given);
    }

    /// <param name="blocks">that make each strip of 32 columns</param> <param name="length">elements of all parts</param>
    GainSumArguments GainSum(int blocks, long length, DeviceSpan<float> dGain) => new()
    {
        Parts = Scratch(length * sizeof(float)),
        DGain = dGain.Address,
        Counter = Counters,
        Blocks = blocks,
    };

    /// <inheritdoc/>
    public void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse) =>
        work.Add(Table.Rope, Elements(((long)shape.Rows * shape.Heads * shape.Width + 7) / 8), new RopeArguments
        {
            X = x.Address,
            Table = table.Address,
            Positions = positions.Address,
            Shape = shape,
            Inverse = inverse ? 1 : 0,
        });

    /// <inheritdoc/>
    public void NormRotate(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> rotated, DeviceSpan<float> scales,
        DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape, float epsilon) =>
        work.Add(Table.NormRotate, new(Blocks((long)rows * (shape.Heads + 2 * shape.KvHeads), 8)), new NormRotateArguments
        {
            Raw = raw.Address,
            Gains = gains.Address,
            Rotated = rotated.Address,
            Scales = scales.Address,
            Table = table.Address,
            Positions = positions.Address,
            Rows = rows,
            Shape = shape,
            KeyGain = (int)gains.Length - shape.DHead,
            Epsilon = epsilon,
        });

    /// <inheritdoc/>
    public void NormRotateBackward(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> scales, DeviceSpan<float> d,
        DeviceSpan<float> dGains, DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape,
        PassPlan.Groups groups = default)
    {
        _ = Table.For(shape.DHead);                          // as attention: a lane holds four elements
        int parts = Up(rows, GainRows) + groups.Count - 1;
        var given = new NormRotateBackwardArguments
        {
            Raw = raw.Address,
            Gains = gains.Address,
            Scales = scales.Address,
            D = d.Address,
            GainSum = GainSum(parts, 2L * parts * shape.DHead, dGains),
            Table = table.Address,
            Positions = positions.Address,
            Groups = new(groups),
            Rows = rows,
            Shape = shape,
            KeyGain = (int)gains.Length - shape.DHead,
            PartsOfEach = parts,
        };
        work.Add(Table.NormRotateParts, new(parts, Up(shape.DHead, 32), 2, GainShared), given);
        work.Add(Table.NormRotateBackward, new(Blocks((long)rows * (shape.Heads + shape.KvHeads), 8)), given);
    }
}
