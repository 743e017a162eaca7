using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>
/// Activations in bfloat16: every operation has to the bit what it has of the same values as floats, its results rounded at their end.
/// </summary>
/// <remarks>Floats are held to the definition elsewhere; attention, which takes nothing else, too.</remarks>
[Collection(CudaCollection.Name)]
public class CudaActivationTests : IDisposable
{
    readonly HostCard card;
    readonly CudaDevice device;

    public CudaActivationTests(HostCard card)
    {
        this.card = card;
        card.Reset(major: 9);
        device = card.Open(single: false);
    }

    public void Dispose()
    {
        device.Dispose();
        card.Reset();
    }

    /// <summary>Around quads, pieces of eight, warps and tiles.</summary>
    static IEnumerable<int> Widths => [1, 2, 3, 4, 5, 8, 12, 20, 31, 32, 33, 63, 64, 65, 66, 128, 130];

    /// <summary>Runs it with activations as floats and as halves of them; wide are its results that are floats either way.</summary>
    /// <param name="activations">given, and results that begin as something</param> <param name="operation">is given those, then <paramref name="wide"/></param>
    /// <param name="results">of the activations that are results</param>
    void Same(Fences fences, string what, DeviceSpan<float>[] activations, DeviceSpan<float>[] wide, int[] results,
        Action<DeviceSpan<float>[], DeviceSpan<float>[]> operation)
    {
        DeviceSpan<float>[] narrow = [.. activations.Select(fences.Narrow)], floats = [.. narrow.Select(x => Wide(fences, x))];
        DeviceSpan<float>[] first = [.. wide.Select(fences.Copy)], second = [.. wide.Select(fences.Copy)];
        operation(floats, first);
        operation(narrow, second);
        device.Download(device.Allocate(4), new byte[4]);
        fences.Check(what);
        card.Check();
        foreach (int i in results) Equal([.. Fences.Values(floats[i]).Select(Fences.Round)], Fences.Values(narrow[i]), $"{what}: activations {i}");
        for (int i = 0; i < wide.Length; i++) Equal(Fences.Values(first[i]), Fences.Values(second[i]), $"{what}: floats {i}");
    }

    static DeviceSpan<float> Wide(Fences fences, DeviceSpan<float> narrow)
    {
        DeviceSpan<float> x = fences.Empty(narrow.Length);
        Fences.Set(x, Fences.Values(narrow));
        return x;
    }

