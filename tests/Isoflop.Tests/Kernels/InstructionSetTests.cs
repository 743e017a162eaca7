using System.Diagnostics;
using Isoflop.Kernels;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>The kernel tests again, in child processes whose machine has less.</summary>
public class InstructionSetTests
{
    [Theory]
    [InlineData("AVX2 + FMA", "DOTNET_EnableAVX512", "DOTNET_EnableAVX512F")]
    [InlineData("128-bit", "DOTNET_EnableAVX2", "DOTNET_EnableFMA")]
    [InlineData("none", "DOTNET_EnableHWIntrinsic")]
    public async Task Kernels_hold_with_less(string expected, params string[] switchedOff)
    {
        using IDevice device = Devices.Open("cpu", 1);
        string here = device.Traits.InstructionSet;
        if (here != "AVX-512" && expected.StartsWith("AVX2", StringComparison.Ordinal))
            Assert.Skip($"this machine has {here}: there is no AVX-512 to switch off");
        var less = switchedOff.ToDictionary(name => name, _ => "0");
        less["ISOFLOP_TEST_INSTRUCTION_SET"] = expected;
        // With fused multiply-add the bits do not depend on the vectors' width.
        if (expected == "AVX2 + FMA") less["ISOFLOP_TEST_BITS"] = KernelTests.TrainingBits();
        await Run(less);
    }

    [Theory, InlineData("wide"), InlineData("narrow")]
    public async Task Any_register_tile_gives_the_same_bits(string tile) => await Run(new()
    {
        ["ISOFLOP_TILE"] = tile,
        ["ISOFLOP_TEST_BITS"] = KernelTests.TrainingBits(),
    });

    static async Task Run(Dictionary<string, string> environment)
    {
        string runner = Path.ChangeExtension(typeof(InstructionSetTests).Assembly.Location, ".dll");
        var start = new ProcessStartInfo("dotnet", [runner, "-class", typeof(KernelTests).FullName!])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        Assert.True(child.ExitCode == 0, $"{string.Join(' ', environment)}: exit code {child.ExitCode}\n{output}\n{await errors}");
    }
}
