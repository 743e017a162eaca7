using System.Globalization;
using Isoflop.Data;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tables;
using Isoflop.Lab.Worlds;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Web.Home;

/// <summary>A task at one budget.</summary>
/// <param name="Accuracy">mean over items and seeds</param> <param name="Low">of its 95 % interval</param>
/// <param name="Nats">−ln p of the answer</param>
sealed record MapCell(double Budget, double? Accuracy, double? Low, double? High, double? Ability, double? Nats, int Items,
    double? Loss);

/// <summary>A task along the ladder.</summary>
/// <param name="Class">flat, smooth, sudden, …</param>
sealed record MapTask(string Task, string Class, string Evidence, double? Chance, IReadOnlyList<MapCell> Cells);

/// <summary>Part of the loss that one task pays for at every budget.</summary>
/// <param name="Nats">share of the tokens × loss, nats a token of all text, by budget; they sum to the loss</param>
sealed record MapShare(string Task, IReadOnlyList<double> Nats);

/// <summary>Tasks × rungs.</summary>
/// <param name="Command">that asks the questions, where none were asked yet</param>
sealed record MapView(string Study, IReadOnlyList<double> Budgets, IReadOnlyList<MapTask> Tasks, IReadOnlyList<MapShare> Shares,
    string Command, string Problem);

/// <summary>What a model made of one item.</summary>
sealed record MapItem(string Run, string Id, string Prompt, IReadOnlyList<string> Choices, string Answer, double Score,
    double? AnswerNats, double? Margin, string? Reply);

/// <summary>Capability maps, as 'isoflop map' left them in the home: nothing is asked here.</summary>
sealed class MapViews(Workspace here)
{
    /// <summary>The map of a study.</summary>
    public MapView Of(string name)
    {
        Study study = Study.Open(here, name);
        string command = $"isoflop map {name}", file = Path.Combine(study.Folder, "map.csv");
        IReadOnlyList<MapTask> tasks = File.Exists(file) ? Read(file) : [];
        (double[] budgets, IReadOnlyList<MapShare> shares) = Shares(study);
        if (budgets.Length == 0) budgets = [.. tasks.SelectMany(t => t.Cells.Select(c => c.Budget)).Distinct().Order()];
        return new(name, budgets, tasks, shares, command, tasks.Count == 0
            ? "Nobody has asked the models of this study yet" : "");
    }

    /// <summary>Items of a task at a budget, with what each seed's model made of them.</summary>
    public IReadOnlyList<MapItem> Items(string name, string task, double budget)
    {
        Study study = Study.Open(here, name);
        StudyResult[] runs = [.. StudyPoints.BestSizes(StudyPoints.Counted(study, here)).SelectMany(r => r)
            .Where(r => Math.Abs(r.Run.Budget / budget - 1) < 1e-6)];
        List<MapItem> items = [];
        foreach (StudyResult run in runs)
        {
            string folder = Path.Combine(here.RunFolder(run.Run.Name), "evals");
            string step = string.Create(CultureInfo.InvariantCulture, $"-{run.Run.Steps:000000}.jsonl");
            foreach (string file in Directory.Exists(folder) ? Directory.GetFiles(folder, "*" + step) : [])
            {
                Dictionary<string, EvalItem> asked = Asked(study, Path.GetFileName(file)[..^step.Length]);
                foreach (ItemResult item in ResultSet.Read(file).Items)
                {
                    if ($"{item.Task}.{item.Level}" != task && item.Task != task) continue;
                    EvalItem? of = asked.GetValueOrDefault(item.Id);
                    items.Add(new(run.Run.Name, item.Id, of?.Prompt ?? "", of?.Choices ?? [], of?.Answer ?? "", item.Score,
                        item.AnswerNll, item.Margin, item.Reply));
                }
            }
        }
        return items;
    }

    /// <summary>Questions of the generated world; those of a user's own suite lie where that user keeps them.</summary>
    Dictionary<string, EvalItem> Asked(Study study, string suite)
    {
        const int Most = 200;
        try
        {
            EvalSuite made = WorldCorpus.WorldOf(CorpusInfo.Load(here.CorpusFolder(study.Record.Recipe.Corpus))).Suite(Most);
            return made.Name == suite || suite.StartsWith("world", StringComparison.Ordinal)
                ? made.Items.ToDictionary(i => i.Id) : [];
        }
        catch (Exception e) when (e is DataException or ConfigException)
        {
            return [];
        }
    }

    static List<MapTask> Read(string file)
    {
        var table = new ForeignTable(file);
        int Column(string of) => table.Header.ToList().IndexOf(of);
        int task = Column("task"), kind = Column("class"), evidence = Column("evidence"), budget = Column("budget");
        double? Number(int row, string of) => Column(of) is >= 0 and var c && double.TryParse(table[row, c], NumberStyles.Float,
            CultureInfo.InvariantCulture, out double v) && double.IsFinite(v) ? v : null;
        if (task < 0 || budget < 0) throw new DataException($"{file}: has no columns task and budget");
        return [.. Enumerable.Range(0, table.Count).GroupBy(r => table[r, task]).Select(g => new MapTask(g.Key,
            kind < 0 ? "" : table[g.First(), kind], evidence < 0 ? "" : table[g.First(), evidence], Number(g.First(), "chance"),
            [.. g.Select(r => new MapCell(Number(r, "budget") ?? 0, Number(r, "accuracy"), Number(r, "accuracy_low"),
                Number(r, "accuracy_high"), Number(r, "ability"), Number(r, "answer_nll"), (int)(Number(r, "items") ?? 0),
                Number(r, "loss")))]))];
    }

    /// <summary>Which task pays for which part of the loss: the best size of each budget, mean over its seeds.</summary>
    (double[] Budgets, IReadOnlyList<MapShare> Shares) Shares(Study study)
    {
        IReadOnlyList<IReadOnlyList<StudyResult>> rungs = StudyPoints.BestSizes(StudyPoints.Counted(study, here));
        var tags = rungs.Select(r => r.SelectMany(s => StudyPoints.TagsOf(here, s)).GroupBy(t => t.Tag)
            .ToDictionary(t => t.Key, t => (Tokens: t.Average(x => (double)x.Tokens), Loss: t.Average(x => x.Loss)))).ToList();
        string[] names = [.. tags.SelectMany(t => t.Keys).Distinct()];
        return ([.. rungs.Select(r => r[0].Run.Budget)], [.. names.Select(n => new MapShare(n, [.. tags.Select(t =>
            t.TryGetValue(n, out var own) ? own.Tokens / t.Values.Sum(v => v.Tokens) * own.Loss : 0)]))
            .OrderByDescending(s => s.Nats.Count > 0 ? s.Nats[0] - s.Nats[^1] : 0)]);
    }
}
