using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;

namespace Isoflop.Lab.Tours;

/// <summary>The tour's sentences: each follows from numbers, and says so where they show nothing or the contrary.</summary>
static class TourAnswers
{
    /// <summary>A difference of two measured shares above this many standard errors is called one: 95 %.</summary>
    const double Noise = 1.96;

    /// <param name="best">least mean loss of each budget, ascending</param>
    public static string Scaling(IReadOnlyList<(double Flops, double Loss)> best)
    {
        string from = I($"from {best[0].Flops:0.##e0} to {best[^1].Flops:0.##e0} FLOPs the best loss of a budget went from ") +
            I($"{best[0].Loss:0.000} to {best[^1].Loss:0.000} nats a token");
        List<double> rises = [.. best.Zip(best.Skip(1)).Where(p => p.Second.Loss >= p.First.Loss).Select(p => p.Second.Flops)];
        if (best[^1].Loss >= best[0].Loss) return $"No: {from}.";
        return rises.Count == 0 ? $"Yes, as far as this went: {from}, lower with every budget."
            : $"Not at every step: {from}, but it was no lower at " +
                string.Join(", ", rises.Select(f => I($"{f:0.##e0}"))) + ".";
    }

    /// <summary>Was the run foretold, how wide was the interval, and did the law beat a straight line?</summary>
    public static string Foretold(Forecast f, Score s)
    {
        double line = Math.Abs(f.Line / s.Loss - 1), law = Math.Abs(s.RelativeError),
            half = (f.Loss.High - f.Loss.Low) / 2 / f.Loss.Value;
        string text = (s.Inside ? "Within its interval: " : "No: the run fell outside of its interval. ") +
            I($"Before the run of {f.Flops:0.##e0} FLOPs the law said {f.Loss.Value:0.000} nats a token ") +
            I($"({f.Loss.Low:0.000} to {f.Loss.High:0.000}); measured were {s.Loss:0.000}, {100 * law:0.0} % off.");
        if (s.Inside && half > 0.1) text += I($" The interval is wide, ± {100 * half:0} %: holding it proves little.");
        if (double.IsFinite(line))
            text += I($" A straight line in log–log said {f.Line:0.000}, {100 * line:0.0} % off: ") +
                (law < line ? "the law did better." : "the law did no better.");
        return f.Before ? text : "A check, not a forecast, since the run was there before. " + text;
    }

    /// <summary>How many abilities moved in which way.</summary>
    public static string Abilities(IReadOnlyList<TaskFinding> findings)
    {
        (TaskClass Class, string Said)[] words =
        [
            (TaskClass.Saturated, "reached the ceiling"), (TaskClass.Rising, "rose, smoothly or not"),
            (TaskClass.Smooth, "rose smoothly"), (TaskClass.Sudden, "rose suddenly"),
            (TaskClass.Flat, "stayed flat"), (TaskClass.Inverse, "fell"), (TaskClass.Unclear, "cannot be told at this size"),
        ];
        var counts = words.Select(w => (w.Class, w.Said, Count: findings.Count(f => f.Class == w.Class))).Where(c => c.Count > 0)
            .ToList();
        string text = string.Join(", ", counts.Select(c => $"{c.Count} {c.Said}"));
        bool alike = counts.Count(c => c.Class != TaskClass.Unclear) < 2;
        text = $"{(alike ? "They did" : "No")}: of {findings.Count} tasks and levels {text}.";
        return text + (findings.All(f => f.Class != TaskClass.Sudden)
            ? " None is called sudden; with so few seeds and questions a jump would often be missed." : "");
    }

    /// <summary>Does thinking first pay, and at which sizes?</summary>
    /// <param name="sizes">answers at once and after a thought, by size ascending</param>
    public static string Thought(IReadOnlyList<(long Parameters, RlEval Direct, RlEval Think)> sizes)
    {
        var better = sizes.Where(s => Beyond(s.Direct, s.Think) > 0).ToList();
        var worse = sizes.Where(s => Beyond(s.Direct, s.Think) < 0).ToList();
        string said = better.Count == sizes.Count ? "No, a thought helped at every size"
            : better.Count > 0 ? $"Not always: a thought helped {better.Count} of {sizes.Count} sizes"
            : worse.Count > 0 ? $"Here it was: a thought made {worse.Count} of {sizes.Count} sizes worse"
            : "Here nothing can be told: at no size did a thought change accuracy beyond its noise";
        (long n, RlEval direct, RlEval think) = sizes[^1];
        return I($"{said}. The largest ({n:N0} parameters) is right in {direct.PassAt1:P0} of its answers at once, in ") +
            I($"{think.PassAt1:P0} after a thought (chance {think.Chance:P0}), for {think.Length:0} tokens instead of ") +
            I($"{direct.Length:0}.");
    }

    /// <summary>Did held-out accuracy move from the first examination to the last?</summary>
    public static string Learnt(RlEval first, RlEval last)
    {
        int sign = Beyond(first, last);
        string said = sign > 0 ? "Yes" : sign < 0 ? "No, it fell" : "It did not move beyond its noise";
        return I($"{said}: held-out items were right in {first.PassAt1:0.000} of the replies before and in ") +
            I($"{last.PassAt1:0.000} after {last.Step} steps (standard errors {first.Error:0.000} and {last.Error:0.000}, ") +
            I($"chance {last.Chance:0.0##}). It thought first in {first.Thinking:P0} of its replies before, in ") +
            I($"{last.Thinking:P0} after.");
    }

    /// <summary>Did more replies to a question help?</summary>
    public static string Longer(Estimate one, int replies, Estimate most)
    {
        string said = most.Low > one.High ? "Yes" : most.High < one.Low ? "No, it lowered accuracy"
            : "Not beyond the noise of these items";
        return I($"{said}: {one.Value:0.000} ({one.Low:0.000} to {one.High:0.000}) of the first policy's answers are right ") +
            I($"with one reply, {most.Value:0.000} ({most.Low:0.000} to {most.High:0.000}) with the majority of {replies}.");
    }

    static int Beyond(RlEval a, RlEval b)
    {
        double difference = b.PassAt1 - a.PassAt1, error = Math.Sqrt(a.Error * a.Error + b.Error * b.Error);
        return Math.Abs(difference) <= Noise * error ? 0 : Math.Sign(difference);
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
