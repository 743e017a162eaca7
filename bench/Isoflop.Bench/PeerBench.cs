using System.Diagnostics;
using System.Globalization;
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
    public static void Run(int threads, int seconds, int rounds, string python, string scripts, string page)
    {
        string torch = Line(python, null, "-c", "import torch; print(torch.__version__)") ?? "";
        List<string> modes = ["eager"];
        if (Line(python, null, "-c", "import torch; torch.compile") is not null) modes.Add("compile");
        if (HasBf16) modes.AddRange(modes.Select(m => m + "-bf16").ToArray());
        Machine machine = Machine.Measure(threads);
        var text = new StringBuilder();
        Say($"# {machine.Cpu}");
        Say($"{threads} threads, {machine.InstructionSet}; tiles of {Microkernel.Rows}×{Microkernel.Columns}; {machine.Runtime}; " +
            $"peak {machine.PeakGflops:F0} GFLOP/s; PyTorch {torch}, OMP_WAIT_POLICY=passive.");
        Say($"Medians of {rounds} rounds of {seconds} s each, a process each, in turn. Share: of the true peak of the same moment.");
        Say("");
        Say($"`sh bench/peers/run.sh {threads} {seconds} {rounds}`");
        Say("");
        Say("## Training, tokens a second");
        Say($"| parameters | d | vocabulary, context, windows | ours | share of peak | {string.Join(" | ", modes.Select(m => "PyTorch " + m))} " +
            "| ours over the best in fp32 |");
        Say($"|---|---|---|---|---|{string.Concat(modes.Select(_ => "---|"))}---|");
        foreach ((ModelConfig c, int sequences) in TrainBench.Sizes)
        {
            List<double> ours = [], shares = [];
            var theirs = modes.ToDictionary(m => m, _ => new List<double>());
            for (int round = 0; round < rounds; round++)
            {
                string[] own = Line(Environment.ProcessPath!, null, "train", $"{threads}", $"{seconds}", $"{c.DModel}", $"{c.DModel}")!
                    .Split(' ');
                ours.Add(double.Parse(own[0], CultureInfo.InvariantCulture));
                shares.Add(double.Parse(own[1], CultureInfo.InvariantCulture));
                foreach (string mode in modes)
                    if (Line(python, scripts, "torch_train.py", mode, $"{threads}", $"{seconds}", $"{c.VocabSize}", $"{c.ContextLen}",
                        $"{c.DModel}", $"{c.NLayer}", $"{c.NHead}", $"{c.FfWidth}", $"{sequences}") is { } line)
                        theirs[mode].Add(double.Parse(line, CultureInfo.InvariantCulture));
            }
            double best = modes.Where(m => !m.EndsWith("bf16", StringComparison.Ordinal) && theirs[m].Count > 0).Max(m => Median(theirs[m]));
            Say($"| {new ParamTable(c).Parameters:N0} | {c.DModel} | {c.VocabSize}, {c.ContextLen}, {sequences} | {Median(ours):N0} " +
                $"| {Median(shares):P0} | {string.Join(" | ", modes.Select(m => theirs[m].Count > 0 ? $"{Median(theirs[m]):N0}" : "–"))} " +
                $"| {Median(ours) / best:F2} |");
        }
        File.WriteAllText(page, text.ToString());

        void Say(string line)
        {
            Console.WriteLine(line);
            text.Append(line).Append('\n');
        }
    }

    static bool HasBf16 => File.Exists("/proc/cpuinfo") && File.ReadAllText("/proc/cpuinfo").Contains("avx512_bf16", StringComparison.Ordinal);

    /// <summary>A program's last line of output; null: it failed.</summary>
    static string? Line(string program, string? folder, params string[] arguments)
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
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.TrimEnd().Split('\n')[^1] : null;
    }

    static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
