using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Isoflop.Lab.Laws;

/// <summary>
/// A fit near its best point, where residuals are linear in θ: e(θ + δ) ≈ e − J·δ. What the least squares leave, what tests of
/// it ask and how far θ may move are sums over J's column space.
/// </summary>
/// <param name="Columns">J, [parameter][point]: the slope of the prediction as the objective sees it</param>
/// <param name="Residual">[point]</param>
readonly record struct Linear(double[][] Columns, double[] Residual)
{
    /// <summary>A column that others explain to this share of its length adds nothing.</summary>
    const double Negligible = 1e-7;

    /// <summary>By central differences; null where the form has no value around θ.</summary>
    public static Linear? Of(FitProblem problem, double[] theta)
    {
        double[] natural = new double[problem.Form.Names.Count], at = [.. theta], here = Values();
        var columns = new double[theta.Length][];
        for (int j = 0; j < theta.Length; j++)
        {
            double h = 6e-6 * Math.Max(1, Math.Abs(theta[j]));              // the cube root of a double's precision
            at[j] = theta[j] + h;
            double[] up = Values();
            at[j] = theta[j] - h;
            double[] down = Values();
            at[j] = theta[j];
            columns[j] = [.. up.Zip(down, (a, b) => FitProblem.Residual(problem.Objective, a, b) / (2 * h))
                .Zip(problem.Data.Scale, (slope, scale) => slope * scale)];
        }
        double[] residual = [.. here.Select((f, i) => FitProblem.Residual(problem.Objective, problem.Data.Y[i], f)
            * problem.Data.Scale[i])];
        return columns.Append(residual).All(c => c.All(double.IsFinite)) ? new(columns, residual) : null;

        double[] Values()
        {
            problem.Form.Natural(at, problem.Data, natural);
            return problem.Form.Fitted(problem, natural);
        }
    }

    /// <summary>Points put together, each as its mean; a mean counts once.</summary>
    public Linear Means(int[][] sets)
    {
        return new([.. Columns.Select(Mean)], Mean(Residual));

        double[] Mean(double[] x) => [.. sets.Select(set => set.Average(i => x[i]))];
    }

    /// <summary>An orthonormal basis of the columns: Gram–Schmidt, twice; what others explain is left out.</summary>
    public static List<double[]> Basis(IEnumerable<double[]> columns)
    {
        List<double[]> basis = [];
        foreach (double[] column in columns)
        {
            double length = Math.Sqrt(Square(column));
            double[] left = Left(basis, Left(basis, column));
            double rest = Math.Sqrt(Square(left));
            if (rest > Negligible * length) basis.Add([.. left.Select(v => v / rest)]);
        }
        return basis;
    }

    /// <summary>x without what the basis explains.</summary>
    public static double[] Left(List<double[]> basis, double[] x)
    {
        double[] left = [.. x];
        foreach (double[] b in basis)
        {
            double along = 0;
            for (int i = 0; i < left.Length; i++) along += left[i] * b[i];
            for (int i = 0; i < left.Length; i++) left[i] -= along * b[i];
        }
        return left;
    }

    /// <summary>
    /// Standard deviation of a quantity of θ: σ·‖R⁻ᵀ∇‖ with J = QR and σ² = RSS/(n − p). NaN where nothing is left over or the
    /// points do not hold θ.
    /// </summary>
    public double SdOf(double[] gradient)
    {
        int left = Residual.Length - Columns.Length;
        if (left < 1) return double.NaN;
        Vector<double> z = Matrix<double>.Build.DenseOfColumnArrays(Columns).QR(QRMethod.Thin).R.Transpose()
            .Solve(Vector<double>.Build.DenseOfArray(gradient));
        double sd = Math.Sqrt(Square(Residual) / left) * z.L2Norm();
        return double.IsFinite(sd) ? sd : double.NaN;
    }

    /// <summary>
    /// Condition number of J with columns of length 1, the root of the information matrix's: how far parameters stand in for each
    /// other. Belsley, Kuh &amp; Welsch 1980, Regression Diagnostics.
    /// </summary>
    public double Condition() =>
        Matrix<double>.Build.DenseOfColumnArrays(Columns).NormalizeColumns(2).ConditionNumber();

    /// <summary>1 at some of n points, else 0.</summary>
    public static double[] Indicator(int n, int[] set)
    {
        double[] column = new double[n];
        foreach (int i in set) column[i] = 1;
        return column;
    }

    public static double Square(double[] x) => x.Sum(v => v * v);
}
