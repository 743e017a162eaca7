namespace Isoflop.Lab.Thinking;

/// <summary>
/// What a search finds that draws answers blindly, never one twice where there are finitely many, and knows a right one when it
/// sees it: thinking is worth what it reaches beyond this with as many attempts.
/// </summary>
static class RandomSearch
{
    /// <summary>
    /// Probability that so many attempts hold a right answer: 1 − (1 − chance)^attempts; without repeats among M candidates, R =
    /// chance·M of them right, 1 − Π_{j&lt;attempts} (1 − R/(M − j)).
    /// </summary>
    public static double Finds(double chance, long? candidates, int attempts)
    {
        if (candidates is not { } m) return 1 - Math.Pow(1 - chance, attempts);
        double right = chance * m, none = 1;
        for (int j = 0; j < attempts && none > 0; j++) none *= m - j <= right ? 0 : 1 - right / (m - j);
        return 1 - none;
    }
}
