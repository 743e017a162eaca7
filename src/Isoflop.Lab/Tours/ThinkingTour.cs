using System.Diagnostics;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Tours;

/// <summary>
/// The second paradigm: models of three sizes shown demonstrations of a serial task, of which some think first; reinforcement
/// of the largest, which finds out which of them pay; then more replies to a question, for each of its checkpoints.
/// </summary>
/// <param name="scale">multiplies the demonstrations and the steps</param>
sealed class ThinkingTour(Workspace here, double scale)
{
    public const string AtOnce = "Is the same compute for every word enough?",
        Learns = "Does reinforcement teach a model when to think?", Longer = "Does more time to think help?";

    const string Task = "parity:2", Taught = "tour-think", Learnt = "tour-think-rl", Searched = "countdown";
    const int Budget = 16, Items = 96, Replies = 4, MostTokens = 24;

    static readonly int[] widths = [16, 32, 64];

    readonly string suffix = scale == 1 ? "" : FormattableString.Invariant($"-x{scale:0.#####}");

    /// <summary>On the model that was reinforced, from its start; known once it was.</summary>
    public Ledger Spent { get; private set; } = new();

    /// <summary>Each part is worked out when it is asked for.</summary>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public IEnumerable<TourPart> Parts()
    {
        yield return ThoughtBySize();
        yield return Reinforced(out string run, out int[] asked);
        yield return Longest(run, asked);
    }

    string NameOf(int width) => Taught + (width == widths[^1] ? "" : $".d{width}") + suffix;

    TourPart ThoughtBySize()
    {
        foreach (int width in widths)
        {
            string name = NameOf(width);
            Teach.Run(new()
            {
                Name = name,
                Tasks = [Task],
                Think = 0.3,
                Items = (int)Math.Clamp(40_000 * scale, 500, 10_000_000),
                Passes = 2,
                Context = 64,
            }, new()
            {
                Model = new() { DModel = width, NLayer = 2, NHead = Math.Max(2, width / 16) },
                Train = new() { LearningRate = 0.004, BatchTokens = 2048 },
            }, here.Part(p => p with { Stage = "demonstrations", Note = name }));
            here.Stop.ThrowIfCancellationRequested();
        }
        IReadOnlyList<ExamRow> rows = PolicyExam.Of([.. widths.Select(NameOf)],
            new([Task], [ReplyForm.Direct, ReplyForm.Think], Items, Replies, MostTokens), here);
        RlEval Of(string run, ReplyForm form) => rows.First(r => r.Run == run && r.Answers.Form == form).Answers;
        var sizes = widths.Select(NameOf).Select(n =>
            (rows.First(r => r.Run == n).Parameters, Direct: Of(n, ReplyForm.Direct), Think: Of(n, ReplyForm.Think))).ToList();
        TaskFamily family = TaskFamilies.Find(Searched);
        TaskItem item = Enumerable.Range(0, 100).Select(i => family.Make(Split.Train, 1, i, 1))
            .First(i => family.Observe(i, Written(i, TraceForm.Monologue)).StepsBack > 0);
        string Written(TaskItem of, TraceForm form)
        {
            var rng = RandomUse.Thought.Open(1);
            return family.Demonstrate(of, form, ref rng);
        }
        return new(AtOnce, TourAnswers.Thought(sizes))
        {
            Charts =
            [
                new Chart("Answers at once, and after a thought", "parameters", "share of replies right, held-out items",
                [
                    Line("at once: System 1", sizes.Select(s => (s.Parameters, s.Direct))),
                    Line("thinks first: System 2", sizes.Select(s => (s.Parameters, s.Think))),
                    ChartSeries.AtY("chance", sizes[0].Direct.Chance),
                ]) { Subtitle = "areas: 95 % over items" }.AsShares(),
            ],
            Tables =
            [
                new($"A solution as texts hold it, after the fact, and the search behind it ({Searched}: {item.Prompt})",
                    ["form", "as it is written"], [["answer first", Written(item, TraceForm.AnswerFirst)],
                        ["monologue", Written(item, TraceForm.Monologue)]]),
                Checks(),
            ],
            Note = "Parity of 12 bits; demonstrations of which three in ten think first. The monologue above is written by the " +
                "program that makes the task, not by a model.",
        };

        static ChartSeries Line(string name, IEnumerable<(long N, RlEval Eval)> points) =>
            new(name, [.. points.Select(p => ((double)p.N, p.Eval.PassAt1))])
            {
                Range = [.. points.Select(p => (Math.Max(0, p.Eval.PassAt1 - 1.96 * p.Eval.Error),
                    Math.Min(1, p.Eval.PassAt1 + 1.96 * p.Eval.Error)))],
            };
    }

