using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;
using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Bench;

/// <summary>
/// Ours and each peer on the same work, in processes that alternate: medians, ratios and shares of the true peak, as a page.
/// </summary>
static class PeerBench
{
    /// <param name="python">an interpreter that imports torch</param> <param name="scripts">folder of torch_train.py</param>
    /// <param name="node">where node_modules has node-llama-cpp; empty: llama.cpp is left out</param>
    public static void Run(int threads, int seconds, int rounds, string python, string scripts, string node, string page)
    {
        string torch = Line(python, null, "-c", "import torch; print(torch.__version__)") ?? "";
        List<string> modes = ["eager"];
        if (Line(python, null, "-c", "import torch; torch.compile") is not null) modes.Add("compile");
        if (Has("avx512_bf16") && !HeldToAvx2) modes.AddRange(modes.Select(m => m + "-bf16").ToArray());
        Machine machine = Machine.Measure(threads);
        bool bf16 = Precisions.Here is not null;
        var text = new StringBuilder();
        Say($"# {machine.Cpu}");
        Say($"{threads} threads, {machine.InstructionSet}; tiles of {Microkernel.Rows}×{Microkernel.Columns}; {machine.Runtime}; " +
            $"peak {machine.PeakGflops:F0} GFLOP/s; PyTorch {torch}, OMP_WAIT_POLICY=passive.");
        if (HeldToAvx2) Say("AVX-512 is off (`DOTNET_EnableAVX512=0`), for PyTorch and OpenBLAS too; llama.cpp chooses for itself.");
        Say($"Medians of {rounds} rounds of {seconds} s each, a process each, in turn. Share: of the true peak of the same moment.");
        Say("");
        Say($"`sh bench/peers/run.sh {threads} {seconds} {rounds}`");
        Say("");
        Say("## Training, tokens a second");
        Say($"| parameters | d | vocabulary, context, windows | ours | share of peak | {(bf16 ? "ours, bf16 | " : "")}" +
            $"{string.Join(" | ", modes.Select(m => "PyTorch " + m))} | ours over the best in fp32 |{(bf16 ? " bf16 over fp32 |" : "")}");
        Say($"|---|---|---|---|---|{string.Concat(modes.Select(_ => "---|"))}---|{(bf16 ? "---|---|" : "")}");
        foreach ((ModelConfig c, int sequences) in TrainBench.Sizes)
        {
            List<double> ours = [], shares = [], halves = [];
            var theirs = modes.ToDictionary(m => m, _ => new List<double>());
            for (int round = 0; round < rounds; round++)
            {
                string[] own = Own("f32");
                ours.Add(Number(own[0]));
                shares.Add(Number(own[1]));
                if (bf16) halves.Add(Number(Own("bf16")[0]));
                foreach (string mode in modes)
                    if (Line(python, scripts, "torch_train.py", mode, $"{threads}", $"{seconds}", $"{c.VocabSize}", $"{c.ContextLen}",
                        $"{c.DModel}", $"{c.NLayer}", $"{c.NHead}", $"{c.FfWidth}", $"{sequences}") is { } line)
                        theirs[mode].Add(Number(line));
            }
            string[] Own(string precision) =>
                Line(Environment.ProcessPath!, null, "train", $"{threads}", $"{seconds}", $"{c.DModel}", $"{c.DModel}", "0", "0", precision)!.Split(' ');

            // Round by round, since both have the same neighbours then.
            double ratio = modes.Where(m => !m.EndsWith("bf16", StringComparison.Ordinal) && theirs[m].Count == rounds)
                .Min(m => Median([.. ours.Zip(theirs[m], (own, other) => own / other)]));
            Say($"| {new ParamTable(c).Parameters:N0} | {c.DModel} | {c.VocabSize}, {c.ContextLen}, {sequences} | {Median(ours):N0} " +
                $"| {Median(shares):P0} | {(bf16 ? $"{Median(halves):N0} | " : "")}{string.Join(" | ", modes.Select(m => theirs[m].Count > 0 ? $"{Median(theirs[m]):N0}" : "–"))} " +
                $"| {ratio:F2} |{(bf16 ? $" {Median([.. halves.Zip(ours, (half, own) => half / own)]):F2} |" : "")}");
        }
        if (node.Length > 0) Generation();
        Say("");
        Say("## Products of one thread");
        foreach (string line in Lines(Environment.ProcessPath!, null, "gemm", "1")) Say("    " + line);
        Say("");
        Say("## A step, kernel by kernel, one thread");
        foreach (string line in Lines(Environment.ProcessPath!, null, "step", "1", "3")) Say("    " + line);
        File.WriteAllText(page, text.ToString());

        void Generation()
        {
            Say("");
            Say("## Generation, one stream, one thread, tokens a second");
            Say("| parameters | d | ours | of the bandwidth bound | llama.cpp, float32 | ours over it |");
            Say("|---|---|---|---|---|---|");
            foreach (ModelConfig c in GenerateBench.Sizes)
            {
                string file = Path.GetTempFileName();
                Gguf.Write(file, c);
                List<double> ours = [], bound = [], theirs = [];
                for (int round = 0; round < rounds; round++)
                {
                    double[] own = [.. Line(Environment.ProcessPath!, null, "generate", "1", "1", $"{c.DModel}")!.Split(' ').Select(Number)];
                    ours.Add(own[0]);
                    bound.Add(own[1]);
                    if (Line("node", scripts, "llama_generate.mjs", file, "1", "128") is { } line) theirs.Add(Number(line));
                }
                File.Delete(file);
                Say($"| {new ParamTable(c).Parameters:N0} | {c.DModel} | {Median(ours):N0} | {Median(bound):P0} " +
                    (theirs.Count > 0 ? $"| {Median(theirs):N0} | {Median(ours) / Median(theirs):F2} |" : "| – | – |"));
            }
            Say("");
            Say($"## Generation, many streams, {threads} threads");
            foreach (int streams in (int[])[64, 256])
                foreach (string line in Lines(Environment.ProcessPath!, null, "generate", $"{threads}", $"{streams}")) Say("    " + line);
        }

        void Say(string line)
        {
            Console.WriteLine(line);
            text.Append(line).Append('\n');
        }
    }

    static bool Has(string feature) =>
        File.Exists("/proc/cpuinfo") && File.ReadAllText("/proc/cpuinfo").Contains(feature, StringComparison.Ordinal);

    static bool HeldToAvx2 => !Vector512.IsHardwareAccelerated && Has("avx512f");

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>A program's last line of output; null: it failed.</summary>
    static string? Line(string program, string? folder, params string[] arguments) => Lines(program, folder, arguments).LastOrDefault();

    static string[] Lines(string program, string? folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            WorkingDirectory = folder ?? "",
        };
        // A spinning OpenMP beside another process is a strawman; these two hold OpenBLAS to slower kernels.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        start.Environment.Remove("OPENBLAS_CORETYPE");
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        if (HeldToAvx2)
        {
            start.Environment["OPENBLAS_CORETYPE"] = "Haswell";
            start.Environment["ATEN_CPU_CAPABILITY"] = "avx2";
            start.Environment["ONEDNN_MAX_CPU_ISA"] = "AVX2";
        }
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.TrimEnd().Split('\n') : [];
    }

    static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
