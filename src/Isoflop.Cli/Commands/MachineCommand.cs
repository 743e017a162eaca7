using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Isoflop.Cuda;
using Isoflop.Kernels;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop machine</c>: the roofline everything else is measured against.</summary>
static class MachineCommand
{
    public static Verb Create()
    {
        var verb = new Verb("machine",
            "Measure this machine: cores, instruction set, peak GFLOP/s, bf16, memory bandwidth, cards.",
            "isoflop machine");
        verb.Runs(call =>
        {
            Machine m = Machine.Measure().WithBf16();
            (IReadOnlyList<CardRate> cards, string none) = Cards.Measure();
            if (call.Json)
            {
                JsonNode record = JsonSerializer.SerializeToNode(m, MachineJson.Default.Machine)!;
                record["cards"] = JsonSerializer.SerializeToNode([.. cards], MachineJson.Default.CardRateArray);
                if (none.Length > 0) record["no_cards"] = none;
                call.Out.WriteLine(record.ToJsonString());
                return 0;
            }
            call.Out.WriteLine($"cpu           {m.Cpu}");
            call.Out.WriteLine($"cores         {m.Cores}");
            call.Out.WriteLine($"instructions  {m.InstructionSet}" +
                (m.InstructionSet == "none" ? ": expect about 0.3 GFLOP/s; a published binary needs -p:IlcInstructionSet" : ""));
            call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"peak          {m.PeakGflops:F0} GFLOP/s float32, multiply-adds on registers, all cores"));
            call.Out.WriteLine($"bf16          {m.Bf16}" + (m.Bf16Gflops == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
                $": {m.Bf16Gflops:F0} GFLOP/s, its tile on operands near the core, all cores")));
            call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"bandwidth     {m.BandwidthGBs:F1} GB/s, copy, read and written"));
            call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"balance       {m.PeakGflops / m.BandwidthGBs:F1} flops a byte: below that, memory is the limit"));
            call.Out.WriteLine($"runtime       {m.Runtime}");
            foreach (CardRate card in cards) call.Out.WriteLine($"{card.Device,-12}  {card}");
            if (none.Length > 0) call.Out.WriteLine($"cards         {none}");
            return 0;
        });
        return verb;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Machine))]
[JsonSerializable(typeof(CardRate[]))]
sealed partial class MachineJson : JsonSerializerContext;
