using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>A run that a law was not fitted to, and what it says of it.</summary>
/// <param name="Said">of this run, 95 %; no ends: the law has no interval</param>
/// <param name="Measured">NaN: not known</param> <param name="Extrapolated">its N, D or x lies outside of the points</param>
sealed record ForetoldRow(string Name, double N, double D, double C, double X, Estimate Said, double Measured,
    bool Extrapolated)
{
    /// <summary>(measured − said)/|measured|: above 0 the law said too little.</summary>
    public double Error => (Measured - Said.Value) / Math.Abs(Measured);
    /// <summary>The interval holds it.</summary>
    public bool Inside => Measured >= Said.Low && Measured <= Said.High;
}

/// <summary>A run that a law does not reach, and why.</summary>
sealed record RefusedRow(string Name, string Reason);

/// <summary>A law held against the runs of another table: errors with their signs, and how often intervals held.</summary>
/// <param name="Refused">rows that the law does not reach, each with its reason</param>
/// <param name="Mean">of signed errors, shares of what was measured</param> <param name="Size">mean of |error|</param>
/// <param name="Rms">root of the mean square</param> <param name="Above">rows that measured more than was said</param>
/// <param name="Judged">rows with a measurement and an interval</param> <param name="Inside">of those, held</param>
/// <param name="Coverage">their share, with the binomial's 95 % (Clopper &amp; Pearson 1934)</param>
sealed record Foretold(IReadOnlyList<ForetoldRow> Rows, IReadOnlyList<RefusedRow> Refused, int Measured,
    double Mean, double Size, double Rms, int Above, int Judged, int Inside, Estimate Coverage)
{
    /// <summary>Asks a law of each run at its own N and D (or x).</summary>
    /// <param name="points">losses may be NaN</param>
    /// <exception cref="DataException">The law is not identified.</exception>
    public static Foretold Of(Law law, IReadOnlyList<Observation> points)
    {
        _ = new Prediction(law);                                   // not identified: refused once, not by row
        Inputs[] seen = [.. law.Residuals.Select(r => new Inputs(r.N, r.D, r.D, r.C))];
        return Of(points, Says, p => !law.Form.IsSurface ? Beyond(law.Form.InputsOf(p).X, law.MinX, law.MaxX) : seen.Length > 0
            && (Beyond(p.N, seen.Min(s => s.N), seen.Max(s => s.N)) || Beyond(p.D, seen.Min(s => s.D), seen.Max(s => s.D))));

        Estimate Says(Observation p) =>
            law.Form.IsSurface ? law.Predict(p.N, p.D, p.Unique) : law.Predict(law.Form.InputsOf(p).X);

        // Token counts are whole: a last batch makes no extrapolation.
        static bool Beyond(double at, double low, double high) => at < 0.999 * low || at > 1.001 * high;
    }

    /// <summary>The same of anything that foretells.</summary>
    public static Foretold Of(IReadOnlyList<Observation> points, Func<Observation, Estimate> law, Func<Observation, bool> beyond)
    {
        List<ForetoldRow> rows = [];
        List<RefusedRow> refused = [];
        foreach (Observation p in points)
        {
            try
            {
                rows.Add(new(p.Name, p.N, p.D, p.C, p.X, law(p), p.Loss, beyond(p)));
            }
            catch (DataException e)
            {
                refused.Add(new(p.Name, e.Message.Replace("not predicted: ", "")));
            }
        }
        ForetoldRow[] known = [.. rows.Where(r => double.IsFinite(r.Error))],
            judged = [.. rows.Where(r => double.IsFinite(r.Measured) && double.IsFinite(r.Said.Low))];
        int inside = judged.Count(r => r.Inside);
        (double low, double high) = judged.Length == 0 ? (double.NaN, double.NaN) : ExactShare.Of(inside, judged.Length, 0.95);
        return new(rows, refused, known.Length, Average(r => r.Error), Average(r => Math.Abs(r.Error)),
            Math.Sqrt(Average(r => r.Error * r.Error)), known.Count(r => r.Error > 0), judged.Length, inside,
            new(judged.Length == 0 ? double.NaN : (double)inside / judged.Length, low, high));

        double Average(Func<ForetoldRow, double> of) => known.Length == 0 ? double.NaN : known.Average(of);
    }
}
