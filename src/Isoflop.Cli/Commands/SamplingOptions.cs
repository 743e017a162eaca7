using System.CommandLine;
using Isoflop.Kernels;

namespace Isoflop.Cli.Commands;

/// <summary>What sample and chat share: how tokens are drawn.</summary>
sealed class SamplingOptions
{
    readonly Option<int> tokens;
    readonly Option<int> topK = new("--top-k") { Description = "Draw from the K most probable; 0: from all", HelpName = "K" };
    readonly Option<float> temperature = new("--temperature")
    {
        Description = "0 takes the most probable token",
        HelpName = "X",
        DefaultValueFactory = _ => 0.8f,
    };
    readonly Option<float> topP = new("--top-p")
    {
        Description = "Draw from the most probable that hold this mass",
        HelpName = "X",
        DefaultValueFactory = _ => 1,
    };
    readonly Option<ulong> seed = new("--seed")
    {
        Description = "Same seed, same text",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    /// <param name="tokens">of a reply where none are given</param>
    public SamplingOptions(int tokens) => this.tokens = new("--tokens")
    {
        Description = "Tokens of a reply at most",
        HelpName = "N",
        DefaultValueFactory = _ => tokens,
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[tokens, temperature, topK, topP, seed]) command.Add(option);
    }

    /// <exception cref="ConfigException">A rule that draws nothing.</exception>
    public SamplingRule Rule(Invocation call)
    {
        var rule = new SamplingRule(call.Parsed.GetValue(temperature), call.Parsed.GetValue(topK), call.Parsed.GetValue(topP));
        if (!(rule.Temperature >= 0))
            throw new ConfigException($"--temperature {rule.Temperature} must be 0 or more; try 0.8");
        if (rule.TopP is not (> 0 and <= 1))
            throw new ConfigException($"--top-p {rule.TopP} must be above 0 and at most 1; try 0.95");
        if (rule.TopK < 0) throw new ConfigException($"--top-k {rule.TopK} must be 0 or more; try 50");
        return rule;
    }

    /// <summary>Tokens of a reply at most.</summary>
    public int Tokens(Invocation call) => Positive(call.Parsed.GetValue(tokens), "--tokens");

    /// <summary>Names the random numbers.</summary>
    public ulong Seed(Invocation call) => call.Parsed.GetValue(seed);

    /// <exception cref="ConfigException">It is not.</exception>
    internal static int Positive(int value, string option) =>
        value > 0 ? value : throw new ConfigException($"{option} {value} must be positive; try 1");
}
