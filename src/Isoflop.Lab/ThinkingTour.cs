using Isoflop.Lab.Report;
using Isoflop.Lab.Rl;
using Isoflop.Train;

namespace Isoflop.Lab;

/// <summary>What the tour found about thinking.</summary>
/// <param name="Name">of the run of reinforcement</param> <param name="Evals">its examinations, in order</param>
/// <param name="Replies">one item before it and after it</param>
/// <param name="Picture">the first o1 plot's file</param>
public sealed record ThinkingTour(string Name, IReadOnlyList<RlEval> Evals, IReadOnlyList<ReplyRow> Replies, Chart Chart,
    string Picture)
{
    const string Task = "parity:2", Taught = "tour-think", Learnt = "tour-think-rl";

    /// <summary>
    /// The second paradigm in half a minute: demonstrations of a serial task, few of which think first, then reinforcement, which finds
    /// out which of them pay.
    /// </summary>
    /// <param name="scale">multiplies the demonstrations and the steps</param>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static ThinkingTour Run(string home, double scale, Action<string, int, int>? tell, CancellationToken stop)
    {
        string suffix = scale == 1 ? "" : FormattableString.Invariant($"-x{scale:0.#####}"), run = Learnt + suffix;
        int items = (int)Math.Clamp(40_000 * scale, 500, 10_000_000), steps = (int)Math.Clamp(40 * scale, 2, 100_000);
        Teach.Run(TeachRecipe.Load(null, [$"name={Taught}{suffix}", $"tasks={Task}", "think=0.3", $"items={items}", "passes=2",
            "context=64"]), ["model.d_model=64", "model.n_layer=2", "model.n_head=4", "train.learning_rate=0.004",
            "train.batch_tokens=2048"], new TrainOptions
            {
                Home = home,
                Progress = p => tell?.Invoke(Taught + suffix, p.Step, p.Steps),
            }, stop: stop);
        stop.ThrowIfCancellationRequested();
        RlResult result = Reinforcement.Run(RlRecipe.Load(null, [$"name={run}", $"from={Taught}{suffix}", $"tasks={Task}",
            $"steps={steps}", "most_tokens=24", $"eval_every={Math.Max(1, steps / 8)}", "skip_gate=true"]), home,
            tell: p => tell?.Invoke(run, p.Step, p.Steps), stop: stop);
        stop.ThrowIfCancellationRequested();
        Chart chart = RlCharts.PassAtOne([run], home);
        string picture = Path.Combine(result.Path, "thinking.svg");
        File.WriteAllText(picture, Chart.Grid([chart, .. RlCharts.Habits([run], home)]));
        List<ReplyRow> rows = RlRows.ReadReplies(result.Path);
        string prompt = rows[0].Prompt;
        return new(run, result.Evals, [.. rows.Where(r => r.Prompt == prompt && (r.Step == 0 || r.Step == result.Step))], chart, picture);
    }
}
