using System.Text.Json.Serialization;
using Isoflop.Lab.Replies;
using Isoflop.Tasks;

namespace Isoflop.Lab.Eval;

/// <summary>One line of rl-evals.jsonl: a level's held-out items under one form.</summary>
/// <param name="Step">steps done</param> <param name="Flops">as in <see cref="RlStep"/></param>
/// <param name="Greedy">share right, likeliest token each time</param>
/// <param name="PassAt1">share of sampled replies that are right, mean over items</param> <param name="Error">its standard
/// error, items drawn</param>
/// <param name="PassAtK">unbiased, k = the replies to each item</param> <param name="Chance">what it is read against</param>
/// <param name="Behaviour">counts a reply, means</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record RlEval([property: JsonRequired] int Step, double Flops, string Level, ReplyForm Form, int Items,
    int Replies, double Greedy, double PassAt1, double Error, double PassAtK, double Chance, double Length, double Truncated,
    double Thinking, BehaviourMeans Behaviour);

/// <summary>Means of <see cref="Behaviour"/> over replies.</summary>
public sealed record BehaviourMeans(double Attempts, double Checks, double StepsBack, double Goals, double Repeats,
    double Changes,
    double Slips, double FalseSolved)
{
    internal static BehaviourMeans Of(IReadOnlyList<Behaviour> all)
    {
        double Mean(Func<Behaviour, double> of) => all.Count == 0 ? 0 : all.Average(of);
        return new(Mean(b => b.Attempts), Mean(b => b.Checks), Mean(b => b.StepsBack), Mean(b => b.Goals), Mean(b => b.Repeats),
            Mean(b => b.Changes), Mean(b => b.Slips), Mean(b => b.FalseSolved ? 1 : 0));
    }
}
