using Isoflop.Lab.Charts;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Store;
using Isoflop.Tasks;

namespace Isoflop.Web.Home;

/// <summary>What the doctor says of a run.</summary>
sealed record DoctorLine(string Name, string Text);

/// <summary>One reply with what its thought does.</summary>
/// <param name="Tree">places that the thought came to, in order; empty: it is no search</param>
sealed record Trace(int Step, string Level, string Prompt, string Reply, bool Right, bool Ended, int Tokens, int Attempts,
    int Checks, int StepsBack, int Changes, IReadOnlyList<TreePlace> Tree);

/// <summary>A place of a search: a path of choices from its beginning.</summary>
/// <param name="Parent">index of the place before; −1: the beginning</param>
/// <param name="Outcome">of the last check there: failed, dead end, solved; empty: none</param>
sealed record TreePlace(int Parent, string Choice, string Outcome, int Visits);

/// <summary>A run that learns from rewards.</summary>
/// <param name="Charts">titles; each is a picture to be asked for by its index</param>
/// <param name="Signs">what the signs in replies mean</param>
sealed record ThinkingView(string Run, IReadOnlyList<string> Charts, IReadOnlyList<RlPoint> Steps,
    IReadOnlyList<DoctorLine> Doctor, IReadOnlyList<Trace> Traces, IReadOnlyDictionary<string, string> Signs, string Problem);

/// <summary>A step of reinforcement.</summary>
sealed record RlPoint(int Step, double Reward, double Length, double Thinking, double Truncated, double Entropy, double Flops);

/// <summary>What runs that learn to think show: charts, findings, replies.</summary>
sealed class Thoughts(Workspace here)
{
    const int MostTraces = 600, MostPlaces = 400;

    /// <summary>All of a run.</summary>
    public ThinkingView Of(string run)
    {
        string folder = here.RunFolder(run);
        RlRecipe recipe = Reinforcement.RecipeOf(run, here);
        List<RlStep> steps = RlRows.ReadSteps(folder);
        List<Lab.Eval.RlEval> evals = RlRows.ReadEvals(folder);
        List<ReplyRow> rows = RlRows.ReadReplies(folder);
        return new(run, [.. Charts(run).Select(c => c.Title)], [.. steps.Select(s => new RlPoint(s.Step, s.Reward, s.Length,
            s.Thinking, s.Truncated, s.Entropy, s.Flops))],
            [.. Doctor.Examine(steps, [.. evals.Where(e => e.Form == recipe.Form)]).Select(d => new DoctorLine(d.Name, d.Text))],
            [.. rows.Take(MostTraces).Select(TraceOf)],
            ReplySigns.In(rows.Select(r => r.Reply)).ToDictionary(s => s.Sign.ToString(), s => s.Means), "");
    }

    /// <summary>A picture of a run; null: none of that index.</summary>
    public string? Picture(string run, int index, bool narrow)
    {
        IReadOnlyList<Chart> charts = Charts(run);
        return index < 0 || index >= charts.Count ? null : narrow ? charts[index].Svg(390, 340) : charts[index].Svg(620, 420);
    }

    IReadOnlyList<Chart> Charts(string run)
    {
        try
        {
            return [.. RlCharts.PassAtOne([run], here).Where(c => c.IsEnough)];
        }
        catch (ConfigException)
        {
            return [];                                           // no evaluation yet
        }
    }

    static Trace TraceOf(ReplyRow row)
    {
        Reply? parsed = Reply.Parse(row.Reply);
        Behaviour did = parsed is { } reply ? Behaviour.Of(reply) : default;
        return new(row.Step, row.Level, row.Prompt, row.Reply, row.Reward > 0, row.Ended, row.Tokens.Count, did.Attempts,
            did.Checks, did.StepsBack, did.Changes,
            parsed is { Thinks: true } thought && did.Checks > 0 ? TreeOf(thought.Thought) : []);
    }

    /// <summary>The places of a thought, as <see cref="Behaviour"/> counts them.</summary>
    internal static IReadOnlyList<TreePlace> TreeOf(string thought)
    {
        List<TreePlace> places = [new(-1, "", "", 1)];
        Dictionary<(int, string), int> known = [];
        Stack<int> path = new([0]);
        int start = 0;
        for (int i = 0; i <= thought.Length && places.Count < MostPlaces; i++)
        {
            char c = i < thought.Length ? thought[i] : ' ';
            if (c != ' ' && !Marks.All.Contains(c)) continue;
            if (i > start && c is not (Marks.Goal or Marks.Said))
            {
                var step = (path.Peek(), thought[start..i]);
                if (known.TryGetValue(step, out int place))
                    places[place] = places[place] with { Visits = places[place].Visits + 1 };
                else
                {
                    known.Add(step, place = places.Count);
                    places.Add(new(step.Item1, step.Item2, "", 1));
                }
                path.Push(place);
            }
            start = i + 1;
            if (c is Marks.Failed or Marks.DeadEnd or Marks.Solved)
                places[path.Peek()] = places[path.Peek()] with
                {
                    Outcome = c == Marks.Solved ? "solved" : c == Marks.Failed ? "failed" : "dead end",
                };
            if (c is Marks.Failed or Marks.Said) path = new([0]);
            else if (c == Marks.Back && path.Count > 1) path.Pop();
        }
        return places;
    }
}