    static void Equal(float[] expected, float[] got, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(got[i]) && !(float.IsNaN(expected[i]) && float.IsNaN(got[i])))
                Assert.Fail($"{what}: element {i} of {expected.Length} is {got[i]:R}, not {expected[i]:R}");
    }

    [Fact]
    public void Norms_and_embeddings()
    {
        foreach (int width in Widths)
            foreach (int groups in (int[])[1, 3])
            {
                using Fences fences = card.Fences(width);
                const int Rows = 70;
                var shape = new HeadRows(Rows, 1, width, width);
                DeviceSpan<float> x = fences.Random(Rows * width), gain = fences.Random(width), y = fences.Empty(Rows * width), s = fences.Empty(Rows);
                Same(fences, $"norm of {width}", [y], [s], [0], (a, w) => device.RmsNorm(x, gain, a[0], w[0], shape, 1e-6f));
                int[] begins = [0, 9, 9, 70];
                PassPlan.Groups of = groups == 1 ? default : new(fences.Ints(4, i => begins[i]), 0, width + 3);
                DeviceSpan<float> dy = fences.Random(Rows * width), dx = fences.Random(Rows * width), dGain = fences.Random(groups * (width + 3)), scales = fences.Random(Rows);
                foreach (bool adds in (bool[])[false, true])
                    Same(fences, $"norm of {width}, backwards", [dy], [dx, dGain], [],
                        (a, w) => device.RmsNormBackward(x, gain, scales, a[0], w[0], w[1].Slice(0, width), shape, adds, of));
                DeviceSpan<int> rows = fences.Ints(9, i => i * i % Rows);
                Same(fences, $"rows of {width}", [dy, fences.Empty(9 * width)], [], [1], (a, _) => device.Embed(a[0], rows, a[1], 9, width));
            }
    }

    [Theory, InlineData(2), InlineData(6), InlineData(16), InlineData(30), InlineData(64), InlineData(128)]
    public void Rotations(int D)
    {
        using Fences fences = card.Fences(D);
        const int Rows = 70;
        var shape = new AttentionShape(3, 1, D);
        var heads = new HeadRows(Rows, 4, D, shape.Stride);
        DeviceSpan<float> table = fences.Random(90 * D), gains = fences.Random(2 * D), qkv = fences.Random(Rows * shape.Stride), d = fences.Random(Rows * shape.Stride);
        DeviceSpan<int> positions = fences.Ints(Rows, i => i * 7 % 90);
        foreach (bool inverse in (bool[])[false, true])
            Same(fences, $"rotation of {D}", [qkv], [], [0], (a, _) => device.Rope(a[0], table, positions, heads, inverse));
        Same(fences, $"norms and rotation of {D}", [qkv, fences.Empty(qkv.Length)], [fences.Empty(Rows * 4)], [1],
            (a, w) => device.NormRotate(a[0], gains, a[1], w[0], table, positions, Rows, shape, 1e-6f));
        DeviceSpan<float> scales = fences.Random(Rows * 4);
        Same(fences, $"norms and rotation of {D}, backwards", [qkv, d], [fences.Random(2 * D)], [1],
            (a, w) => device.NormRotateBackward(a[0], gains, scales, a[1], w[0], table, positions, Rows, shape));
    }

    [Fact]
    public void SwiGlu()
    {
        foreach (int width in Widths)
        {
            using Fences fences = card.Fences(width);
            DeviceSpan<float> gateUp = fences.Random(140 * width, 4), dy = fences.Random(70 * width);
            Same(fences, $"{width}", [gateUp, fences.Empty(70 * width)], [], [1], (a, _) => device.SwiGlu(a[0], a[1], 70, width));
            Same(fences, $"{width}, backwards", [gateUp, dy, fences.Empty(gateUp.Length)], [], [2], (a, _) => device.SwiGluBackward(a[0], a[1], a[2], 70, width));
            Same(fences, $"{width}, backwards in place", [gateUp, dy], [], [0], (a, _) => device.SwiGluBackward(a[0], a[1], a[0], 70, width));
        }
    }

    [Fact]
    public void Gradients_of_logits()
    {
        foreach (int V in (int[])[1, 2, 31, 129, 515, 16_384, 16_387])
        {
            using Fences fences = card.Fences(V);
            DeviceSpan<float> logits = fences.Random(3 * V, 5), weights = fences.Random(3);
            DeviceSpan<int> targets = fences.Ints(3, i => i * 7 % V);
            Same(fences, $"{V} logits", [fences.Empty(3 * V)], [logits, fences.Empty(3)], [0],
                (a, w) => device.CrossEntropy(w[0], targets, weights, 3.7, w[1], 3, V, a[0]));
        }
    }

    /// <summary>Each of a product's operands and its result may be activations, by warps and by warpgroups, in either tile.</summary>
    [Theory, InlineData(MatMulLayout.Plain), InlineData(MatMulLayout.TransposedB), InlineData(MatMulLayout.TransposedA)]
    public void Products(MatMulLayout layout)
    {
        foreach ((int m, int n, int k) in (IEnumerable<(int, int, int)>)[(1, 1, 1), (5, 7, 9), (66, 64, 32), (65, 130, 36), (130, 70, 100), (129, 260, 66), (128, 136, 72), (72, 264, 96)])
            foreach (bool large in (bool[])[false, true])
                foreach (bool warpgroups in device.HasWarpgroups && WarpgroupProducts.Take(layout, m, n, k) ? (bool[])[false, true] : [false])
                    foreach (int which in Enumerable.Range(1, 7))
                    {
                        using Fences fences = card.Fences(m + n + k);
                        DeviceSpan<float>[] all = [fences.Random((long)m * k), fences.Random((long)k * n), fences.Empty((long)m * n)];
                        // Operands that stay floats hold values that bfloat16 has.
                        DeviceSpan<float> a = Wide(fences, fences.Narrow(all[0])), b = Wide(fences, fences.Narrow(all[1]));
                        int[] given = [.. Enumerable.Range(0, 3).Where(i => (which >> i & 1) != 0)];
                        bool narrowResult = given[^1] == 2;
                        Same(fences, $"{layout} {m}×{n}×{k}, {which}, {large}, {warpgroups}", [.. given.Select(i => all[i])], narrowResult ? [] : [all[2]],
                            narrowResult ? [given.Length - 1] : [], (x, w) =>
                        {
                            DeviceSpan<float> Of(int i, DeviceSpan<float> own) => Array.IndexOf(given, i) is >= 0 and var at ? x[at] : own;
                            (DeviceSpan<float> left, DeviceSpan<float> right, DeviceSpan<float> c) = (Of(0, a), Of(1, b), narrowResult ? x[^1] : w[0]);
                            device.LargeTiles = large;
                            if (warpgroups) device.MatMulByWarpgroups(layout, left, right, c, m, n, k, wide: large);
                            else device.MatMul(layout, left, right, c, m, n, k);
                            device.LargeTiles = null;
                        });
                    }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Both_products_of_a_layer_backwards(bool warpgroups)
    {
        if (warpgroups && !device.HasWarpgroups) Assert.Skip("for a card of compute capability 9.0");
        foreach ((int rows, int outputs, int inputs) in (IEnumerable<(int, int, int)>)[(1, 1, 1), (70, 65, 130), (130, 64, 64), (200, 37, 20), (190, 72, 136)])
            foreach (bool narrowGradient in (bool[])[false, true])
            {
                using Fences fences = card.Fences(rows);
                using PreparedWeight w = ((IDevice)device).Prepare(fences.Random(outputs * inputs), outputs, inputs, backward: true);
                DeviceSpan<float> dy = fences.Random(rows * outputs), x = fences.Random(rows * inputs), dx = fences.Empty(rows * inputs), dw = fences.Random(outputs * inputs);
                DeviceSpan<float> kept = Wide(fences, fences.Narrow(dy));
                (device.AlwaysWarpgroups, device.LargeTiles) = (warpgroups, warpgroups ? null : false);
                Same(fences, $"{rows}, {outputs}, {inputs}, {narrowGradient}", narrowGradient ? [x, dx, dy] : [x, dx], [dw], [1],
                    (a, f) => device.MatMulBackward(narrowGradient ? a[2] : kept, a[0], w, f[0], a[1], rows, default));
                (device.AlwaysWarpgroups, device.LargeTiles) = (false, null);
            }
    }

    [Fact]
    public void Attention_refuses_what_it_would_misread()
    {
        using Fences fences = card.Fences(1);
        var shape = new AttentionShape(1, 1, 16);
        using var plan = new PassPlan(device, 4);
        Assert.Throws<InvalidOperationException>(() => device.Attention(fences.Random(4 * 48), plan, fences.EmptyNarrow(64), fences.Empty(4), shape));
        Assert.Throws<InvalidOperationException>(() => device.Attention(fences.EmptyNarrow(4 * 48), plan, fences.Empty(64), fences.Empty(4), shape));
    }
}
