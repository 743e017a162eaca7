using System.Globalization;

namespace Isoflop.Lab.Eval;

/// <summary>How an endpoint is asked.</summary>
public sealed record ChatTargetOptions
{
    /// <summary>Model asked for; a reply by another is noted. Empty: the endpoint's own choice, and nothing is checked.</summary>
    public string Model { get; init; } = "";
    /// <summary>Name of the environment variable with the key; one that is not set sends none.</summary>
    public string KeyVariable { get; init; } = "OPENAI_API_KEY";
    /// <summary>Requests under way at once.</summary>
    public int Concurrency { get; init; } = 4;
    /// <summary>Most requests started in a minute, evenly spread; 0: any number.</summary>
    public double RequestsPerMinute { get; init; }
    /// <summary>Times that a request is made again after 408, 429, 5xx, a timeout or a broken connection.</summary>
    public int Retries { get; init; } = 5;
    /// <summary>Wait before the first retry; each doubles it, unless the endpoint says Retry-After.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>No longer wait: doubling stops here, and a longer Retry-After gives the item up.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(2);
    /// <summary>Of one request, to the end of its reply.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);
    /// <summary>Longest reply, tokens.</summary>
    public int MaxTokens { get; init; } = 256;
    /// <summary>Name of the limit: max_tokens, or max_completion_tokens. A refusal that names it tries the other.</summary>
    public string MaxTokensField { get; init; } = Dialect.Old;
    /// <summary>Instructions are a system's turn; else they begin the user's. A refusal tries the other.</summary>
    public bool SystemTurn { get; init; } = true;
    /// <summary>Null: not sent. A refusal that names it sends none either.</summary>
    public double? Temperature { get; init; } = 0;
    /// <summary>Take replies as streams.</summary>
    public bool Stream { get; init; }
    /// <summary>Stands before every generation item, for the system to say; empty: nothing.</summary>
    public string Instruction { get; init; } =
        "Continue the text. Write the continuation alone, without a word before or after it.";
    /// <summary>Of a million tokens in, in any currency.</summary>
    public double PriceIn { get; init; }
    /// <summary>Of a million tokens out.</summary>
    public double PriceOut { get; init; }

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    internal void Check()
    {
        if (Concurrency < 1) throw new ConfigException($"concurrency {Concurrency} must be at least 1");
        if (Retries < 0) throw new ConfigException($"retries {Retries} must not be negative");
        if (MaxTokens < 1) throw new ConfigException($"max_tokens {MaxTokens} must be at least 1");
        if (MaxTokensField is not (Dialect.Old or Dialect.New))
            throw new ConfigException($"max_tokens_field={MaxTokensField} must be {Dialect.Old} or {Dialect.New}");
        if (!(RequestsPerMinute == 0 || RequestsPerMinute is >= 0.001 and <= 1e9))
            throw new ConfigException(FormattableString.Invariant(
                $"requests_per_minute={RequestsPerMinute} must be from 0.001 to a billion, or 0: any number"));
        if (Timeout <= TimeSpan.Zero) throw new ConfigException($"timeout={Timeout} must be positive");
        if (Temperature is not (null or >= 0 and <= 100))
            throw new ConfigException(FormattableString.Invariant($"temperature={Temperature} must be from 0 to 100, or none"));
        foreach ((string name, double price) in (ReadOnlySpan<(string, double)>)[("price_in", PriceIn), ("price_out", PriceOut)])
            if (!(price >= 0 && double.IsFinite(price)))
                throw new ConfigException(FormattableString.Invariant($"{name}={price} must be a number that is not negative"));
    }
}

/// <summary>What asking has cost so far, and what went wrong.</summary>
/// <param name="Requests">sent, retries included</param>
/// <param name="Retries">requests sent again</param>
/// <param name="TokensIn">as the endpoint counted them; what it does not count is not here</param>
/// <param name="TokensOut">of replies</param>
/// <param name="Cost">tokens at the given prices</param>
/// <param name="Unanswered">items left out because no request of theirs succeeded</param>
/// <param name="Empty">replies without text</param>
/// <param name="ByOthers">replies by another model than the one asked for</param>
/// <param name="Others">names of those models</param>
/// <param name="LastFailure">why the last item was left out</param>
public sealed record ChatSpent(long Requests, long Retries, long TokensIn, long TokensOut, double Cost, int Unanswered, int Empty,
    int ByOthers, IReadOnlyList<string> Others, string? LastFailure)
{
    /// <summary>One line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Requests} requests, {Retries} of them retries; {TokensIn} tokens in, {TokensOut} out, cost {Cost:0.####}") +
        (Empty > 0 ? $"; {Empty} empty replies" : "") +
        (ByOthers > 0 ? $"; {ByOthers} replies by another model: {string.Join(", ", Others)}" : "") +
        (Unanswered > 0 ? $"; {Unanswered} items without an answer, left out: {LastFailure}" : "");
}
