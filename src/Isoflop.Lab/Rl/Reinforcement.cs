using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Runs;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>What a run of reinforcement learning came to.</summary>
/// <param name="Done">all steps; else it was stopped and the same command resumes it</param>
/// <param name="AlreadyDone">it was before this call</param>
public sealed record RlResult(string Path, string Name, bool Done, bool AlreadyDone, int Step, IReadOnlyList<RlStep> Steps,
    IReadOnlyList<RlEval> Evals, Ledger Ledger);

/// <summary>
/// Reinforcement learning on verifiable rewards: groups of replies to a prompt, each judged, the better made likelier. The same
/// recipe opens the same run: killed at any moment and called again, it ends with the same bits.
/// </summary>
/// <remarks>Shao et al. 2024, arXiv:2402.03300; Liu et al. 2025, arXiv:2503.20783; Yu et al. 2025, arXiv:2503.14476.</remarks>
public static class Reinforcement
{
    /// <summary>Trains, resumes, or says that it is done.</summary>
    /// <exception cref="ConfigException">A broken rule; a run of that name with another recipe; the model is not
    /// ready.</exception>
    /// <exception cref="DataException">A checkpoint that was altered; logits or gradients that are not finite.</exception>
    public static RlResult Run(RlRecipe recipe, Workspace here)
    {
        (RlRecipe whole, string source, RunRecord record) = Prepare(recipe, here);
        using RunFolder folder = RunFolder.Open(here, record, replaceUnstarted: true);
        List<int> saved = Checkpoint.StepsIn(folder.Path);
        TrainState? state = saved.Count == 0 ? null : Checkpoint.Verify(Path.Combine(folder.Path, Checkpoint.NameOf(saved[^1])));
        bool already = state?.Step == whole.Steps;
        if (!already)
        {
            using var loop = new RlLoop(whole, record.Model, source, folder, StartOf(source, whole), here);
            if (state is null) loop.Begin();
            else loop.Resume(state, "");
            loop.Run();
        }
        return ResultOf(record.Name, here) with { AlreadyDone = already };
    }

    /// <summary>What a run has come to so far.</summary>
    /// <exception cref="ConfigException">It is no run of reinforcement learning, or has no checkpoint yet.</exception>
    public static RlResult ResultOf(string run, Workspace here)
    {
        RlRecipe recipe = RecipeOf(run, here);
        string path = here.RunFolder(run);
        List<int> saved = Checkpoint.StepsIn(path);
        if (saved.Count == 0) throw new ConfigException($"{path} has no checkpoint yet");
        TrainState state = Checkpoint.ReadState(Path.Combine(path, Checkpoint.NameOf(saved[^1])));
        return new(path, run, state.Step == recipe.Steps, true, state.Step, RlRows.ReadSteps(path), RlRows.ReadEvals(path),
            state.Ledger);
    }

    /// <summary>
    /// Plays a step again: from the checkpoint before it, learning the steps between, to the same groups, tokens and
    /// log-probabilities as the first time. Nothing is written.
    /// </summary>
    /// <param name="step">1 to the steps done</param>
    /// <exception cref="ConfigException">No such run or step; it is being written.</exception>
    internal static Replayed Replay(string run, int step, Workspace here)
    {
        string path = here.RunFolder(run);
        RlRecipe recipe = RecipeOf(run, here);
        FolderLock.ThrowIfHeld(here.RunFolder(run));
        List<RlStep> rows = RlRows.ReadSteps(path);
        if (step < 1 || step > rows.Count)
            throw new ConfigException($"step={step}: {run} has done the steps 1 to {rows.Count}");
        int from = Checkpoint.StepsIn(path).Where(s => s < step).DefaultIfEmpty(-1).Max();
        if (from < 0) throw new ConfigException($"{path} has no checkpoint before step {step}");
        string scratch = Path.Combine(Path.GetTempPath(), $"isoflop-replay-{Guid.NewGuid():N}");
        Workspace copy = here with { Root = scratch, Progress = null };
        try
        {
            CopyTo(path, copy.RunFolder(run), from);
            (RlRecipe whole, string source, RunRecord record) = Prepare(recipe, here);
            using RunFolder folder = RunFolder.Open(copy, record);
            using var loop = new RlLoop(whole, record.Model, source, folder, StartOf(source, whole), copy);
            loop.Resume(Checkpoint.Verify(Path.Combine(folder.Path, Checkpoint.NameOf(from))), RlLoop.Replayed);
            List<Group> groups = [];
            RlStep row = rows[step - 1];
            for (int s = from; s < step; s++) row = loop.Again(s, out groups);
            return new([.. groups.SelectMany(g => Enumerable.Range(0, g.Replies.Length)
                .Select(r => RlLoop.Describe(step, g, r)))], row.DifferencesFrom(rows[step - 1]));
        }
        finally
        {
            if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
        }
    }

    static void CopyTo(string run, string copy, int step)
    {
        string name = Checkpoint.NameOf(step);
        Directory.CreateDirectory(Path.Combine(copy, name));
        foreach (string file in Directory.GetFiles(Path.Combine(run, name)))
            File.Copy(file, Path.Combine(copy, name, Path.GetFileName(file)));
        foreach (string rows in (string[])[RlRows.StepsFile, RlRows.EvalsFile])
            if (File.Exists(Path.Combine(run, rows))) File.Copy(Path.Combine(run, rows), Path.Combine(copy, rows));
    }

