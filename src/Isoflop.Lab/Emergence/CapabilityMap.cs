using Isoflop.Data;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tables;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Emergence;

/// <summary>Part of a rung's gain in total loss that one task paid for.</summary>
/// <param name="Share">weight · (loss before − loss after), nats a token of all text; over tasks they add up to the gain</param>
readonly record struct TaskGain(string Task, double Share);

/// <summary>From one rung to the next.</summary>
sealed record RungGain(double From, double To, double Total, IReadOnlyList<TaskGain> Tasks);

/// <summary>Tasks × rungs of a ladder: what each can do, how that moves, and which tasks paid for the falling loss.</summary>
sealed class CapabilityMap
{
    CapabilityMap(string study, IReadOnlyList<TaskCurve> curves, IReadOnlyList<TaskFinding> findings,
        IReadOnlyList<RungGain> gains) =>
        (Study, Curves, Findings, Gains) = (study, curves, findings, gains);

    /// <summary>Name of the study.</summary>
    public string Study { get; }

    /// <summary>By task.</summary>
    public IReadOnlyList<TaskCurve> Curves { get; }

    /// <summary>By task, in the same order.</summary>
    public IReadOnlyList<TaskFinding> Findings { get; }

    /// <summary>From rung to rung, and last from the first to the last; empty: losses are unknown.</summary>
    public IReadOnlyList<RungGain> Gains { get; }

    /// <summary>Of all tasks, ascending.</summary>
    public IReadOnlyList<double> Budgets => [.. Curves.SelectMany(c => c.Rungs.Select(r => r.Budget)).Distinct().Order()];

    /// <summary>Of a table, see <see cref="MapTable"/>.</summary>
    /// <param name="notes">of what was left out</param>
    /// <exception cref="DataException">What is wrong with it, and where.</exception>
    public static CapabilityMap OfTable(string path, MapColumns columns, ICollection<string> notes)
    {
        IReadOnlyList<TaskCurve> curves = MapTable.Read(path, columns, notes);
        return new(Path.GetFileNameWithoutExtension(path), curves, Found(curves), []);
    }

    static TaskFinding[] Found(IReadOnlyList<TaskCurve> curves) =>
        [.. curves.AsParallel().AsOrdered().Select((c, i) => TaskFinding.Of(c, (ulong)i + 1))];

    /// <summary>Asks the questions of every rung's best size and reads the losses by tag.</summary>
    /// <param name="suiteOf">the questions, given the corpus; null: none, and the map is of losses alone. An item is of the tag
    /// that is its task and level, or its task; else of a task of its own</param>
    /// <exception cref="ConfigException">Fewer than two budgets are done; the corpus has no tags and there are no
    /// questions.</exception>
    public static CapabilityMap Of(Study study, Workspace here, Func<CorpusInfo, EvalSuite?> suiteOf)
    {
        IReadOnlyList<StudyResult> results = StudyPoints.Counted(study, here);
        IReadOnlyList<IReadOnlyList<StudyResult>> rungs = StudyPoints.BestSizes(results);
        if (rungs.Count < 2)
            throw new ConfigException($"study '{study.Name}' has {rungs.Count} finished budget(s) that count; a map needs " +
                $"two at " +
                "least: train them with 'isoflop ladder'");
        CorpusInfo corpus = CorpusInfo.Load(here.CorpusFolder(study.Record.Recipe.Corpus));
        EvalSuite? suite = suiteOf(corpus);
        if (suite is null && corpus.Tags.Count == 0)
            throw new ConfigException($"corpus '{corpus.Name}' has no tags and there are no questions: nothing to map; build " +
                "it with tag_field=FIELD, or give suite=FILE.jsonl");
        var asked = new Dictionary<string, IReadOnlyList<ItemResult>>();
        int runs = rungs.Sum(r => r.Count);
        if (suite is not null)
            foreach (StudyResult run in rungs.SelectMany(r => r))
            {
                using LanguageModel model = LanguageModel.Open(here, run.Run.Name);
                int before = asked.Count * suite.Items.Count;
                asked[run.Run.Name] = EvalRun.Ask(new LocalTarget(model), suite,
                    here.Part(p => new("asking", before + p.Done, runs * suite.Items.Count, "items", run.Run.Name)),
                    EvalRun.FileFor(model.Folder, suite));
            }
        var losses = results.ToDictionary(r => r.Run.Name, r => StudyPoints.TagsOf(here, r));
        string[] tasks = [.. corpus.Tags.Concat(suite?.Items.Select(i => TaskOf(i.Task, i.Level)) ?? []).Distinct()];
        TaskCurve[] curves = [.. tasks.Select(task => new TaskCurve(task, [.. rungs.Select(rung =>
            new TaskRung(rung[0].Run.Budget,
            rung.Average(r => r.Flops), Of(rung, r => asked.GetValueOrDefault(r.Run.Name, [])
                .Where(i => TaskOf(i.Task, i.Level) == task).ToArray()),
            [.. rung.Select(r => losses[r.Run.Name].FirstOrDefault(t => t.Tag == task)?.Loss ?? double.NaN)]))],
            corpus.Tags.ToList().IndexOf(task) is var t && t >= 0 && t < corpus.TagEntropies.Count ? corpus.TagEntropies[t]
                : null))];
        return new(study.Name, curves, Found(curves), GainsOf(rungs, losses));

        string TaskOf(string task, int level) => $"{task}.{level}" is var full && !corpus.Tags.Contains(full)
            && corpus.Tags.Contains(task) ? task : full;
    }

