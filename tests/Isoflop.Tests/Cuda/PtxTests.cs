using Isoflop.Cuda;
using Xunit;

namespace Isoflop.Tests.Cuda;

// The tests of kernels once more, on the text that a card is given: clang's work, inline assembly, layouts of arguments.

[Collection(CudaCollection.Name)]
public sealed class PtxKernelTests(PtxCard card) : CudaKernelTests(card);

[Collection(CudaCollection.Name)]
public sealed class PtxAttentionTests(PtxCard card) : CudaAttentionTests(card);

[Collection(CudaCollection.Name)]
public sealed class PtxActivationTests(PtxCard card) : CudaActivationTests(card);

[Collection(CudaCollection.Name)]
public sealed class PtxWarpgroupTests(PtxCard card) : WarpgroupProductTests(card);

/// <summary>That sources and text say the same, to the bit.</summary>
[Collection(CudaCollection.Name)]
public sealed class PtxTests(HostCard source, PtxCard text)
{
    [Theory, InlineData(8, false), InlineData(8, true), InlineData(9, false)]
    public void Steps_of_training_have_the_same_bits(int major, bool single)
    {
        var (expected, got) = (Train(source), Train(text));
        Assert.Equal(expected.Sums, got.Sums);
        Assert.Equal(expected.Parameters, got.Parameters);

        (double[] Sums, float[] Gradient, float[] Parameters) Train(HostCard card)
        {
            card.Reset(major: major, played: true);
            using CudaDevice device = card.Open(single);
            var trained = CudaCardTests.Train(device, CudaCardTests.Grouped, [2, 5], 3);
            card.Check();
            return trained;
        }
    }

    [Theory, InlineData("add.s128 \t%rd1, %rd2, %rd3;"), InlineData("mul.hi.u32 \t%r1, %r2, %r3;"), InlineData("add.f32 \t%f1, %f2, %f3;"), InlineData("min.f32 \t%f1, %f2, %f3;"),
        InlineData("lg2.approx.f32 \t%f1, %f2;"), InlineData("shfl.sync.up.b32 \t%r1, %r2, 1, 0, -1;")]
    public void What_is_not_known_is_refused(string instruction) => Assert.Throws<FormatException>(() => PtxOnHost.Translate(
        ".entry nothing(\n\t.param .align 8 .b8 nothing_param_0[8]\n)\n.maxntid 32, 1, 1\n{\n\t.reg .b64 \t%rd<4>;\n\t" + instruction + "\n}"));
}
