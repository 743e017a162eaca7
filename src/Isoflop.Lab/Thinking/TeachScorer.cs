using System.Text.Json;
using Isoflop.Kernels;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Teaching;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>Draws replies from a policy, makes a scorer's corpus of them, trains it, calibrates it on items that it has not
/// seen.</summary>
static class TeachScorer
{
    // Indexes of items that no demonstration and no step of reinforcement has.
    const long FirstItem = 1L << 43;

    /// <summary>Does all of it, or what is left of it: the corpus and the run are found by their name.</summary>
    /// <param name="settings">of the run, as the trainer takes them; its name, corpus, seed and source are the recipe's</param>
    /// <exception cref="ConfigException">A broken rule; all replies right, or all wrong.</exception>
    public static (TrainResult Trained, ScorerCard? Card) Run(ScorerRecipe recipe, RunConfig settings, Workspace here)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        RunPoint from = RunStore.CheckpointOf(recipe.From, here);
        recipe = recipe with { From = $"{from.Run}@{from.Step}" };
        string folder = Path.Combine(here.RunFolder(from.Run), Checkpoint.NameOf(from.Step));
        Tokenizer tokenizer = ModelFolder.LoadTokenizer(folder);
        foreach (string sign in (string[])[Scorer.Right, Scorer.Wrong])
            if (tokenizer.Encode(sign) is not { Count: 1 })
                throw new ConfigException($"{recipe.From}'s tokenizer lacks the two signs of a scorer; teach a model whose " +
                    $"tokenizer " +
                    "has all bytes");
        var mix = new TaskMix(recipe.Tasks);
        var drawn = new Lazy<Drawing>(() => new(recipe, mix, folder, here));
        JsonElement json = SettingsJson.Identity(recipe with { Passes = 1, Name = "" },
            ScorerJson.Default.ScorerRecipe);
        int context = ModelFolder.LoadConfig(folder).ContextLen;
        CorpusFacts facts = new MadeCorpus(recipe.Name, tokenizer, json, ["right", "wrong"],
            () => Rows(drawn.Value.Of(Split.Train, recipe.Items), tokenizer, context, recipe),
            () => Rows(drawn.Value.Of(Split.Valid, recipe.ValidItems), tokenizer, context, recipe))
            .Write(here, "drawn from a model");
        TrainResult trained = Trainer.Train(Teach.RunOf(settings, recipe.Name, recipe.Seed, context, from, facts.TrainTokens,
            recipe.Passes), here.Part(p => p with { Stage = "teach" }));
        string file = Path.Combine(trained.Path, ScorerCard.FileName);
        if (!trained.Done) return (trained, null);
        if (File.Exists(file)) return (trained, ScorerCard.Load(file));
        ScorerCard card = Calibrate(recipe, drawn.Value.Of(Split.Valid, recipe.ValidItems), drawn.Value.Sampled, here);
        WholeFile.Write(Path.Combine(trained.Path, "reliability.svg"), Reliability.Picture(card).Svg());
        card.Save(file);
        return (trained, card);
    }

    /// <summary>Replies of the policy, drawn when they are asked for; the same every time.</summary>
    sealed class Drawing(ScorerRecipe recipe, TaskMix mix, string folder, Workspace here)
    {
        readonly Dictionary<Split, List<Group>> known = [];

        public Spending Sampled { get; private set; }

        public List<Group> Of(Split split, int items)
        {
            if (known.TryGetValue(split, out List<Group>? groups)) return groups;
            using LanguageModel policy = LanguageModel.Open(here, folder);
            var codec = new ReplyCodec(policy.Tokenizer);
            foreach (TaskLevel level in mix.Levels) codec.Check(level.Family);
            var rollouts = new Rollouts(policy.Sampler(512), codec, recipe.Form);
            groups = rollouts.Draw([.. Enumerable.Range(0, items).Select(i =>
            {
                var rng = RandomUse.ScorerItem.Open(recipe.Seed, (long)split, i);
                TaskLevel of = mix.Pick(ref rng);
                return (of, of.Family.Make(split, of.Level, FirstItem + i, recipe.Seed));
            })], recipe.Replies, recipe.MaxNewTokens, new SamplingRule(1), recipe.Seed,
                RandomUse.ScorerReply.Index((long)split << 40), here.Clock, here.Stop);
            Sampled += rollouts.Sampled;
            double right = groups.Average(g => g.Rate);
            if (split == Split.Train && right is 0 or 1)
                throw new ConfigException($"{recipe.From}: its replies are {(right == 0 ? "all wrong" : "all right")}: there " +
                    $"is nothing " +
                    $"to tell apart; ask {(right == 0 ? "easier" : "harder")} levels");
            return known[split] = groups;
        }
    }

    /// <summary>Beginnings of a reply that are valued: some that end a step, and the whole.</summary>
    internal static IReadOnlyList<string> Beginnings(string reply, int cuts, ref Rng rng)
    {
        int say = reply.IndexOf(Reply.Say);
        string thought = say < 0 ? reply : reply[..say];
        bool marked = thought.IndexOfAny([.. Marks.All]) >= 0;
        // Behind the last mark too: a thought that has just said "solved" is what a search asks about most.
        List<int> ends = [.. Enumerable.Range(1, thought.Length).Where(i => i < reply.Length
            && (marked ? Marks.All.Contains(thought[i - 1]) : thought[i - 1] == ' '))];
        List<string> all = [];
        for (int c = 0; c < cuts && ends.Count > 0; c++)
        {
            int i = rng.NextInt(ends.Count);
            all.Add(reply[..ends[i]]);
            ends.RemoveAt(i);
        }
        all.Add(reply);
        return all;
    }

    static MadeSide Rows(List<Group> groups, Tokenizer tokenizer, int context, ScorerRecipe recipe)
    {
        var rows = new PackedRows(context, tokenizer.EndOfText);
        foreach ((int i, Group g) in groups.Index())
            for (int r = 0; r < g.Texts.Length; r++)
            {
                var rng = RandomUse.ScorerCut.Open(recipe.Seed, i, r);
                int right = g.Right[r] > 0 ? 0 : 1;
                foreach (string begun in Beginnings(g.Texts[r], recipe.Cuts, ref rng))
                {
                    int[] read = Scorer.RowOf(tokenizer, g.Item.Prompt, begun);
                    // What the context has no room for is left out here, and worth nothing later.
                    rows.Add([(read[1..], 0), ([.. tokenizer.Encode(right == 0 ? Scorer.Right : Scorer.Wrong)], 1), ([], 0)],
                        right, 1);
                }
            }
        return rows.Side();
    }

    static ScorerCard Calibrate(ScorerRecipe recipe, List<Group> groups, Spending sampled, Workspace here)
    {
        using var scorer = new Scorer(recipe.Name, here, null);
        List<(int Item, string Prompt, string Text, double Share, bool Right)> all = [];
        foreach ((int i, Group g) in groups.Index())
            for (int r = 0; r < g.Texts.Length; r++)
            {
                var rng = RandomUse.ScorerCut.Open(recipe.Seed, i, r);
                foreach (string begun in Beginnings(g.Texts[r], recipe.Cuts, ref rng))
                    all.Add((i, g.Item.Prompt, begun, begun.Length / (double)Math.Max(1, g.Texts[r].Length), g.Right[r] > 0));
            }
        (double Raw, Cost Cost)[] values = scorer.Values([.. all.Select(a => (a.Prompt, a.Text))]);
        var known = all.Zip(values, (a, v) => (a.Item, a.Share, v.Raw, a.Right)).ToList();
        (double slope, double offset) = Platt.Fit([.. known.Where(k => k.Item % 2 == 0).Select(k => (k.Raw, k.Right))]);
        var unseen = known.Where(k => k.Item % 2 == 1).ToList();
        return new(recipe.From, recipe.Tasks, slope, offset, sampled,
            Reliability.Of([.. unseen.Select(k => (k.Item, k.Raw, k.Right))]),
            Reliability.Of([.. unseen.Select(k => (k.Item, Platt.At(k.Raw, slope, offset), k.Right))]),
            [.. unseen.GroupBy(k => k.Share >= 1 ? 1 : Math.Floor(k.Share * 4) / 4 + 0.125).OrderBy(g => g.Key)
                .Select(g => new SharePoint(g.Key, g.Count(), Reliability.AreaOf([.. g.Select(k => (k.Raw, k.Right))])))]);
    }
}
