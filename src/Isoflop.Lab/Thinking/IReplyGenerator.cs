using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>A continuation to draw.</summary>
/// <param name="From">what stands already</param> <param name="MaxNewTokens">of the continuation</param>
/// <param name="Step">ends after the first of <see cref="Problem.StepEnds"/> too</param>
/// <param name="Temperature">0: the likeliest token each time</param>
/// <param name="Number">of the problem's draws, from 0: with the problem's stream it names the random numbers</param>
public readonly record struct GenerationRequest(Problem Problem, PartialReply From, int MaxNewTokens, bool Step,
    float Temperature, int Number);

/// <summary>What was drawn, the beginning included, and what it cost.</summary>
public readonly record struct Generation(PartialReply Draft, Cost Cost);

/// <summary>What writes: a model here, one behind an endpoint, or a script.</summary>
public interface IReplyGenerator
{
    /// <summary>Any beginning can be continued, token by token, and FLOPs are known; else whole replies to messages.</summary>
    bool Continues { get; }

    /// <summary>Tokens that a continuation may have at most, whatever the budget.</summary>
    int Room(Problem problem, PartialReply from);

    /// <summary>Tokens that a continuation may have for so many FLOPs.</summary>
    int Within(Problem problem, PartialReply from, double flops);

    /// <summary>The first characters of a draft, and then a text; not ended.</summary>
    PartialReply Rewrite(PartialReply from, int length, string text);

    /// <summary>
    /// Draws all; in the order of the requests. What a request gives and costs, seconds apart, depends on nothing but itself.
    /// </summary>
    IReadOnlyList<Generation> Draw(IReadOnlyList<GenerationRequest> requests, CancellationToken stop);
}

/// <summary>
/// Remembers what was drawn, so that a larger budget's draws serve the smaller ones: a continuation cut shorter is the beginning
/// of the longer one. Results and costs are as without it.
/// </summary>
/// <param name="cut">the first tokens of a continuation and what they alone would have cost</param>
sealed class CachedGenerator(IReplyGenerator inner, Func<GenerationRequest, Generation, int, Generation> cut) : IReplyGenerator
{
    readonly Dictionary<(Problem, int, float, string), Generation> known = [];

    public bool Continues => inner.Continues;
    public int Room(Problem problem, PartialReply from) => inner.Room(problem, from);
    public int Within(Problem problem, PartialReply from, double flops) => inner.Within(problem, from, flops);
    public PartialReply Rewrite(PartialReply from, int length, string text) => inner.Rewrite(from, length, text);

    public IReadOnlyList<Generation> Draw(IReadOnlyList<GenerationRequest> requests, CancellationToken stop)
    {
        var drawn = new Generation[requests.Count];
        List<int> open = [];
        for (int i = 0; i < drawn.Length; i++)
        {
            GenerationRequest r = requests[i];
            if (r.Step || !known.TryGetValue(KeyOf(r), out Generation old)) open.Add(i);
            else if (old.Draft.DrawnTokens - r.From.DrawnTokens > r.MaxNewTokens) drawn[i] = cut(r, old, r.MaxNewTokens);
            else if (old.Draft.Ended || old.Draft.DrawnTokens - r.From.DrawnTokens == r.MaxNewTokens) drawn[i] = old;
            else open.Add(i);                                    // it was cut off shorter than is asked now
        }
        IReadOnlyList<Generation> fresh = open.Count == 0 ? [] : inner.Draw([.. open.Select(i => requests[i])], stop);
        for (int o = 0; o < open.Count; o++)
        {
            drawn[open[o]] = fresh[o];
            if (!requests[open[o]].Step) known[KeyOf(requests[open[o]])] = fresh[o];
        }
        return drawn;
    }

    static (Problem, int, float, string) KeyOf(GenerationRequest r) => (r.Problem, r.Number, r.Temperature, r.From.Text);
}
