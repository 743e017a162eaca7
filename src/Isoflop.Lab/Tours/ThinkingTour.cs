using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Tours;

/// <summary>What the tour found about thinking.</summary>
/// <param name="Name">of the run of reinforcement</param> <param name="Evals">its examinations, in order</param>
/// <param name="Replies">one item before it and after it</param>
/// <param name="Training">the first o1 plot</param> <param name="Longer">the second: more replies to a question</param>
/// <param name="Frontier">the second for each amount of the first</param> <param name="Habits">of the replies, over the
/// steps</param>
/// <param name="Spent">on the model from its start</param>
sealed record ThinkingTour(string Name, IReadOnlyList<RlEval> Evals, IReadOnlyList<ReplyRow> Replies, Chart Training,
    IReadOnlyList<Chart> Habits, Chart Longer, Chart Frontier, Ledger Spent, string Picture)
{
    const int Budget = 16, Items = 96;

    const string Task = "parity:2", Taught = "tour-think", Learnt = "tour-think-rl";

    /// <summary>
    /// The second paradigm in a minute: demonstrations of a serial task, few of which think first; reinforcement, which finds
    /// out which
    /// of them pay; then more thought for the same model, and for each of its checkpoints.
    /// </summary>
    /// <param name="scale">multiplies the demonstrations and the steps</param>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static ThinkingTour Run(Workspace here, double scale)
    {
        string suffix = scale == 1 ? "" : FormattableString.Invariant($"-x{scale:0.#####}"), run = Learnt + suffix;
        int items = (int)Math.Clamp(40_000 * scale, 500, 10_000_000), steps = (int)Math.Clamp(40 * scale, 2, 100_000);
        Teach.Run(new() { Name = Taught + suffix, Tasks = [Task], Think = 0.3, Items = items, Passes = 2, Context = 64 }, new()
        {
            Model = new() { DModel = 64, NLayer = 2, NHead = 4 },
            Train = new() { LearningRate = 0.004, BatchTokens = 2048 },
        }, here.Part(p => p with { Stage = "thinking", Note = Taught + suffix }));
        here.Stop.ThrowIfCancellationRequested();
        RlResult result = Reinforcement.Run(new()
        {
            Name = run,
            From = Taught + suffix,
            Tasks = [Task],
            Steps = steps,
            MaxNewTokens = 24,
            EvalEvery = Math.Max(1, steps / 8),
            SkipGate = true,
        }, here.Part(p => p with { Stage = "thinking", Note = run }));
        here.Stop.ThrowIfCancellationRequested();
        Chart training = RlCharts.PassAtOne([run], here);
        IReadOnlyList<Chart> habits = RlCharts.Habits([run], here);
        int[] asked = [.. new[] { 0, steps / 4, steps / 2, steps }.Distinct().Where(s =>
            Checkpoint.StepsIn(result.Path).Contains(s))];
        List<ChartSeries> lines = [];
        foreach ((int i, int step) in asked.Index())
        {
            here.Report("thinking", i, asked.Length, "steps", $"{run}@{step}");
            ThinkPoint[] points = [.. Curve($"{run}@{step}", ["majority"]).Points.OrderBy(p => p.Flops)];
            lines.Add(new($"{step}", [.. points.Select(p => (p.Flops, p.Accuracy.Value))])
            {
                Range = [.. points.Select(p => (p.Accuracy.Low, p.Accuracy.High))],
            });
        }
        Chart frontier = new("Training against thought", "FLOPs a question, at test time", "accuracy, held-out items", lines)
        {
            YLimits = (0, 1.02),
            LegendTitle = "steps of reinforcement",
            Subtitle = $"majority of 1 to {Budget} replies; areas: 95 % over items",
        };
        Chart longer = Curve($"{run}@{asked[0]}", []).Charts()[0];
        string picture = Path.Combine(result.Path, "thinking.svg");
        WholeFile.Write(picture, Chart.Grid([training, .. habits, longer, frontier]));
        List<ReplyRow> rows = RlRows.ReadReplies(result.Path);
        string prompt = rows[0].Prompt;
        return new(run, result.Evals, [.. rows.Where(r => r.Prompt == prompt && (r.Step == 0 || r.Step == result.Step))],
            training, habits,
            longer, frontier, result.Ledger, picture);

        ThinkReport Curve(string model, IReadOnlyList<string> strategies) => ThinkCurve.Run(new()
        {
            Models = [model],
            Task = Task,
            Strategies = strategies,
            Budgets = (1, Budget),
            Items = Items,
            Choose = false,
        }, here with { Progress = null });
    }
}
