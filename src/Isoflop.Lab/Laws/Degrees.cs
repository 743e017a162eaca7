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
        if (Linear.Of(problem, theta) is not { } points) return Math.Max(1, groups.Length - p);
        List<double[]> basis = Linear.Basis(points.Columns);
        double between = groups.Sum(g => basis.Sum(q => Math.Pow(g.Sum(i => q[i]), 2)) / g.Length);
        return Math.Max(1, groups.Length - between);
    }
}
