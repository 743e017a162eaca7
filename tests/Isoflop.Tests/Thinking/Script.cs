using System.Text;
using Isoflop.Lab.Thinking;
using Isoflop.Tasks;

namespace Isoflop.Tests.Thinking;

/// <summary>Writes what a function says, a token a character; a line break ends a reply.</summary>
sealed class Script(Func<GenerationRequest, string> says, int context = 400) : IReplyGenerator
{
    public List<GenerationRequest> Asked { get; } = [];
    public bool Continues => true;
    public int Room(Problem problem, PartialReply from) => context - problem.Prompt.Length - from.Tokens.Count;
    public int Within(Problem problem, PartialReply from, double flops) => (int)Math.Min(flops, Room(problem, from));

    public PartialReply Rewrite(PartialReply from, int length, string text) => Of(from.Text[..length] + text, false);

    static PartialReply Of(string text, bool ended) => new(text, [.. text.Select(c => (int)c)], ended);

    public IReadOnlyList<Generation> Draw(IReadOnlyList<GenerationRequest> requests, CancellationToken stop)
    {
        Asked.AddRange(requests);
        return [.. requests.Select(One)];
    }

    Generation One(GenerationRequest r)
    {
        var text = new StringBuilder(r.From.Text);
        int tokens = 0;
        bool ended = false;
        foreach (char c in says(r).Take(r.MaxNewTokens))
        {
            tokens++;
            ended = c == '\n';
            if (ended) break;
            text.Append(c);
            if (r.Step && r.Problem.StepEnds.Contains(c)) break;
        }
        return new(Of(text.ToString(), ended) with { DrawnTokens = r.From.DrawnTokens + tokens }, new(tokens, tokens, tokens, 0));
    }
}

/// <summary>Three letters to find; to ask for its judgement by key is a failure of the test.</summary>
sealed class Planted(string solution, string symbols = "abc ?~!|") : TaskFamily
{
    public override string Name => "planted";
    public override string Group => "search";
    public override string Summary => "three letters";
    public override int Levels => 1;
    public override bool HasCheck => true;
    public override double Chance(int level) => 1.0 / 27;
    protected override string Symbols => symbols;
    protected override Isoflop.Tasks.Draft? Draw(int level, ref Rng rng) => new($"q{rng.NextInt(1 << 20)}", "the key");
    public override string Solve(TaskItem item) => throw new InvalidOperationException("solved at test time");
    protected override bool IsRight(TaskItem item, string answer) => throw new InvalidOperationException("judged by key at test time");
    protected override bool Fulfils(string prompt, string answer) => answer == solution;
    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => throw new InvalidOperationException();

    public Problem Ask(int index = 0) => Problem.Of(this, Make(Split.Test, 1, index, 1), index);
}

/// <summary>The share of a text that is the letter b.</summary>
sealed class CountB : IScorer
{
    public IReadOnlyList<(double Value, Cost Cost)> Score(IReadOnlyList<(Problem Problem, PartialReply Draft)> drafts) =>
        [.. drafts.Select(d => ((1.0 + d.Draft.Text.Count(c => c == 'b')) / (2 + d.Draft.Text.Length), new Cost(0, 1, 10, 0)))];
}
