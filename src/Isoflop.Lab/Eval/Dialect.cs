namespace Isoflop.Lab.Eval;

/// <summary>What of the protocol an endpoint takes: models differ, and say so by a refusal that names the parameter.</summary>
/// <param name="MaxTokens">name of the limit: max_tokens or max_completion_tokens</param>
/// <param name="Temperature">a temperature may be sent</param>
/// <param name="System">there is a system's turn; else its text begins the user's</param>
/// <param name="Usage">a stream may be asked for what it used</param>
sealed record Dialect(string MaxTokens = Dialect.Old, bool Temperature = true, bool System = true, bool Usage = true)
{
    public const string Old = "max_tokens", New = "max_completion_tokens";

    /// <summary>Another way to ask that a refusal points to; null: none.</summary>
    /// <param name="sent">the body of the request that was refused</param>
    public Dialect? After(string refusal, ReadOnlySpan<byte> sent)
    {
        if (MaxTokens == Old && (Names(New) || (Names(Old) && Unsupported()))) return this with { MaxTokens = New };
        if (MaxTokens == New && Names(New) && Unsupported() && !Names($"use '{New}'")) return this with { MaxTokens = Old };
        if (Temperature && Names("temperature") && sent.IndexOf("\"temperature\""u8) >= 0)
            return this with { Temperature = false };
        if (Usage && (Names("stream_options") || Names("include_usage"))) return this with { Usage = false };
        bool asSystem = System && sent.IndexOf("\"system\""u8) >= 0;
        bool named = (Names("system") && (Names("role") || Names("message") || Names("instruction") || Names("prompt")
            || Unsupported())) || Names("developer instruction") || Names("roles must alternate")
            || Names("user and assistant roles");
        return asSystem && named ? this with { System = false } : null;

        bool Names(string what) => refusal.Contains(what, StringComparison.OrdinalIgnoreCase);

        bool Unsupported() => Names("support") || Names("unknown") || Names("unrecognized") || Names("unexpected")
            || Names("extra") || Names("not permitted") || Names("not allowed") || Names("invalid parameter")
            || Names("not compatible");
    }

    /// <summary>What was given up, for a reader.</summary>
    public IEnumerable<string> Since(Dialect first)
    {
        if (MaxTokens != first.MaxTokens) yield return $"asked by {MaxTokens}, as the endpoint refuses {first.MaxTokens}";
        if (Temperature != first.Temperature)
            yield return "asked without a temperature, as the endpoint refuses it: replies are drawn at its own";
        if (System != first.System) yield return "the instruction begins the user's turn, as the endpoint refuses a system's";
        if (Usage != first.Usage)
            yield return "streams are not asked for their usage, as the endpoint refuses it: cost may be missing";
    }

    /// <summary>Both ways of two requests that were refused side by side.</summary>
    public Dialect And(Dialect other) => new(MaxTokens == Old ? other.MaxTokens : MaxTokens, Temperature && other.Temperature,
        System && other.System, Usage && other.Usage);
}
