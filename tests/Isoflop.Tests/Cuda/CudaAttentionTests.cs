using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>Attention on the card: against the definition, and the same bits in any company and row by row.</summary>
[Collection(CudaCollection.Name)]
public class CudaAttentionTests : IDisposable
{
    const double Ulp = 1.0 / (1 << 24), BfUlp = 1.0 / (1 << 8);

    readonly HostCard card;
    readonly ReferenceDevice reference = new();
    readonly CudaDevice single, bf16;

    public CudaAttentionTests(HostCard card)
    {
        this.card = card;
        card.Reset();
        (single, bf16) = (card.Open(single: true), card.Open(single: false));
    }

    public void Dispose()
    {
        foreach (IDevice device in (IDevice[])[single, bf16, reference]) device.Dispose();
    }

    static PassPlan PlanOf(IDevice device, params int[] lengths)
    {
        int rows = lengths.Sum();
        var plan = new PassPlan(device, rows);
        int[] offsets = new int[lengths.Length + 1];
        for (int i = 0; i < lengths.Length; i++) offsets[i + 1] = offsets[i] + lengths[i];
        plan.Set(new int[rows], [.. lengths.SelectMany(l => Enumerable.Range(0, l))], offsets, new int[rows], new float[rows], []);
        return plan;
    }

    static DeviceSpan<float> Empty(Fences fences, bool narrow, int length) => narrow ? fences.EmptyNarrow(length) : fences.Empty(length);

    static void Wait(IDevice device) => device.Download(device.Allocate(4), new byte[4]);

