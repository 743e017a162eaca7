using Isoflop.Data;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Text;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Rl;

/// <summary>A model taught a little parity, and reinforcement from there.</summary>
public sealed class TaughtHome : IDisposable
{
    public TaughtHome() => Isoflop.Lab.Teaching.Teach.Run(TeachRecipe.Load(null, ["name=taught", "tasks=parity:1", "think=0.5", "items=2000",
        "valid_items=50", "context=48"]), new()
        {
            Model = new() { DModel = 16, NLayer = 1, NHead = 2 },
            Train = new() { BatchTokens = 768, LearningRate = 0.01 },
        }, new(Path) { Threads = 1, PeakFlops = 1e11 });

    public string Path { get; } = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

    public static RlRecipe Recipe(string name, params string[] edits) => RlRecipe.Load(null, [$"name={name}", "from=taught", "tasks=parity:1",
        "steps=6", "prompts=4", "replies=4", "max_new_tokens=16", "eval_items=8", "eval_replies=4", "eval_every=3", "redraws=1",
        "skip_gate=true", "learning_rate=0.003", .. edits]);

    public RlResult Run(string name, params string[] edits) => Reinforcement.Run(Recipe(name, edits), new(Path) { Threads = 1 });

    public Workspace Until(int step, CancellationTokenSource stop) => new Workspace(Path) { Threads = 1, Stop = stop.Token }.Reporting(p =>
    {
        if (p.Detail is RlProgress { Last: { } row } && row.Step == step) stop.Cancel();
    });

    public byte[] Model(string name, int step) =>
        File.ReadAllBytes(System.IO.Path.Combine(new Workspace(Path).RunFolder(name), Checkpoint.NameOf(step), ModelFolder.ModelFile));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

public class RlRunTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    static object Bits(RlStep r) => (r.Step, r.Reward, r.Groups, r.Dropped, r.Length, r.Entropy, r.GradNorm, r.Flops, r.Clipped, r.Divergence);

    [Fact]
    public void Stopped_anywhere_and_with_other_threads_it_ends_with_the_same_bits()
    {
        RlResult whole = home.Run("whole");
        Assert.True(whole.Done);
        foreach (int at in (int[])[1, 4])
        {
            string name = $"stopped{at}";
            using var stop = new CancellationTokenSource();
            RlResult half = Reinforcement.Run(TaughtHome.Recipe(name), home.Until(at, stop) with { Threads = 2 });
            Assert.Equal((false, at), (half.Done, half.Step));
            RlResult rest = home.Run(name);
            Assert.Equal(whole.Steps.Select(Bits), rest.Steps.Select(Bits));
            Assert.Equal(whole.Evals.Select(e => (e.Step, e.Level, e.Form, e.PassAt1, e.Greedy)),
                rest.Evals.Select(e => (e.Step, e.Level, e.Form, e.PassAt1, e.Greedy)));
            Assert.Equal(home.Model("whole", 6), home.Model(name, 6));
        }
        Assert.True(home.Run("whole").AlreadyDone);
    }

