using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>Laws as their authors printed them. They come without joint intervals.</summary>
static class Published
{
    /// <summary>FLOPs of a petaflop/s-day.</summary>
    public const double PetaflopDay = 8.64e19;

    /// <summary>
    /// Hoffmann et al. 2022, arXiv:2203.15556, approach 3, from the unrounded logarithms of its source: a = 6.0073404,
    /// b = 6.0179186, e = .5267228. All parameters count.
    /// </summary>
    public static Law Hoffmann { get; } = Surface("Hoffmann et al. 2022, approach 3",
        Math.Exp(6.0073404), Math.Exp(6.0179186), Math.Exp(0.5267228), 0.33917084, 0.2849083);

    /// <summary>Besiroglu et al. 2024, arXiv:2404.10102: the same points fitted again. All parameters count.</summary>
    public static Law Besiroglu { get; } = Surface("Besiroglu et al. 2024", 482.01, 2085.43, 1.8172, 0.3478, 0.3658);

    /// <summary>
    /// Kaplan et al. 2020, arXiv:2001.08361, appendix A, C in PF-days of the most efficient batch: N* = 1.3e9·C^.73 without
    /// embeddings, D* = 2e10·C^.27 tokens, L = (3.1e8/C)^.050.
    /// </summary>
    /// <remarks>
    /// Their D* is that of the critical batch, 2.0e6·C^.24 tokens, where training takes twice the least steps, 5.4e3·C^.03, and
    /// so twice the tokens and twice the compute: 2·2.0e6·5.4e3 = 2.2e10, and 6·1.3e9·2e10 = 1.8 PF-days. C/(6N*) =
    /// 1.1e10·C^.27 is the small batch's.
    /// </remarks>
    public static Law Kaplan { get; } = Of(LawForms.Envelope, "Kaplan et al. 2020", "parameters without embeddings",
        [1.3e9, 0.73, 2e10, 0.27, Math.Pow(3.1e8, 0.05), 0.05, PetaflopDay]);

    /// <summary>Kaplan's L(N, D): table 2, αN = .076, αD = .103, Nc = 6.4e13, Dc = 1.8e13, without embeddings.</summary>
    public static Law KaplanSurface { get; } = Of(LawForms.Kaplan, "Kaplan et al. 2020, L(N, D)", "parameters without embeddings",
        [6.4e13, 1.8e13, 0.076, 0.103]);

    /// <summary>
    /// Muennighoff et al. 2023, arXiv:2305.16264: α = β = .3526596, R_D = 15.387756, R_N = 5.309743; logarithms 6.255414,
    /// 7.3049974, .6254804.
    /// </summary>
    public static Law Muennighoff { get; } = Of(LawForms.RepeatedData, "Muennighoff et al. 2023", "all parameters",
        [Math.Exp(6.255414), Math.Exp(7.3049974), Math.Exp(0.6254804), 0.3526596, 15.387756, 5.309743]);

    static Law Surface(string source, double a, double b, double e, double alpha, double beta) =>
        Of(LawForms.Chinchilla, source, "all parameters", [a, b, e, alpha, beta]);

    static Law Of(LawForm form, string source, string n, double[] values)
    {
        return new()
        {
            Form = form,
            Formula = form.Formula,
            Source = source,
            NMeaning = n,
            Objective = form.Default,
            Parameters = [.. form.Names.Select((name, i) => new LawParameter(name, Estimate.Of(values[i])))],
            Status = "published",
            MinFlops = 1e18,
            MaxFlops = 1e22,                       // the largest runs of these studies, to the order of magnitude
            MinX = 1e18,
            MaxX = 1e22,
            Verdict = new(VerdictKind.KeepsImproving, $"as published: {source}", new(double.NaN, double.NaN, double.NaN, "")),
        };
    }
}
