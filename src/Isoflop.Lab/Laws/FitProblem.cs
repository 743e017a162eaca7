namespace Isoflop.Lab.Laws;

/// <summary>Σ w·ρ over points, as a function of θ: what an optimiser sees.</summary>
sealed class FitProblem
{
    /// <summary>Huber's δ: Hoffmann et al. 2022.</summary>
    public const double Delta = 1e-3;

    readonly double[] natural, slope, shifted;
    readonly int[] used;

    public FitProblem(LawForm form, FitData data, Objective objective, double[]? weights = null)
    {
        (Form, Data, Objective) = (form, data, objective);
        Weights = weights ?? [.. Enumerable.Repeat(1.0, data.Count)];
        used = [.. Enumerable.Range(0, data.Count).Where(i => Weights[i] != 0)];
        natural = new double[form.Names.Count];
        slope = new double[16];
        shifted = new double[16];
    }

    public LawForm Form { get; }
    public FitData Data { get; }
    public Objective Objective { get; }
    public double[] Weights { get; }
    /// <summary>Rounds of polish at most; resamples start at the best and need one.</summary>
    public int Polishes { get; init; } = 6;
    /// <summary>Steps of BFGS at most.</summary>
    public int Steps { get; init; } = 500;
    /// <summary>Points of weight above 0.</summary>
    public IReadOnlyList<int> Used => used;

    /// <summary>The objective.</summary>
    public double Value(ReadOnlySpan<double> theta)
    {
        Form.Natural(theta, Data, natural);
        return OfNatural(natural);
    }

    /// <summary>The objective by natural parameters; +∞ where the form has no value.</summary>
    public double OfNatural(ReadOnlySpan<double> p)
    {
        double sum = 0;
        foreach (int i in used) sum += Weights[i] * Penalty(Residual(i, Form.At(p, Data.Inputs[i])));
        sum += Form.Penalty(p);
        return double.IsNaN(sum) ? double.PositiveInfinity : sum;
    }

    /// <summary>The objective, and its gradient by θ: analytic where the form has it, else central differences.</summary>
    public double ValueAndGradient(ReadOnlySpan<double> theta, Span<double> gradient)
    {
        if (!Form.HasSlope)
        {
            Span<double> at = shifted.AsSpan(0, theta.Length);
            for (int j = 0; j < theta.Length; j++)
            {
                theta.CopyTo(at);
                double h = 6e-6 * Math.Max(1, Math.Abs(theta[j]));            // the cube root of a double's precision
                at[j] = theta[j] + h;
                double up = Value(at);
                at[j] = theta[j] - h;
                gradient[j] = (up - Value(at)) / (2 * h);
            }
            return Value(theta);
        }
        gradient.Clear();
        Span<double> df = slope.AsSpan(0, theta.Length);
        double sum = 0;
        foreach (int i in used)
        {
            double f = Form.ValueAndSlope(theta, Data, i, df), r = Residual(i, f);
            sum += Weights[i] * Penalty(r);
            double d = Weights[i] * PenaltySlope(r) * ResidualSlope(f) * Data.Scale[i];
            for (int j = 0; j < df.Length; j++) gradient[j] += d * df[j];
        }
        return double.IsNaN(sum) ? double.PositiveInfinity : sum;
    }

    double Residual(int i, double f) => Objective switch
    {
        Objective.HuberLog or Objective.SquaredLog => Data.LnY[i] - Math.Log(f),
        _ => Residual(Objective, Data.Y[i], f),
    } * Data.Scale[i];

    /// <summary>A residual as the objective sees it.</summary>
    public static double Residual(Objective objective, double y, double f) => objective switch
    {
        Objective.SquaredError => y - f,
        Objective.SquaredLog1p => Math.Log((y + 1) / (f + 1)),
        Objective.SquaredArcsine => Angle(y) - Angle(f),
        _ => Math.Log(y / f),
    };

    static double Angle(double share) => Math.Asin(Math.Sqrt(Math.Clamp(share, 0, 1)));

    /// <summary>The value that lies a residual above f.</summary>
    public static double Shift(Objective objective, double f, double residual) => objective switch
    {
        Objective.SquaredError => f + residual,
        Objective.SquaredLog1p => (f + 1) * Math.Exp(residual) - 1,
        Objective.SquaredArcsine => Math.Pow(Math.Sin(Math.Clamp(Angle(f) + residual, 0, Math.PI / 2)), 2),
        _ => f * Math.Exp(residual),
    };

    double ResidualSlope(double f) => Objective switch
    {
        Objective.SquaredError => -1,
        Objective.SquaredLog1p => -1 / (f + 1),
        Objective.SquaredArcsine => -0.5 / Math.Sqrt(Math.Max(f * (1 - f), 1e-12)),
        _ => -1 / f,
    };

    double Penalty(double r)
    {
        if (Objective != Objective.HuberLog) return r * r;
        double size = Math.Abs(r);
        return size <= Delta ? r * r / 2 : Delta * (size - Delta / 2);
    }

    double PenaltySlope(double r) =>
        Objective != Objective.HuberLog ? 2 * r : Math.Abs(r) <= Delta ? r : Delta * Math.Sign(r);
}