    [Fact]
    public void Rows_after_the_last_checkpoint_are_done_again()
    {
        RlResult whole = home.Run("torn");
        string folder = new Workspace(home.Path).RunFolder("torn");
        Directory.Delete(Path.Combine(folder, Checkpoint.NameOf(6)), recursive: true);      // killed before it was saved
        File.AppendAllText(Path.Combine(folder, RlRows.StepsFile), "{\"step\":7,\"rew");
        Assert.NotEmpty(Checkpoint.StepsIn(folder));
        RlResult again = home.Run("torn");
        Assert.Equal(whole.Steps.Select(Bits), again.Steps.Select(Bits));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.01)]
    public void A_run_whose_start_was_deleted_goes_on_from_its_own_copy(double kl)
    {
        string name = FormattableString.Invariant($"orphan{kl}"), copy = FormattableString.Invariant($"taught-copy{kl}");
        string from = new Workspace(home.Path).RunFolder("taught"), to = new Workspace(home.Path).RunFolder(copy);
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        string[] edits = [$"from={copy}", FormattableString.Invariant($"kl={kl}")];
        RlResult whole = home.Run(name + "-whole", edits);
        using var stop = new CancellationTokenSource();
        Reinforcement.Run(TaughtHome.Recipe(name, edits), home.Until(2, stop));
        Directory.Delete(to, recursive: true);
        RlResult rest = home.Run(name, edits);
        Assert.Equal(whole.Steps.Select(Bits), rest.Steps.Select(Bits));
        Assert.Equal(home.Model(name + "-whole", 6), home.Model(name, 6));
        Assert.NotEmpty(Reinforcement.Replay(name, 3, new(home.Path) { Threads = 1 }).Rows);
        Assert.Contains("there is no run", Assert.Throws<ConfigException>(() => home.Run(name + "2", edits)).Message, StringComparison.Ordinal);
        Assert.Contains("was started with", Assert.Throws<ConfigException>(() => home.Run(name, ["from=taught", "steps=7"])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("grpo")]
    [InlineData("dapo")]
    [InlineData("gspo")]
    [InlineData("cispo")]
    [InlineData("rloo")]
    [InlineData("rejection")]
    public void Every_method_learns_with_several_updates_a_reference_and_prices(string method)
    {
        RlResult r = home.Run(method, $"method={method}", "updates=2", "kl=0.01", "overlong=4", "token_price=0.001", "steps=2", "eval_every=0");
        Assert.True(r.Done);
        Assert.All(r.Steps, s => Assert.True(s.GradNorm > 0 && s.Divergence >= 0));
        Assert.True(r.Steps[^1].Divergence > 0);                                    // it has moved away from the first policy
    }

    [Fact]
    public void A_form_is_examined_and_the_prompt_may_leave_less_room_than_asked()
    {
        RlResult r = home.Run("direct", "form=direct", "steps=1", "max_new_tokens=34");
        Assert.Equal([ReplyForm.Open, ReplyForm.Think, ReplyForm.Direct], r.Evals.Select(e => e.Form).Distinct());
        Assert.NotEmpty(RlRows.ReadReplies(new Workspace(home.Path).RunFolder("direct")));
    }

    [Fact]
    public void A_replayed_step_has_the_rewards_and_the_probabilities_of_the_first_time()
    {
        RlResult run = home.Run("played");
        foreach (int step in (int[])[1, 5])
        {
            (IReadOnlyList<ReplyRow> rows, IReadOnlyList<string> differences) =
                Reinforcement.Replay("played", step, new(home.Path) { Threads = 1 });
            Assert.Empty(differences);
            RlStep was = run.Steps[step - 1];
            Assert.Equal(["entropy 1 (there 2)", "grad_norm NaN (there 3)"], (was with { Entropy = 1, GradNorm = double.NaN })
                .DifferencesFrom(was with { Entropy = 2, GradNorm = 3 }));
            Assert.Equal(was.Groups * 4, rows.Count);
            Assert.Equal(was.Reward, rows.Average(r => r.Reward), 1e-12);
            double nats = 0;
            foreach (ReplyRow row in rows)
                foreach (float p in row.LogProbs) nats -= p;
            Assert.Equal(was.Entropy, nats / rows.Sum(r => r.Tokens.Count));        // the same sum in the same order
        }
        Assert.Throws<ConfigException>(() => Reinforcement.Replay("played", 7, new(home.Path)));
        Assert.Throws<ConfigException>(() => Reinforcement.Replay("taught", 1, new(home.Path)));
    }

    [Fact]
    public void Another_recipe_under_the_same_name_and_what_cannot_be_is_refused()
    {
        home.Run("named", "steps=1");
        Assert.Contains("prompts=4, now 3", Mistake("named", "steps=1", "prompts=3"), StringComparison.Ordinal);
        Assert.Contains("lower max_new_tokens to", Mistake("n", "max_new_tokens=60"), StringComparison.Ordinal);
        Assert.Contains("method='ppo' must be one of", Mistake("n", "method=ppo"), StringComparison.Ordinal);
        Assert.Contains("there is no run", Mistake("n", "from=nobody"), StringComparison.Ordinal);
        Assert.Contains("levels 1 to", Mistake("n", "tasks=parity:99"), StringComparison.Ordinal);
        Assert.Contains("not ready", Mistake("gated", "skip_gate=false"), StringComparison.Ordinal);
        Assert.True(home.Run("gated", "steps=1").Done);                              // as the message says, under the same name
        Assert.Contains("clip_high", Mistake("n", "ratio=cispo", "clip_high=0.3"), StringComparison.Ordinal);
        Assert.Contains("no setting 'stpes'", Assert.Throws<ConfigException>(() => RlRecipe.Load(null, ["stpes=3"])).Message,
            StringComparison.Ordinal);

        string Mistake(string name, params string[] edits) => Assert.Throws<ConfigException>(() => home.Run(name, edits)).Message;
    }

    [Fact]
    public void Teaching_charges_tuning_and_learns_from_the_replies_alone()
    {
        string run = new Workspace(home.Path).RunFolder("taught");
        Ledger ledger = Checkpoint.ReadState(Path.Combine(run, Checkpoint.NameOf(Checkpoint.StepsIn(run)[^1]))).Ledger;
        Assert.Equal(0, ledger.Train.Flops);
        Assert.True(ledger.Tune.Flops > 0);
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder("taught"));
        int[] tokens = new int[(int)corpus.Valid.Count];
        float[] weights = new float[tokens.Length];
        corpus.Valid.Read(0, tokens);
        corpus.ValidWeights!.Read(0, weights);
        string text = corpus.Tokenizer.Decode([.. tokens.Where((_, i) => weights[i] > 0 && tokens[i] != corpus.EndOfText)]);
        Assert.DoesNotContain(text.Split('<', '>'), part => part.Length > 8 + 1);       // no prompt: thoughts have 8 bits, and an answer
        ValidRow end = RunFolder.ReadValid(run)[^1];
        Assert.Equal(weights.Sum(w => (long)w), end.Tokens);
    }
}