    public static TheoryData<int, int, int, int> Cases()
    {
        var data = new TheoryData<int, int, int, int>();
        foreach (int T in (int[])[1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 200]) data.Add(T, 2, 1, 8);
        foreach (int D in (int[])[2, 6, 15, 16, 17, 31, 32, 33, 48, 64, 65, 100, 128]) data.Add(37, 2, 2, D);
        data.Add(70, 6, 3, 32);
        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Attention_equals_the_definition_forward_and_backward(int T, int heads, int kvHeads, int D)
    {
        var shape = new AttentionShape(heads, kvHeads, D);
        using Fences fences = card.Fences(T + D);
        int[] lengths = [3, T, 5];
        int rows = lengths.Sum();
        DeviceSpan<float> qkv = fences.Random(rows * shape.Stride), dy = fences.Random(rows * shape.OutputStride);
        (float[] Y, float[] Lse, float[] D) Of(IDevice device)
        {
            using PassPlan plan = PlanOf(device, lengths);
            bool narrow = device == bf16;
            DeviceSpan<float> y = Empty(fences, narrow, rows * shape.OutputStride), lse = fences.Empty(heads * rows), d = Empty(fences, narrow, rows * shape.Stride);
            DeviceSpan<float> own = narrow ? fences.Narrow(qkv) : qkv, ownDy = narrow ? fences.Narrow(dy) : dy;
            device.Attention(own, plan, y, lse, shape);
            device.AttentionBackward(own, y, lse, ownDy, d, plan, shape);
            Wait(device);
            return (Fences.Values(y), Fences.Values(lse), Fences.Values(d));
        }
        var expected = Of(reference);
        var f = Of(single);
        bf16.GradientsTogether = false;
        var h = Of(bf16);
        bf16.GradientsTogether = true;
        Assert.Equal(h.D, Of(bf16).D);
        fences.Check("attention");
        card.Check();
        // Values below 1: a mean of them. Scores below √D; a gradient sums up to T terms.
        Near(expected.Y, f.Y, 8 * (D + 8) * Ulp, "y");
        Near(expected.Lse, f.Lse, 8 * (D + 8) * Ulp * Math.Sqrt(D), "lse");
        Near(expected.D, f.D, 32 * (D + T + 8) * Ulp * Math.Sqrt(D), "gradient");
        // q, k, v, p and y are each off by half of 2⁻⁸; a score by √D of it at most.
        Near(expected.Y, h.Y, 3.5 * BfUlp * (1 + Math.Sqrt(D) / 2), "y, bf16");
        Near(expected.Lse, h.Lse, 2 * BfUlp * Math.Sqrt(D), "lse, bf16");
        double distance = Math.Sqrt(expected.D.Zip(h.D, (e, a) => (e - a) * (double)(e - a)).Sum() / expected.D.Sum(e => e * (double)e));
        Assert.InRange(distance, 0, 4 * BfUlp);
    }

    [Fact]
    public void Gradients_are_one_launch_where_the_card_has_room_for_them()
    {
        var shape = new AttentionShape(2, 1, 16);
        foreach ((int T, int launches) in ((int, int)[])[(64, 1), (128, 1), (192, 3)])           // 3, 6 and 9 blocks for 4 processors
        {
            using Fences fences = card.Fences(T);
            using PassPlan plan = PlanOf(bf16, T);
            DeviceSpan<float> qkv = fences.Narrow(fences.Random(T * shape.Stride)), y = fences.Narrow(fences.Random(T * shape.OutputStride)), lse = fences.Random(2 * T);
            Wait(bf16);
            long before = bf16.Launches.Single;
            bf16.AttentionBackward(qkv, y, lse, y, fences.EmptyNarrow(T * shape.Stride), plan, shape);
            bf16.Send();
            if (Cards.All()[0].Processors == 4) Assert.Equal(before + launches, bf16.Launches.Single);
        }
    }

    static void Near(float[] expected, float[] actual, double allowed, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            if (!(Math.Abs(expected[i] - actual[i]) <= allowed))
                Assert.Fail($"{what}: element {i} of {expected.Length} is {actual[i]:R}, by definition {expected[i]:R}, allowed ±{allowed:E1}");
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_row_has_the_same_bits_in_any_company_and_from_pages(bool half)
    {
        CudaDevice device = half ? bf16 : single;
        foreach ((int T, AttentionShape shape) in ((int, AttentionShape)[])[(1, new(2, 1, 8)), (70, new(4, 2, 20)), (131, new(3, 3, 16)), (66, new(34, 2, 4))])
        {
            using Fences fences = card.Fences(T);
            int S = shape.Stride, O = shape.OutputStride;
            DeviceSpan<float> floats = fences.Random((7 + T + 2) * S), together = half ? fences.Narrow(floats) : floats, alone = together.Slice(7 * S, T * S);
            DeviceSpan<float> y = Empty(fences, half, (7 + T + 2) * O), own = Empty(fences, half, T * O), cached = Empty(fences, half, T * O);
            DeviceSpan<float> lse = fences.Empty(shape.Heads * (T + 9));
            using PassPlan company = PlanOf(device, 7, T, 2), single_ = PlanOf(device, T);
            device.Attention(together, company, y, lse, shape);
            device.Attention(alone, single_, own, lse, shape);
            // The sequence row by row in pieces, from pages that lie anywhere.
            int pages = (T + 15) / 16;
            long bytes = (pages + 1) * device.KvPageBytes(shape);
            DeviceSpan<byte> cache = new(fences.Empty(bytes / 4).Address, bytes);
            int[] table = [.. Enumerable.Range(0, pages).Select(i => pages - i)];
            using var view = new CacheView(device, T, 1, pages);
            for (int from = 0, step = 1; from < T; from += step, step = Math.Min(3 * step, T - from))
            {
                int count = Math.Min(step, T - from);
                view.Set(new int[count], new int[count], [.. Enumerable.Range(from, count)], table, []);
                device.AttentionCached(alone.Slice(from * S, count * S), cache, view, cached.Slice(from * O, count * O), shape);
                Wait(device);
            }
            fences.Check("company");
            card.Check();
            Assert.Equal(Fences.Values(own), Fences.Values(y)[(7 * O)..^(2 * O)]);
            Assert.Equal(Fences.Values(own), Fences.Values(cached));
        }
    }
}
