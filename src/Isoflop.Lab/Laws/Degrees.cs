using MathNet.Numerics.LinearAlgebra;

namespace Isoflop.Lab.Laws;

/// <summary>
/// How much the clusters' common errors are shrunk by the fit. With J the Jacobian of the residuals, H = J(JᵀJ)⁻¹Jᵀ and B the
/// mean over each cluster, p_b = tr(BH) parameters are spent between G clusters, so G − p_b degrees of freedom are left. With
/// single runs as clusters that is n − p; with six trunks and a surface it is near 3, where n − p would promise 13.
/// </summary>
static class Degrees
{
    public static double OfFreedom(FitProblem problem, double[] theta, int[][] groups)
    {
        int n = problem.Data.Count, p = theta.Length;
        if (problem.Form is Allocation || n <= p) return Math.Max(1, groups.Length * Math.Max(1.0, n - p) / n);
        var jacobian = Matrix<double>.Build.Dense(n, p);
        double[] natural = new double[p], at = [.. theta];
        for (int j = 0; j < p; j++)
        {
            double h = 6e-6 * Math.Max(1, Math.Abs(theta[j]));
            at[j] = theta[j] + h;
            double[] up = Values();
            at[j] = theta[j] - h;
            double[] down = Values();
            at[j] = theta[j];
            for (int i = 0; i < n; i++)
                jacobian[i, j] = FitProblem.Residual(problem.Objective, up[i], down[i]) / (2 * h);
        }
        if (jacobian.Enumerate().Any(v => !double.IsFinite(v))) return Math.Max(1, groups.Length - p);
        Matrix<double> q = jacobian.QR(MathNet.Numerics.LinearAlgebra.Factorization.QRMethod.Thin).Q;
        double between = groups.Sum(g => Enumerable.Range(0, p).Sum(j => Math.Pow(g.Sum(i => q[i, j]), 2)) / g.Length);
        return Math.Max(1, groups.Length - between);

        double[] Values()
        {
            problem.Form.Natural(at, problem.Data, natural);
            return problem.Form.Fitted(problem, natural);
        }
    }
}
