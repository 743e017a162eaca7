using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>What is measured.</summary>
sealed record ThinkCurveOptions
{
    /// <summary>RUN, RUN@STEP or model folders; names that differ in a last ".s2" alone are seeds of one model.</summary>
    public required IReadOnlyList<string> Models { get; init; }
    /// <summary>"sudoku4:1..3".</summary>
    public required string Task { get; init; }
    /// <summary>Names; none: all that the task and the model allow.</summary>
    public IReadOnlyList<string> Strategies { get; init; } = [];
    /// <summary>Smallest and largest budget, mean replies; powers of two.</summary>
    public (int From, int To) Budgets { get; init; } = (1, 64);
    /// <summary>Held-out items a level, of each split.</summary>
    public int Items { get; init; } = 128;
    /// <summary>Learn which strategy is best where on other items than are reported; twice the work.</summary>
    public bool Choose { get; init; } = true;
    /// <summary>Names items and draws.</summary>
    public ulong Seed { get; init; } = 1;
    /// <summary>What replies begin with.</summary>
    public ReplyForm Form { get; init; }
    /// <summary>A scorer for a model; null: none.</summary>
    public Func<LanguageModel, IScorer>? Scorer { get; init; }
    /// <summary>Names it: rows of another one are not its own.</summary>
    public string ScorerName { get; init; } = "";

    /// <summary>Reads "1..256" or "16".</summary>
    /// <exception cref="ConfigException">It is neither.</exception>
    public static (int From, int To) ReadBudgets(string text)
    {
        string[] ends = text.Split("..");
        return ends.Length <= 2 && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int from)
            && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int to) ? (from, to)
            : throw new ConfigException($"budgets={text} must be FROM..TO, powers of two in mean replies; try 1..256");
    }

    internal void Check()
    {
        if (Items is < 2 or > 100_000) throw new ConfigException($"items={Items} must be from 2 to 100000; try 128");
        foreach (int b in (int[])[Budgets.From, Budgets.To])
            if (b is < 1 or > 4096 || !int.IsPow2(b))
                throw new ConfigException($"budgets={Budgets.From}..{Budgets.To}: {b} must be a power of two from 1 to 4096, " +
                    "in mean replies; try 1..256");
        if (Budgets.From > Budgets.To)
            throw new ConfigException($"budgets={Budgets.From}..{Budgets.To} must rise; try 1..256");
    }

    internal IReadOnlyList<int> AllBudgets =>
        [.. Enumerable.Range(0, 13).Select(i => 1 << i).Where(b => b >= Budgets.From && b <= Budgets.To)];
}

/// <summary>
/// The second o1 plot: accuracy against test-time compute, strategy by strategy, difficulty by difficulty, beside ideal random
/// search. Rows are kept below home/thinks, so that the same call goes on after a kill and asks nothing twice.
/// </summary>
static class ThinkCurve
{
    // The mean reply is measured on so many items, so many replies each.
    const int MeanItems = 64, MeanReplies = 4;

    /// <summary>Measures what is missing and reports on all.</summary>
    /// <exception cref="ConfigException">An option that cannot be; a strategy that the task or the model does not
    /// allow.</exception>
    public static ThinkReport Run(ThinkCurveOptions options, Workspace here)
    {
        options.Check();
        var mix = new TaskMix([options.Task]);
        IReadOnlyList<IStrategy> strategies = options.Strategies.Count == 0 ? Strategies.All
            : [.. options.Strategies.Select(Strategies.Find).Distinct()];
        List<(string Model, TaskLevel Of, IReadOnlyList<ThinkRow> Rows)> all = [];
        List<string> refused = [], files = [];
        double share = options.Models.Count * mix.Levels.Count, done = 0;
        foreach (string name in options.Models)
        {
            using LanguageModel model = LanguageModel.Open(here, name);
            ChatFormat.NoteOf(model, here);
            var codec = new ReplyCodec(model.Tokenizer);
            string hash = new LocalTarget(model).Hash;
            using var rows = new ThinkRows(FolderOf(options, here, name, hash, ""), here.Fence is not null);
            // What a scorer guides is another's with another scorer.
            using ThinkRows? guided = options.Scorer is null ? null
                : new(FolderOf(options, here, name, hash, options.ScorerName), here.Fence is not null);
            files.Add(rows.Path);
            if (guided is not null) files.Add(guided.Path);
            foreach (TaskLevel of in mix.Levels)
            {
                codec.Check(of.Family);
                var level = new Level(options, of, model, strategies, rows, guided, refused);
                level.Measure(here.Part(p => new("think", done + p.Done, share, "", $"{name} {of.Tag} {p.Note}")));
                all.Add((name, of, level.Rows()));
                done++;
            }
        }
        here.Report("think", share, share);
        return new ThinkReport(options, all, [.. refused.Distinct()], files);
    }

