using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Nn;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>What can be wrong with a card and its driver, and that the kernels' text is that of their sources.</summary>
[Collection(CudaCollection.Name)]
public sealed class CudaDeviceTests
{
    readonly HostCard card;

    public CudaDeviceTests(HostCard card)
    {
        this.card = card;
        card.Reset(played: true);
    }

    [Fact]
    public void What_is_wrong_with_a_card_is_said_in_one_line()
    {
        card.Reset(count: 0);
        Refuses("cuda:0", "device=cuda:0: the driver finds no card; use another device");
        Assert.DoesNotContain(Devices.Names, n => n.StartsWith("cuda", StringComparison.Ordinal));
        card.Reset(major: 7, minor: 5);
        Refuses("cuda:0", "device=cuda:0: Host card is sm_75; bfloat16 products begin at sm_80 (A100, RTX 30 and later): use another device");
        card.Reset(version: 11_040);
        Refuses("cuda:0", "device=cuda:0: the NVIDIA driver speaks CUDA 11.4, at least 12.0 is needed: update it to 525 or later");
        card.Reset();
        Refuses("cuda:1", "device=cuda:1: there are 1 cards; try cuda:0");
        Refuses("cuda:x", "device=cuda:x: a card is cuda:N, or cuda:N:f32 for products in float32; try cuda:0");
        Assert.Contains("cuda:0", Devices.Names);
        using (IDevice auto = Devices.Open("auto")) Assert.Equal("cuda: Host card, bfloat16", auto.Traits.Name);
        Assert.Matches(@"^Host card, sm_80, 17.2 GB; copy \d+ GB/s, products \d+.\d TFLOP/s bfloat16, mma\.sync$", Cards.Measure(64, 1 << 12).Cards.Single().ToString());
        Driver.Use("/nowhere/libcuda.so.1");
        Refuses("cuda:0", "device=cuda:0: there is no NVIDIA driver here (/nowhere/libcuda.so.1 is not found); install it, or use another device");
        using (IDevice auto = Devices.Open("auto")) Assert.StartsWith("cpu", auto.Traits.Name);
        Assert.StartsWith("none: there is no NVIDIA driver here", Cards.Measure().None);

        static void Refuses(string name, string why) => Assert.Equal(why, Assert.Throws<ConfigException>(() => Devices.Open(name)).Message);
    }

    [Fact]
    public void A_full_card_and_a_lost_one_are_named_with_what_to_do()
    {
        foreach ((string what, int bytes) in ((string, int)[])[("parameters", 1 << 10), ("gradients", 12 << 10), ("activations", 23_000)])
        {
            card.Reset(memory: bytes);
            using CudaDevice small = card.Open(single: true);
            // 2,352 parameters and as many gradients, 9.4 KB each; a pass has 2 KB of tokens, then 4 KB of the stream.
            var config = new ModelConfig { VocabSize = 16, ContextLen = 4, DModel = 16, NLayer = 1, NHead = 2, NKvHead = 2, DFf = 16, QkNorm = false };
            string said = Assert.Throws<ConfigException>(() => new Transformer(small, config, 64, training: true)).Message;
            Assert.StartsWith($"{what}: cuda:0 (Host card) has 0.00 GB of 0.00 GB left, ", said);
            Assert.Contains("lower train.micro_tokens", said);
        }
        card.Reset();
        CudaDevice device = card.Open(single: true);
        nint memory = device.Allocate(64);
        card.Break();
        string lost = Assert.Throws<DataException>(() => device.Download(memory, new byte[64])).Message;
        Assert.Equal("cuda:0 (Host card): CUDA_ERROR_UNKNOWN, the card is lost (cuMemcpyDtoHAsync); what was saved stays, the same command goes on from there", lost);
        device.Dispose();
        card.Reset();
    }

    [Fact]
    public void The_text_of_the_kernels_is_what_their_sources_compile_to()
    {
        if (!File.Exists("/usr/bin/clang-19")) Assert.Skip("clang-19 is not installed");
        string folder = Directory.CreateTempSubdirectory("isoflop-ptx-").FullName;
        (int code, string said) = HostCard.Compile(["ptx", folder]);
        Assert.True(code == 0, said);
        string kept = Path.Combine(Places.Root, "src", "Isoflop.Cuda", "Ptx");
        Assert.Equal(Names(kept), Names(folder));
        foreach (string name in Names(kept))
            Assert.True(File.ReadAllText(Path.Combine(kept, name)) == File.ReadAllText(Path.Combine(folder, name)), $"{name} is old: sh tools/kernels.sh ptx");
        (code, said) = HostCard.Compile(["ptx", folder, "sm_90"]);
        Assert.True(code == 0, said);
        Assert.Contains(".target sm_90", File.ReadAllText(Path.Combine(folder, "matmul.bf16.ptx")));
        Directory.Delete(folder, recursive: true);

        static string[] Names(string folder) => [.. Directory.GetFiles(folder, "*.ptx").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_text_of_the_kernels_assembles()
    {
        (int code, string said, string registers) = HostCard.Script("registers");
        if (code == 3) Assert.Skip("ptxas is not installed: sh tools/kernels.sh assembler FILE, PTXAS=FILE");
        Assert.True(code == 0, said);                        // whatever it says beside registers is an error, such as products one after another
        string[] lines = registers.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, l => l.StartsWith("sm_80 matmul_plain_large_bf16: ", StringComparison.Ordinal));
        Assert.All(lines.Where(l => l.Contains(" matmul_", StringComparison.Ordinal)), l => Assert.EndsWith(", 0 bytes spilled", l));
        // Nine warps, three of them on one quarter of a multiprocessor, whose 16,384 registers are given out by eights a lane.
        string[] wide = [.. lines.Where(l => l.StartsWith("sm_90a matmul_warpgroup_", StringComparison.Ordinal) && l.Contains("_wide: ", StringComparison.Ordinal))];
        Assert.Equal(4, wide.Length);
        Assert.All(wide, l => Assert.InRange(int.Parse(l.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture), 128, 168));
    }

    [Fact]
    public void Sums_stay_in_their_registers_while_products_run()
    {
        string ptx = File.ReadAllText(Path.Combine(Places.Root, "src", "Isoflop.Cuda", "Ptx", "matmul_hopper.ptx"));
        string[] stages = [.. ptx.Split("wgmma.fence.sync.aligned;")[1..].Select(s => s.Split("wgmma.wait_group.sync.aligned")[0])];
        Assert.Equal(20, stages.Length);                     // three layouts, two tiles, whole stages and tails; two of them again, in two kernels
        Assert.All(stages.SelectMany(s => s.Split('\n')).Where(l => l.Contains("%f", StringComparison.Ordinal)),
            l => Assert.Contains("wgmma.mma_async", l));
    }
}
