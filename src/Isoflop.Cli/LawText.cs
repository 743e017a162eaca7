using System.Globalization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;

namespace Isoflop.Cli;

/// <summary>A law for readers.</summary>
static class LawText
{
    /// <param name="secondsPerFlop">of this machine's own runs, to price the next point in hours; NaN: unknown</param>
    public static void Write(TextWriter output, Law law, double secondsPerFlop)
    {
        Line("law", Symbols.In(law.Formula));
        string x = HasFlops(law) ? "C" : "x";
        Line("points", law.Points == 0 ? "none" : I($"{law.Points} in {law.Groups} groups, ") + (law.Form.TakesX
            ? I($"x {law.MinX:0.##e0} … {law.MaxX:0.##e0}")
            : I($"C {law.MinFlops:0.##e0} … {law.MaxFlops:0.##e0} FLOPs, N = {law.NMeaning}")));
        TextTable.Write(output, [.. law.Parameters.Select(p =>
            (string[])["  ", Symbols.In(p.Name), Number(p.Estimate.Value), Ends(p.Estimate)])], 0, 1, 3);
        foreach (KnownCheck known in law.Known) Line("known", Symbols.In(known.Text));
        if (law.Form.HasWidth && double.IsFinite(law.DegreesOfFreedom))
            Line("intervals", I($"95 %, of the slope's drift q, t with {law.DegreesOfFreedom:0} degrees of freedom"));
        if (law.Bootstraps > 0)
            Line("intervals", $"95 % of {law.Bootstraps} " + (law.Resampling == Resampling.Groups
                ? $"resamples of {law.Groups} {law.Shared}"
                : I($"draws of errors, t with {law.DegreesOfFreedom:0.#} degrees of freedom") +
                    (law.Shared == "runs" ? "" : $", shared by {law.Groups} {law.Shared}")));
        if (!double.IsNaN(law.ObjectiveValue))
        {
            Line("objective", I($"{Commands.FitCommand.Name(law.Objective)} {law.ObjectiveValue:0.#########e0}"));
            Line("solver", law.Solver);
            Line("starts", $"{law.Agreeing} of {law.Starts} agree; {law.Status}");
        }
        if (law.Decades.Count > 0)
        {
            Line("residuals", law.Objective == Objective.SquaredError ? "by decade" : "by decade, of the logarithm");
            static string Known(double x, string format) =>
                double.IsNaN(x) ? "-" : x.ToString(format, CultureInfo.InvariantCulture);
            TextTable.Write(output, [["  ", x, "n", "mean", "sd", "p (mean is 0)"], .. law.Decades.Select(d => (string[])
                ["  ", I($"1e{d.Decade}"), I($"{d.Count}"), Known(d.Mean, "0.0000"), Known(d.Sd, "0.0000"),
                Known(d.P, "0.000")])], 0, 1);
        }
        if (law.HeldOut is { } h)
            Line("held out", I($"{h.Trained} below {h.Cut:0.##e0} predict {h.Tested} above: ") +
                I($"{100 * h.MeanRelativeError:0.00} % off, at most {100 * h.LargestRelativeError:0.00} %") +
                (double.IsFinite(h.Skill) ? I($"; skill against a line {h.Skill:0.00}") : ""));
        foreach (FitTest test in law.LackOfFit) Line("fit", Verdicts.Says(test, law.Objective));
        Line("verdict", Symbols.In(law.Verdict.Text));
        Line("next point", Next(law, secondsPerFlop));

        void Line(string label, string text) => output.WriteLine($"{label,-11} {text}");
    }

    /// <summary>The next point's price, and why it is the next.</summary>
    public static string Next(Law law, double secondsPerFlop)
    {
        NextPoint n = law.Verdict.Next;
        return Price(law) + (double.IsFinite(n.N) ? I($", N {n.N:0.##e0}, D {n.D:0.##e0}") : "") +
            (double.IsFinite(n.Flops * secondsPerFlop) ? $", {ProgressLine.Span(n.Flops * secondsPerFlop)} here" : "") +
            $": {n.Why}";
    }

    /// <summary>What the next point costs, in FLOPs or in a curve's x.</summary>
    public static string Price(Law law) => !double.IsFinite(law.Verdict.Next.Flops) ? "of unknown FLOPs"
        : HasFlops(law) ? I($"{law.Verdict.Next.Flops:0.##e0} FLOPs") : I($"x = {law.Verdict.Next.Flops:0.##e0}");

    /// <summary>A curve's points have FLOPs of their own only where a column gives them.</summary>
    static bool HasFlops(Law law) => !law.Form.TakesX || law.MaxFlops != law.MaxX;

    /// <summary>Value (low … high).</summary>
    public static string Show(Estimate e) => Ends(e) is { Length: > 0 } ends ? $"{Number(e.Value)} {ends}" : Number(e.Value);

    /// <summary>Four figures; powers of ten outside of .001 … 10,000.</summary>
    public static string Number(double x) => x == 0 || Math.Abs(x) is >= 1e-3 and < 1e4
        ? x.ToString("G5", CultureInfo.InvariantCulture) : x.ToString("0.###e0", CultureInfo.InvariantCulture);

    /// <summary>"(low … high)", or nothing.</summary>
    public static string Ends(Estimate e) => double.IsFinite(e.Low) ? $"({Number(e.Low)} … {Number(e.High)})" : "";

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
