using MathNet.Numerics.LinearAlgebra;

namespace Isoflop.Lab.Laws;

/// <summary>
/// Plain linear regression from a data mixture to a loss, used for its order: which mixture is best on larger models.
/// RegMix, Liu et al. 2024, arXiv:2407.01492.
/// </summary>
sealed class MixtureRegression
{
    readonly Vector<double> weights;
    readonly double intercept;
    readonly double[] centre;

    MixtureRegression(Vector<double> weights, double intercept, double[] centre, double r2) =>
        (this.weights, this.intercept, this.centre, R2) = (weights, intercept, centre, r2);

    /// <summary>Share of the losses' variance that the fit explains, on its own points.</summary>
    public double R2 { get; }

    /// <summary>Least squares with an intercept; shares sum to 1, so of all solutions the shortest.</summary>
    /// <param name="mixtures">[run][domain]</param>
    public static MixtureRegression Fit(IReadOnlyList<double[]> mixtures, IReadOnlyList<double> losses)
    {
        int domains = mixtures[0].Length;
        if (mixtures.Count != losses.Count || mixtures.Count <= domains)
            throw new DataException(
                $"{mixtures.Count} mixtures and {losses.Count} losses for {domains} domains; more runs are needed");
        double[] centre = [.. Enumerable.Range(0, domains).Select(j => mixtures.Average(m => m[j]))];
        double mean = losses.Average();
        Matrix<double> x = Matrix<double>.Build.Dense(mixtures.Count, domains, (i, j) => mixtures[i][j] - centre[j]);
        Vector<double> y = Vector<double>.Build.Dense(losses.Count, i => losses[i] - mean);
        var svd = x.Svd();
        Vector<double> rotated = svd.U.TransposeThisAndMultiply(y), solution = Vector<double>.Build.Dense(domains);
        double least = svd.S.Maximum() * 1e-9;
        for (int k = 0; k < domains; k++)
            if (svd.S[k] > least) solution += svd.VT.Row(k) * (rotated[k] / svd.S[k]);
        double residual = (y - x * solution).PointwisePower(2).Sum(), total = y.PointwisePower(2).Sum();
        return new(solution, mean, centre, 1 - residual / total);
    }

    /// <summary>The loss of a mixture at the size that was fitted.</summary>
    public double Predict(double[] mixture)
    {
        double sum = intercept;
        for (int j = 0; j < mixture.Length; j++) sum += weights[j] * (mixture[j] - centre[j]);
        return sum;
    }

    /// <summary>Spearman's rank correlation; ties share their mean rank.</summary>
    public static double Spearman(IReadOnlyList<double> a, IReadOnlyList<double> b) =>
        MathNet.Numerics.Statistics.Correlation.Spearman(a, b);
}
