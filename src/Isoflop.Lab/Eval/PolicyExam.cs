using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>What a model answers to one level's held-out items under one form, and what the model is.</summary>
/// <param name="Line">the run's name without size, budget and seed: runs of one line differ in these alone</param>
/// <param name="Flops">spent on the model from its start, pretraining and all it began with included</param>
sealed record ExamRow(string Run, string Line, long Parameters, double Flops, RlEval Answers);

/// <summary>What is asked of every model of an examination.</summary>
/// <param name="Tasks">levels, see <see cref="TaskMix"/></param>
/// <param name="Forms">as it chooses, made to think, made to answer at once</param>
/// <param name="Items">of each level, held out</param> <param name="Replies">drawn for each item</param>
/// <param name="MaxNewTokens">of a reply; the context may leave less</param>
sealed record ExamRecipe(IReadOnlyList<string> Tasks, IReadOnlyList<ReplyForm> Forms, int Items = 256, int Replies = 8,
    int MaxNewTokens = 256, ulong Seed = 1);

/// <summary>
/// Held-out items asked of taught models, with reinforcement or without: what reinforcement itself measures as it goes, for any
/// checkpoint, so that models of many sizes, trace forms and histories stand in one table.
/// </summary>
static partial class PolicyExam
{
    /// <summary>Rows of each run in the order given, its levels and forms.</summary>
    /// <param name="runs">RUN, its newest checkpoint, or RUN@STEP</param>
    /// <exception cref="ConfigException">A broken rule, no such run, a tokenizer that lacks a task's characters.</exception>
    public static IReadOnlyList<ExamRow> Of(IReadOnlyList<string> runs, ExamRecipe recipe, Workspace here)
    {
        if (recipe.Items is < 1 or > 100_000) throw new ConfigException($"items {recipe.Items} must be from 1 to 100000; try " +
            $"256");
        if (recipe.Replies is < 1 or > 4096) throw new ConfigException($"replies {recipe.Replies} must be from 1 to 4096; try 8");
        if (recipe.MaxNewTokens is < 2 or > 65_536)
            throw new ConfigException($"max_new_tokens {recipe.MaxNewTokens} must be from 2 to 65536; try 256");
        var mix = new TaskMix(recipe.Tasks);
        List<ExamRow> rows = [];
        foreach ((int i, string run) in runs.Index())
        {
            here.Report("exam", i, runs.Count, "models", run);
            rows.AddRange(Of(run, mix, recipe, here));
        }
        return rows;
    }

    static IEnumerable<ExamRow> Of(string run, TaskMix mix, ExamRecipe recipe, Workspace here)
    {
        RunPoint point = RunStore.CheckpointOf(run, here);
        string folder = Path.Combine(here.RunFolder(point.Run), Checkpoint.NameOf(point.Step));
        TrainState state = Checkpoint.ReadState(folder);
        using LanguageModel model = LanguageModel.Open(here, $"{point.Run}@{point.Step}");
        var codec = new ReplyCodec(model.Tokenizer);
        foreach (TaskLevel level in mix.Levels) codec.Check(level.Family);
        BatchSampler sampler = model.Sampler(512);
        var exam = new Exam(mix, Split.Test, recipe.Items, recipe.Replies, recipe.MaxNewTokens, recipe.Seed,
            form => new Rollouts(sampler, codec, form), here.Clock);
        Spending unused = default;
        string line = LineOf(point.Run);
        return [.. recipe.Forms.SelectMany(form =>
            exam.Take(state.Step, state.Ledger.Spent.Flops, form, out _, ref unused, here.Stop))
            .Select(e => new ExamRow(run, line, model.Parameters, state.Ledger.Spent.Flops, e))];
    }

    /// <summary>"w.3e11.d48.rl.s2" is of the line "w.rl".</summary>
    internal static string LineOf(string run) => SizeBudgetSeed().Replace(run, "");

    [GeneratedRegex(@"\.(s\d+|d\d+|(\d+\.)?\d+e\d+)(?=\.|@|$)")]
    private static partial Regex SizeBudgetSeed();

    /// <summary>A row a run, level and form.</summary>
    public static Table ToTable(IEnumerable<ExamRow> rows) => Table.Of(rows,
        ("run", r => r.Run), ("line", r => r.Line), ("parameters", r => r.Parameters), ("flops", r => r.Flops),
        ("level", r => r.Answers.Level), ("form", r => NameOf(r.Answers.Form)), ("items", r => r.Answers.Items),
        ("replies", r => r.Answers.Replies), ("greedy", r => r.Answers.Greedy), ("pass_at_1", r => r.Answers.PassAt1),
        ("error", r => r.Answers.Error), ("pass_at_k", r => r.Answers.PassAtK), ("chance", r => r.Answers.Chance),
        ("length", r => r.Answers.Length), ("truncated", r => r.Answers.Truncated), ("thinking", r => r.Answers.Thinking));

    static string NameOf(ReplyForm form) => JsonNamingPolicy.SnakeCaseLower.ConvertName(form.ToString());

    /// <summary>
    /// Accuracy against the parameters of the models, or against all that was spent on them: a picture a level, a line for each
    /// line of runs and form, an interval over its seeds.
    /// </summary>
    public static IReadOnlyList<Chart> Charts(IReadOnlyList<ExamRow> rows, bool byFlops)
    {
        IReadOnlyDictionary<string, string> lines = ChartNames.Of(rows.Select(r => r.Line));
        return Chart.OfShares(rows.GroupBy(r => r.Answers.Level).Select(level =>
        {
            bool oneForm = level.Select(r => r.Answers.Form).Distinct().Count() == 1;
            List<ChartSeries> series = [.. level.GroupBy(r => (r.Line, r.Answers.Form)).Select(line =>
            {
                // Seeds of one budget differ a little in what was spent, and not in size.
                var points = line.GroupBy(r => r.Run.Replace(SeedOf(r.Run), "", StringComparison.Ordinal))
                    .Select(g => (X: g.Average(r => byFlops ? r.Flops : r.Parameters),
                        Y: Estimate.OfMean([.. g.Select(r => r.Answers.PassAt1)]))).OrderBy(p => p.X).ToList();
                return new ChartSeries(oneForm ? lines[line.Key.Line] : $"{lines[line.Key.Line]}, {FormText(line.Key.Form)}",
                    [.. points.Select(p => (p.X, p.Y.Value))])
                {
                    Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null
                        : [.. points.Select(p => (p.Y.Low, p.Y.High))],
                };
            })];
            series.Add(ChartSeries.AtY("chance", level.First().Answers.Chance));
            return new Chart($"Accuracy of {ChartNames.Level(level.Key)} against {(byFlops ? "all that was spent" : "size")}",
                byFlops ? "FLOPs spent on the model, from pretraining on" : "parameters", "pass@1, held-out items", series)
            {
                Subtitle = "areas: 95 % over seeds",
            };
        }));
    }

    static string SeedOf(string run) => Regex.Match(run, @"\.s\d+(?=\.|@|$)").Value is { Length: > 0 } seed ? seed : "\0";

    static string FormText(ReplyForm form) => form switch
    {
        ReplyForm.Think => "made to think",
        ReplyForm.Direct => "at once",
        _ => "as it chooses",
    };
}