    /// <summary>The recipe of a run.</summary>
    /// <exception cref="ConfigException">It is no run of reinforcement learning.</exception>
    public static RlRecipe RecipeOf(string run, Workspace here) =>
        !Directory.Exists(here.RunFolder(run))
            ? throw new ConfigException($"no run '{run}' below {here.Runs}; see isoflop runs")
        : RunRecord.Load(here.RunFolder(run)).Recipe is { } json
            && SettingsJson.FromIdentity(JsonObject.Create(json)!, RlJson.Default.RlRecipe) is { Tasks.Count: > 0 } recipe
            ? recipe with { Name = run } : throw new ConfigException($"run '{run}' is no run of 'isoflop rl'");

    static (RlRecipe, string Source, RunRecord) Prepare(RlRecipe recipe, Workspace here)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        Plugins.Hold("the recipe", recipe.Plugins ?? []);
        if (recipe.Name.Length > 0 && Directory.Exists(here.RunFolder(recipe.Name))
            && RunRecord.Load(here.RunFolder(recipe.Name)).Recipe is not null)
            Plugins.Hold($"run '{recipe.Name}'", RecipeOf(recipe.Name, here).Plugins ?? []);
        var mix = new TaskMix(recipe.Tasks);
        IReward reward = recipe.Reward is { } own ? Rewards.Find(own) : Rewards.Default;
        recipe = recipe with { Plugins = Plugins.Of([.. mix.Levels.Select(l => l.Family), reward]) };
        if (Begun(recipe, here) is { } begun) return begun;
        RunPoint from = RunStore.CheckpointOf(recipe.From, here);
        recipe = recipe with { From = $"{from.Run}@{from.Step}" };
        string source = Path.Combine(here.RunFolder(from.Run), Checkpoint.NameOf(from.Step));
        RunRecord parent = RunRecord.Load(here.RunFolder(from.Run));
        ModelConfig shape = ModelFolder.LoadConfig(source);
        Fits(recipe, mix, shape, source);
        JsonElement json = SettingsJson.Identity(recipe with { Name = "", SkipGate = false },
            RlJson.Default.RlRecipe);
        string name = recipe.Name.Length > 0 ? recipe.Name
            : $"rl-{XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(json.GetRawText())) >> 32:x8}";
        var record = new RunRecord
        {
            Name = name,
            Created = here.Clock.GetUtcNow().UtcDateTime,
            CodeVersion = typeof(RunRecord).Assembly.GetName().Version?.ToString(3) ?? "",
            Config = Config.WithDefaults(parent.Config with
            {
                Name = name,
                Seed = recipe.Seed,
                From = recipe.From,
                FromMode = StartMode.Fork,
                Flops = null,
                Model = ModelSettings.Of(shape),
                Train = new()
                {
                    Steps = recipe.Steps,
                    LearningRate = recipe.LearningRate,
                    Clip = recipe.Clip,
                    WeightDecay = 0,
                    WarmupSteps = recipe.Warmup > 0 ? recipe.Warmup : null,
                    Decay = 0
                },
            }),
            Corpus = parent.Corpus,
            Parameters = parent.Parameters,
            NonEmbedding = parent.NonEmbedding,
            Machine = MachineOf(here),
            Recipe = json,
        };
        string[] named = [.. record.Config.Problems()];
        return named.Length == 0 ? (recipe, source, record) : throw new ConfigException(string.Join("; ", named));
    }

    /// <summary>
    /// A run that has its own copy of the first policy, step 0, goes on from that: the run it began with may be gone by now, or
    /// have newer checkpoints.
    /// </summary>
    static (RlRecipe, string, RunRecord)? Begun(RlRecipe recipe, Workspace here)
    {
        if (recipe.Name.Length == 0) return null;
        string path = here.RunFolder(recipe.Name), first = Path.Combine(path, Checkpoint.NameOf(0));
        if (!Directory.Exists(first)) return null;
        RlRecipe own = RecipeOf(recipe.Name, here);
        string named = RunPoint.TryParse(recipe.From, out _) ? own.From : own.From[..own.From.LastIndexOf('@')];
        JsonElement asked = SettingsJson.Identity(recipe with { From = own.From, Name = "", SkipGate = false },
            RlJson.Default.RlRecipe);
        RunRecord record = RunRecord.Load(path);
        return recipe.From == named && JsonElement.DeepEquals(asked, record.Recipe!.Value)
            ? (recipe with { From = own.From }, first, record) : null;
    }

    static MachineRecord MachineOf(Workspace here)
    {
        using Kernels.IDevice device = (here with { Threads = 1 }).OpenDevice();
        return RunRecord.MachineOf(device);
    }

    /// <summary>What the context has no room for is said before anything is trained.</summary>
    static void Fits(RlRecipe recipe, TaskMix mix, ModelConfig shape, string source)
    {
        var codec = new ReplyCodec(ModelFolder.LoadTokenizer(source));
        foreach (TaskLevel of in mix.Levels)
        {
            codec.Check(of.Family);
            int longest = Enumerable.Range(0, 32).Max(i =>
                codec.Prompt(of.Family.Make(Tasks.Split.Train, of.Level, i, recipe.Seed).Prompt,
                ReplyForm.Think).Length);
            if (longest + recipe.MaxNewTokens > shape.ContextLen + 1)
                throw new ConfigException($"{of.Tag}: prompts of up to {longest} tokens and " +
                    $"max_new_tokens={recipe.MaxNewTokens} " +
                    $"are more than the model's context of {shape.ContextLen}; lower max_new_tokens to " +
                    $"{Math.Max(1, shape.ContextLen + 1 - longest)}, or teach a model with a longer context");
        }
    }

    static TrainState StartOf(string source, RlRecipe recipe)
    {
        TrainState from = Checkpoint.Verify(source);
        return new()
        {
            Seed = recipe.Seed,
            Corpus = from.Corpus,
            TokenizerHash = from.TokenizerHash,
            EndOfText = from.EndOfText,
            Ledger = from.Ledger,
        };
    }
}
