namespace Isoflop.Lab.Thinking;

/// <summary>
/// A vote in which a reply weighs as much as the model was sure of it: the geometric mean of its tokens' probabilities, the
/// "normalised" weights of Wang et al. 2022, arXiv:2203.11171.
/// </summary>
sealed class Confidence : IStrategy
{
    public string Name => "confidence";
    public string Says => "a majority in which a reply weighs as much as the model was sure of its tokens";
    public Needs Needs => Needs.LogProbs;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        PartialReply[] replies = [.. (await session.Sample()).Where(r => r.Answer is not null)];
        if (replies.Any(r => double.IsNaN(r.LogProb)))
            throw new ConfigException("strategy 'confidence' weighs replies by their log-probabilities, and the endpoint gives " +
                "none; try majority");
        return Vote.Of(replies, [.. replies.Select(r => Math.Exp(r.LogProb / Math.Max(1, r.DrawnTokens)))]);
    }
}
