namespace Isoflop.Lab.Thinking;

/// <summary>
/// What a search finds that draws answers blindly, never one twice where there are finitely many, and stops at a right one,
/// which it
/// knows when it sees it: thinking is worth what it reaches beyond this with as many attempts.
/// </summary>
static class RandomSearch
{
    /// <summary>
    /// Share of questions that it solves with so many attempts a question in the mean. With a limit of K attempts it makes
    /// Σ_{k&lt;K} P(none right in k) of them and solves 1 − P(none right in K): with repeats chance × attempts (Wald),
    /// without, among M
    /// candidates with R = chance·M right, P(none in k) = Π_{j&lt;k} (1 − R/(M − j)). Limits between whole ones are mixed.
    /// </summary>
    /// <param name="attempts">mean; a thinker that stops at an answer makes few on easy questions, and so does this</param>
    public static double Finds(double chance, long? candidates, double attempts)
    {
        if (candidates is not { } m) return Math.Min(1, chance * attempts);
        double right = chance * m, none = 1, made = 0;
        for (int k = 0; none > 0; k++)
        {
            double next = m - k <= right ? 0 : none * (1 - right / (m - k));
            if (made + none >= attempts) return 1 - none + (attempts - made) / none * (none - next);
            (made, none) = (made + none, next);
        }
        return 1;
    }
}
