using Isoflop.Lab.Rl;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Frontiers;

/// <summary>Teaches, reinforces and questions the models of a study; what is done is found by its name.</summary>
sealed class FrontierRuns(FrontierRecipe recipe, Workspace here)
{
    /// <summary>Name of a taught model; those reinforced from it begin with it.</summary>
    public static string NameOf(FrontierRecipe recipe, int width, double teach, int seed) =>
        FormattableString.Invariant($"{recipe.Name}.d{width}.{teach:0.##e0}.s{seed}");

    /// <summary>Every cell of one model: its steps of reinforcement by its budgets of thought.</summary>
    /// <param name="steps">at which it is questioned; the last is how long it learns</param>
    public IReadOnlyList<FrontierCell> Of(int width, double teach, IReadOnlyList<int> steps, IReadOnlyList<int> budgets, int seed)
    {
        Workspace quiet = here with { Progress = null };
        string taught = NameOf(recipe, width, teach, seed);
        here.Report("frontier", 0, note: taught);
        TrainResult first = Teach.Run(new()
        {
            Name = taught,
            Tasks = [recipe.Task],
            Think = recipe.Think,
            Trace = recipe.Trace,
            Items = 100_000,
            Context = recipe.Context,
            Seed = (ulong)seed,
        }, new()
        {
            Flops = teach,
            Model = new() { DModel = width, NLayer = recipe.Layers, NHead = width / 16 },
            Train = new() { LearningRate = recipe.TeachRate, BatchTokens = recipe.Batch },
        }, quiet);
        here.Stop.ThrowIfCancellationRequested();
        string learnt = taught;
        if (steps[^1] > 0)
        {
            learnt = $"{taught}.rl{steps[^1]}";
            here.Report("frontier", 0, note: learnt);
            Reinforcement.Run(new()
            {
                Name = learnt,
                From = taught,
                Tasks = [recipe.Task],
                Seed = (ulong)seed,
                Steps = steps[^1],
                MaxNewTokens = recipe.MaxNewTokens,
                LearningRate = recipe.Rate,
                EvalEvery = 0,
                EvalItems = 32,
                EvalReplies = 4,
                SkipGate = true,
            }, quiet);
            here.Stop.ThrowIfCancellationRequested();
        }
        double teachFlops = first.Ledger.Spent.Flops;
        List<FrontierCell> cells = [];
        foreach (int step in steps)
        {
            string model = step == 0 ? taught : $"{learnt}@{step}";
            RunPoint point = RunStore.CheckpointOf(model, here);
            string folder = Path.Combine(here.RunFolder(point.Run), Checkpoint.NameOf(point.Step));
            here.Report("frontier", 0, note: model);
            double rl = Checkpoint.ReadState(folder).Ledger.Spent.Flops - teachFlops;
            ThinkReport report = ThinkCurve.Run(new()
            {
                Models = [model],
                Task = recipe.Task,
                Strategies = [recipe.Strategy],
                Budgets = (budgets[0], budgets[^1]),
                Items = recipe.Items,
                Choose = false,
            }, quiet);
            long parameters = new ParamTable(ModelFolder.LoadConfig(folder)).Parameters;
            cells.AddRange(report.Points.Where(p => budgets.Contains(p.Budget)).Select(p =>
                new FrontierCell(width, parameters, teachFlops,
                step, step == 0 ? 0 : rl, p.Budget, p.Flops, seed, (int)Math.Round(p.Accuracy.Value * p.Items), p.Items)));
        }
        return cells;
    }
}