    /// <summary>home/thinks/MODEL-HASH; what results depend on names the folder.</summary>
    static string FolderOf(ThinkCurveOptions options, Workspace here, string model, string hash, string scorer)
    {
        ulong key = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(
            $"2\n{hash}\n{options.Seed}\n{options.Form}" + (scorer.Length > 0 ? $"\n{scorer}" : "")));
        string name = Regex.Replace(Path.GetFileName(model.TrimEnd('/')), "[^A-Za-z0-9.@-]", "_");
        return Path.Combine(here.Searches, $"{name}-{key >> 32:x8}");
    }

    /// <summary>One model on one level.</summary>
    sealed class Level(ThinkCurveOptions options, TaskLevel of, LanguageModel model, IReadOnlyList<IStrategy> strategies,
        ThinkRows plain, ThinkRows? guided, List<string> refused)
    {
        readonly IScorer? scorer = options.Scorer?.Invoke(model);
        readonly List<(Split, string Strategy, int Budget, int Items)> cells = [];

        public void Measure(Workspace here)
        {
            var local = new LocalGenerator(model, options.Seed);
            Questions valid = QuestionsOf(Split.Valid, Math.Max(options.Choose ? options.Items : 0, MeanItems));
            var usual = new CachedGenerator(local, local.Shortened);
            here.Report("think", 0, note: "mean reply");
            Cell(valid, Split.Valid, new Majority(), MeanReplies, MeanItems, 0, usual, here.Stop);
            var first = plain.Of(of.Tag, Split.Valid, "majority", MeanReplies);
            double mean = Enumerable.Range(0, MeanItems).Average(i => (double)first[i].Tokens / first[i].Replies);

            List<IStrategy> allowed = [];
            foreach (IStrategy s in strategies)
                if (Strategies.Refusal(s, valid.Problems[0], local, scorer) is not { } refusal) allowed.Add(s);
                else if (options.Strategies.Count > 0) throw new ConfigException(refusal);
                else refused.Add(refusal);
            Split[] splits = options.Choose ? [Split.Test, Split.Valid] : [Split.Test];
            double total = splits.Length * allowed.Count * options.AllBudgets.Sum(), done = 0;
            foreach (Split split in splits)
            {
                Questions questions = split == Split.Valid ? valid : QuestionsOf(split, options.Items);
                var generator = new CachedGenerator(local, local.Shortened);
                // The largest budget first: its draws serve the smaller ones.
                foreach (int budget in options.AllBudgets.Reverse())
                    foreach (IStrategy s in allowed)
                    {
                        int b = s is Greedy ? 1 : budget;
                        if (s is not Greedy || budget == options.Budgets.From)
                            Cell(questions, split, s, b, options.Items, mean, generator, here.Stop);
                        here.Report("think", (done += budget) / total, note: $"{split} {s.Name} {budget}");
                    }
            }
        }

        ThinkRows RowsOf(string strategy) => Strategies.Find(strategy).Needs.HasFlag(Needs.Scorer) && guided is not null ? guided
            : plain;

        Questions QuestionsOf(Split split, int items) => new(of, split, 0, items, options.Seed, options.Form);

        void Cell(Questions questions, Split split, IStrategy strategy, int budget, int items, double mean,
            IReplyGenerator generator,
            CancellationToken stop)
        {
            cells.Add((split, strategy.Name, budget, items));
            ThinkRows kept = RowsOf(strategy.Name);
            IReadOnlyDictionary<int, ThinkRow> known = kept.Of(of.Tag, split, strategy.Name, budget);
            int[] open = [.. Enumerable.Range(0, items).Where(i => !known.ContainsKey(i))];
            if (open.Length == 0) return;
            IReadOnlyList<Thought> thoughts = new Thinker(generator, scorer).Think(strategy,
                [.. open.Select(i => questions.Problems[i])], new Budget(budget, BudgetUnit.Replies, mean), stop);
            bool[] right = questions.AreRight([.. open.Zip(thoughts, (i, t) => (i, t.Answer))]);
            bool[] each = questions.AreRight([.. open.Zip(thoughts).SelectMany(p =>
                p.Second.Drafts.Select(d => (p.First, d.Answer)))]);
            List<ThinkRow> rows = [];
            for (int o = 0, at = 0; o < open.Length; o++)
            {
                Thought t = thoughts[o];
                rows.Add(new(of.Tag, split, strategy.Name, budget, open[o], questions.Problems[open[o]].Prompt, right[o],
                    t.Answer is not null, t.Spent.Tokens, t.Spent.Passed, t.Spent.Flops, t.Spent.Seconds, budget * mean,
                    t.Attempts, t.Drafts.Count, each[at..(at += t.Drafts.Count)].Count(r => r)));
            }
            kept.Add(rows);
        }

        public IReadOnlyList<ThinkRow> Rows() => [.. cells.Distinct().SelectMany(c =>
            RowsOf(c.Strategy).Of(of.Tag, c.Item1, c.Strategy, c.Budget).Values
            .Where(r => r.Item < options.Items && r.Budget <= options.Budgets.To)).Distinct()];
    }
}