    static IReadOnlyList<IReadOnlyList<ItemResult>> Of(IReadOnlyList<StudyResult> rung, Func<StudyResult, ItemResult[]> items)
    {
        ItemResult[][] all = [.. rung.Select(items)];
        return all.All(s => s.Length > 0) ? all : [];
    }

    static List<RungGain> GainsOf(IReadOnlyList<IReadOnlyList<StudyResult>> rungs, Dictionary<string,
        IReadOnlyList<TagLoss>> losses)
    {
        List<RungGain> gains = [];
        for (int i = 1; i < rungs.Count; i++) gains.Add(Gain(rungs[i - 1], rungs[i]));
        gains.Add(Gain(rungs[0], rungs[^1]));
        return gains;

        RungGain Gain(IReadOnlyList<StudyResult> a, IReadOnlyList<StudyResult> b)
        {
            IReadOnlyList<TagLoss> tags = losses[a[0].Run.Name];
            double all = tags.Sum(t => t.Tokens);
            double Mean(IReadOnlyList<StudyResult> rung, string tag) => rung.Average(r => losses[r.Run.Name].First(t =>
                t.Tag == tag).Loss);
            TaskGain[] parts = [.. tags.Select(t => new TaskGain(t.Tag, t.Tokens / all * (Mean(a, t.Tag) - Mean(b, t.Tag))))
                .OrderByDescending(t => t.Share)];
            return new(a[0].Run.Budget, b[0].Run.Budget, a.Average(r => r.Loss) - b.Average(r => r.Loss), parts);
        }
    }

    /// <summary>One row a task, rung and seed: what <see cref="OfTable"/> makes the map of again.</summary>
    public Table ToSeedTable() => Table.Of(Curves.SelectMany(c => c.Rungs.SelectMany(r => r.Seeds.Select((s, i) =>
        (c.Task, Rung: r, Seed: i + 1, Score: s)))),
        ("task", r => r.Task), ("flops", r => r.Rung.Budget), ("seed", r => (long)r.Seed), ("accuracy", r => r.Score.Accuracy),
        ("answer_nll", r => r.Score.AnswerNll), ("margin", r => r.Score.Margin), ("items", r => (long)r.Rung.Items),
        ("chance", r => r.Rung.Chance));

    /// <summary>One row a task and rung.</summary>
    public Table ToTable(IReadOnlyList<TaskBreak> breaks)
    {
        var placed = breaks.ToDictionary(b => b.Task, b => b.At);
        return Table.Of(Curves.Zip(Findings).SelectMany(c => c.First.Rungs.Select(r => (Curve: c.First, Finding: c.Second,
            Rung: r, Break: placed.GetValueOrDefault(c.First.Task, Statistics.Estimate.Of(double.NaN))))),
            ("task", c => c.Curve.Task), ("budget", c => c.Rung.Budget), ("flops", c => c.Rung.Flops),
            ("seeds", c => (long)Math.Max(c.Rung.Losses.Count, c.Rung.Seeds.Count)),
            ("items", c => (long)c.Rung.Items),
            ("loss", c => c.Rung.Loss), ("entropy", c => c.Curve.Entropy ?? double.NaN),
            ("accuracy", c => c.Rung.Accuracy.Mean), ("accuracy_low", c => c.Rung.AccuracyRange(0.95).Low),
            ("accuracy_high", c => c.Rung.AccuracyRange(0.95).High), ("chance", c => c.Rung.Chance),
            ("ability", c => c.Rung.Ability.Mean), ("answer_nll", c => c.Rung.AnswerNll.Mean),
            ("margin", c => c.Rung.Margin.Mean), ("class", c => c.Finding.Class.ToString().ToLowerInvariant()),
            ("evidence", c => c.Finding.Evidence), ("break", c => c.Break.Value), ("break_low", c => c.Break.Low),
            ("break_high", c => c.Break.High));
    }
}
