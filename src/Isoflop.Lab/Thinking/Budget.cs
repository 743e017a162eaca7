using System.Globalization;

namespace Isoflop.Lab.Thinking;

/// <summary>What thinking about a problem has cost.</summary>
/// <param name="Tokens">drawn, those of replies that were thrown away too</param>
/// <param name="Passed">that went through the model: prompts are read too</param>
/// <param name="Flops">of the matrix products; 0 at an endpoint, which does not tell</param>
/// <param name="Seconds">its share of the batches it was in, and its checks</param>
public readonly record struct Cost(long Tokens, long Passed, double Flops, double Seconds)
{
    /// <summary>Both together.</summary>
    public static Cost operator +(Cost a, Cost b) =>
        new(a.Tokens + b.Tokens, a.Passed + b.Passed, a.Flops + b.Flops, a.Seconds + b.Seconds);
}

/// <summary>What a budget counts.</summary>
public enum BudgetUnit
{
    /// <summary>Tokens drawn: never exceeded.</summary>
    Tokens,
    /// <summary>FLOPs, prompts included: never exceeded.</summary>
    Flops,
    /// <summary>Seconds: nothing is begun after them, what is under way ends.</summary>
    Seconds,
    /// <summary>
    /// Mean replies: so many whole replies, however long each; what is written piece by piece has their mean number of tokens.
    /// </summary>
    Replies,
}

/// <summary>How much may be spent on a problem.</summary>
/// <param name="Reply">mean tokens of a reply; 0: not known</param>
public readonly record struct Budget(double Amount, BudgetUnit Unit, double Reply = 0)
{
    /// <summary>Reads "512", "512tokens", "1e9flops" or "10s".</summary>
    /// <exception cref="ConfigException">It is none of these.</exception>
    public static Budget Parse(string text)
    {
        string number = text.TrimEnd([.. "abcdefghijklmnopqrstuvwxyz"]);
        BudgetUnit? unit = text[number.Length..] switch
        {
            "" or "tokens" => BudgetUnit.Tokens,
            "flops" => BudgetUnit.Flops,
            "s" => BudgetUnit.Seconds,
            _ => null,
        };
        return unit is { } known && double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double amount)
            && amount > 0 && double.IsFinite(amount) ? new(amount, known)
            : throw new ConfigException($"--budget {text} must be tokens, FLOPs or seconds above 0; try 512, 1e9flops or 10s");
    }

    /// <summary>"512 tokens".</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Amount:0.####} {Unit.ToString().ToLowerInvariant()}");
}