    /// <summary>Solving against checking, by the programs of the tasks whose answers can be checked without a key.</summary>
    static TourTable Checks()
    {
        const int Items = 20;
        var rows = TaskFamilies.All.Where(f => f.HasCheck && f.Group != "own").Select(f =>
        {
            TaskItem[] items = [.. Enumerable.Range(0, Items).Select(i => f.Make(Split.Train, f.Levels, i, 0))];
            string[] answers = [.. items.Select(f.Solve)];
            double Mean(Action<int> call)
            {
                call(0);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < Items; i++) call(i);
                return Stopwatch.GetElapsedTime(start).TotalMicroseconds / Items;
            }
            return (f.Name, Solve: Mean(i => f.Solve(items[i])), Check: Mean(i => f.Check(items[i], answers[i])));
        }).OrderByDescending(r => r.Solve / r.Check).ToList();
        return new("Solving against checking, one core, hardest level: where a check is cheap, a search can be trusted to it",
            ["task", "solve, µs", "check, µs", "solve : check"], [.. rows.Take(6).Append(rows[^1]).Select(r => (string[])
                [r.Name, I($"{r.Solve:0.0}"), I($"{r.Check:0.0}"), I($"{r.Solve / r.Check:0.0}")])]);
    }

    TourPart Reinforced(out string run, out int[] asked)
    {
        int steps = (int)Math.Clamp(40 * scale, 2, 100_000);
        string name = run = Learnt + suffix;
        RlResult result = Reinforcement.Run(new()
        {
            Name = name,
            From = NameOf(widths[^1]),
            Tasks = [Task],
            Steps = steps,
            MaxNewTokens = MostTokens,
            EvalEvery = Math.Max(1, steps / 8),
            SkipGate = true,
        }, here.Part(p => p with { Stage = "reinforcement", Note = name }));
        here.Stop.ThrowIfCancellationRequested();
        Spent = result.Ledger;
        asked = [.. new[] { 0, steps / 4, steps / 2, steps }.Distinct().Where(s => Checkpoint.StepsIn(result.Path).Contains(s))];
        RlEval[] open = [.. result.Evals.Where(e => e.Form == ReplyForm.Open)];
        List<ReplyRow> rows = RlRows.ReadReplies(result.Path);
        var items = rows.GroupBy(r => r.Prompt).Where(g => g.Any(r => r.Step == 0) && g.Any(r => r.Step == result.Step)).ToList();
        var changed = items.FirstOrDefault(g => g.Where(r => r.Step == 0).All(r => r.Reward <= 0)
            && g.Where(r => r.Step == result.Step).All(r => r.Reward > 0)) ?? items.FirstOrDefault();
        return new(Learns, TourAnswers.Learnt(open[0], open[^1]))
        {
            Charts = [.. RlCharts.PassAtOne([name], here), .. RlCharts.Habits([name], here)],
            Tables = changed is null ? [] : [new($"One item, {changed.Key}, before and after", ["step", "", "reply"],
                [.. changed.Where(r => r.Step == 0 || r.Step == result.Step).OrderBy(r => r.Step).Take(6).Select(r => (string[])
                    [I($"{r.Step}"), r.Reward > 0 ? "right" : "wrong", r.Reply])])],
            Note = "A thought stands between < and >, the answer after it. Only right answers are rewarded; nothing rewards " +
                "thinking.",
        };
    }

    TourPart Longest(string run, int[] asked)
    {
        List<ChartSeries> lines = [];
        IReadOnlyList<ThinkPoint>? first = null;
        foreach (int step in asked)
        {
            ThinkPoint[] points = [.. Curve($"{run}@{step}", ["majority"]).Points.OrderBy(p => p.Flops)];
            first ??= points;
            lines.Add(new($"{step}", [.. points.Select(p => (p.Flops, p.Accuracy.Value))])
            {
                Range = [.. points.Select(p => (Math.Max(0, p.Accuracy.Low), Math.Min(1, p.Accuracy.High)))],
            });
        }
        Chart frontier = new Chart("Training against thought", "FLOPs a question, at test time",
            "accuracy, held-out items", lines)
        {
            LegendTitle = "steps of reinforcement",
            Subtitle = $"majority of 1 to {Budget} replies; areas: 95 % over items",
        }.AsShares();
        Chart strategies = Curve($"{run}@{asked[0]}", []).Charts()[0];
        return new(Longer, TourAnswers.Longer(first![0].Accuracy, Budget, first[^1].Accuracy))
        {
            Charts = [frontier, strategies],
            Note = "Each line of the first picture is the same model after more reinforcement: what training buys once, " +
                "thought buys anew with every question. ‘isoflop frontier’ adds sizes and data, ‘isoflop spend’ divides a " +
                "budget.",
        };

        ThinkReport Curve(string model, IReadOnlyList<string> strategies) => ThinkCurve.Run(new()
        {
            Models = [model],
            Task = Task,
            Strategies = strategies,
            Budgets = (1, Budget),
            Items = Items,
            Choose = false,
        }, here.Part(p => p with { Stage = "thinking longer", Note = model }));
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
