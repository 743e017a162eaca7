using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>What is searched for, by what: all that a search's rounds depend on.</summary>
/// <param name="Task">"sudoku9:3"; empty: a question of the user's own</param> <param name="Index">of the item, among those
/// held out</param>
/// <param name="Strategy">of every round</param> <param name="ModelHash">of the weights that write</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
sealed record SearchRecipe(string Model, string ModelHash, string Task, long Index, string Prompt, string Strategy,
    ReplyForm Form,
    ulong Seed);

/// <summary>One round: a few searches side by side, from nothing.</summary>
/// <param name="Passed">an answer passed the check</param> <param name="Answers">that they came to, each with how often</param>
/// <param name="Seconds">of one worker</param>
sealed record SearchRound(long Round, bool Passed, IReadOnlyDictionary<string, int> Answers, long Tokens, double Flops,
    double Seconds);

/// <summary>How far a search is.</summary>
/// <param name="Seconds">thought so far, by the clock on the wall of each call, all calls together</param>
/// <param name="Best">the answer that passed, else the most frequent; null: none yet</param> <param name="Votes">for it</param>
/// <param name="Distinct">answers so far</param>
sealed record SearchState(bool Solved, string? Best, int Votes, int Distinct, long Rounds, double Seconds, long Tokens,
    double Flops, string Folder);

/// <summary>
/// Long thought: rounds of a strategy from ever new beginnings until the check passes or the time is over. A round is written
/// down
/// when it ends, a few seconds after it began, so that a kill loses no more, and the same call goes on. Budgets of rounds follow
/// Luby's sequence: within a logarithm of the best restarts for any problem.
/// </summary>
/// <remarks>Luby, Sinclair &amp; Zuckerman 1993, doi:10.1016/0020-0190(93)90029-9.</remarks>
sealed class DurableSearch : IDisposable
{
    const int SideBySide = 32, Unit = 4, MaxUnits = 16;

    const string RecordFile = "search.json", RoundsFile = "rounds.jsonl", SecondsFile = "seconds.jsonl";
    static readonly Format format = new("search");

    readonly SearchRecipe recipe;
    readonly Workspace here;
    readonly string folder;
    readonly TaskLevel? level;
    readonly JsonLines file, clock;
    readonly FolderLock held;
    readonly TimeProvider time;
    readonly Dictionary<long, SearchRound> rounds = [];
    readonly int part, parts;
    readonly HashSet<long> elsewhere = [];                       // rounds that other parts had done when this one was opened
    double before;                                               // seconds of earlier calls

    /// <summary>Opens a search's folder, or makes it.</summary>
    /// <param name="name">of the folder; empty: named by what is searched for</param>
    /// <param name="strategy">empty: the first of tree, best-of-n and majority that the problem allows</param>
    /// <param name="part">of <paramref name="parts"/> that search for the same, each in a folder of its own: it takes every
    /// parts-th round, so that together they play those of one</param>
    /// <exception cref="ConfigException">The folder is of another model or question, or another process searches
    /// there.</exception>
    public static DurableSearch Open(Workspace here, string model, string task, long index, string prompt, string strategy,
        ulong seed, string name = "", ReplyForm form = ReplyForm.Think, int part = 0, int parts = 1)
    {
        TaskLevel? level = task.Length == 0 ? null : new TaskMix([task]).Levels is [var one] ? one
            : throw new ConfigException($"task={task} must be one level; try sudoku4:2");
        if (level is { } of) prompt = of.Family.Make(Split.Test, of.Level, index, seed).Prompt;
        using LanguageModel opened = LanguageModel.Open(here with { Threads = 1 }, model);
        ChatFormat.NoteOf(opened, here);
        if (strategy.Length == 0)
        {
            Problem problem = ProblemOf(level, index, prompt, seed, 0, form);
            var generator = new LocalGenerator(opened, seed);
            strategy = ((string[])["tree", "best-of-n", "majority"]).First(s =>
                Strategies.Refusal(Strategies.Find(s), problem, generator, null) is null);
        }
        var recipe = new SearchRecipe(model, new LocalTarget(opened).Hash, task, index, prompt, strategy, form, seed);
        byte[] sought = Encoding.UTF8.GetBytes($"{task}\n{prompt}\n{strategy}\n{form}\n{seed}");
        if (name.Length == 0) name = $"search-{XxHash3.HashToUInt64(sought) >> 32:x8}";
        string whole = Path.Combine(here.Searches, FolderName.Checked("name", name)),
            folder = parts == 1 ? whole : PartOf(whole, part), record = Path.Combine(folder, RecordFile);
        FolderLock held = FolderLock.Take(folder, here.Clock, anew: here.Fence is not null);
        try
        {
            if (!File.Exists(record))
                JsonFile.Write(record, recipe, format, SearchJson.Default.SearchRecipe);
            SearchRecipe there = JsonFile.Read(record, format, SearchJson.Default.SearchRecipe);
            if (there.ModelHash != recipe.ModelHash)
                throw new ConfigException($"{folder} is the search of another model ({there.Model}, hash {there.ModelHash}; " +
                    $"this one " +
                    $"is {recipe.ModelHash}); give the search another name=NAME, or move the folder away");
            if (there with { Model = model } != recipe)
                throw new ConfigException($"{folder} searches for something else ({there.Task} {there.Prompt}, " +
                    $"{there.Strategy}); give " +
                    "the search another name=NAME");
            var search = new DurableSearch(recipe, level, here, folder, held, part, parts);
            if (parts > 1)
                foreach (string other in PartsOf(whole))
                    search.elsewhere.UnionWith(JsonLines.Read(Path.Combine(other, RoundsFile),
                        SearchJson.Default.SearchRound).Select(r => r.Round));
            return search;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    DurableSearch(SearchRecipe recipe, TaskLevel? level, Workspace here, string folder, FolderLock held, int part, int parts)
    {
        (this.recipe, this.level, this.here, this.folder, this.held, time) = (recipe, level, here, folder, held, here.Clock);
        (this.part, this.parts) = (part, parts);
        string path = Path.Combine(folder, RoundsFile), seconds = Path.Combine(folder, SecondsFile);
        (file, clock) = (new(path), new(seconds));                // cut off what a kill left of a line
        foreach (SearchRound r in JsonLines.Read(path, SearchJson.Default.SearchRound)) rounds[r.Round] = r;
        before = JsonLines.Read(seconds, SearchJson.Default.SearchSeconds).Sum(s => s.Seconds);
    }

    /// <summary>What is searched for, and how.</summary>
    public SearchRecipe Recipe => recipe;

    static Problem ProblemOf(TaskLevel? level, long index, string prompt, ulong seed, long number, ReplyForm form) =>
        level is { } of
        ? Problem.Of(of.Family, of.Family.Make(Split.Test, of.Level, index, seed), number, form) : Problem.Of(prompt, form);

    /// <summary>Searches until an answer passes the check, so many seconds are over in all calls together, or it is
    /// stopped.</summary>
    /// <param name="workers">threads, a model and a round each</param>
    public SearchState Run(double seconds, int workers)
    {
        if (!(seconds > 0)) throw new ConfigException($"for={seconds} s must be above 0; try 10m");
        if (workers is < 1 or > 1024) throw new ConfigException($"workers={workers} must be from 1 to 1024");
        SearchState now = State(0);
        if (now.Solved || before >= seconds) return now;
        // A timestamp counts on whatever is done to the clock on the wall.
        long written = time.GetTimestamp();
        long next = part;
        bool over = false;
        Exception? failed = null;
        using var own = CancellationTokenSource.CreateLinkedTokenSource(here.Stop);
        Thread[] threads = [.. Enumerable.Range(0, workers).Select(_ => new Thread(Work) { IsBackground = true })];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        lock (rounds) Clock();
        if (failed is not null) throw failed;
        return State(0);

        void Work()
        {
            try
            {
                using LanguageModel model = LanguageModel.Open(here with { Threads = 1 }, recipe.Model);
                while (Take() is { } round)
                {
                    SearchRound done = Play(model, round, own.Token);
                    lock (rounds)
                    {
                        if (rounds.ContainsKey(round)) continue;
                        rounds[round] = done;
                        file.Write(done, SearchJson.Default.SearchRound);
                        if (time.GetElapsedTime(written).TotalSeconds > 1) Clock();
                        over |= done.Passed || before + Unwritten() >= seconds;
                        held.Step = rounds.Count;
                        SearchState now = State(Unwritten());
                        here.Report("think", now.Seconds, seconds, detail: now);
                        if (over) own.Cancel();
                    }
                }
            }
            catch (OperationCanceledException) { }               // what this round had found is found again
#pragma warning disable CA1031 // of another thread: thrown again by the one that waits
            catch (Exception e)
#pragma warning restore CA1031
            {
                lock (rounds) failed ??= e;
                own.Cancel();
            }
        }

        long? Take()
        {
            lock (rounds)
            {
                if (over || own.IsCancellationRequested || before + Unwritten() >= seconds) return null;
                while (rounds.ContainsKey(next) || elsewhere.Contains(next)) next += parts;
                long round = next;
                next += parts;
                return round;
            }
        }

        double Unwritten() => Math.Max(0, time.GetElapsedTime(written).TotalSeconds);

        void Clock()
        {
            double passed = Unwritten();
            written = time.GetTimestamp();
            before += passed;
            clock.Write(new SearchSeconds(passed), SearchJson.Default.SearchSeconds);
        }
    }

    /// <summary>Round r: the same whoever plays it and when.</summary>
    SearchRound Play(LanguageModel model, long round, CancellationToken stop)
    {
        long began = time.GetTimestamp();
        // A problem's number names its random numbers in 20 bits; beyond them another seed does.
        const int Rounds = (1 << 20) / SideBySide;
        var generator = new LocalGenerator(model, recipe.Seed + (ulong)(round / Rounds));
        Problem[] problems = [.. Enumerable.Range(0, SideBySide).Select(i => level is null && i > 0 ? null! :
            ProblemOf(level, recipe.Index, recipe.Prompt, recipe.Seed, round % Rounds * SideBySide + i, recipe.Form))
            .Where(p => p is not null)];
        double tokens = Math.Min(MaxUnits, Luby(round + 1)) * Unit
            * (double)Math.Max(1, generator.Room(problems[0], PartialReply.Empty));
        IReadOnlyList<Thought> thoughts = new Thinker(generator).Think(Strategies.Find(recipe.Strategy), problems,
            new Budget(tokens, BudgetUnit.Tokens), stop);
        string? passed = problems[0].HasCheck
            ? thoughts.Select(t => t.Answer).FirstOrDefault(a => a is not null && problems[0].Check(a)) : null;
        Dictionary<string, int> answers = [];
        if (passed is not null) answers[passed] = 1;
        else
            foreach (string answer in thoughts.Select(t => t.Answer).OfType<string>())
                answers[answer] = answers.GetValueOrDefault(answer) + 1;
        return new(round, passed is not null, answers, thoughts.Sum(t => t.Spent.Tokens), thoughts.Sum(t => t.Spent.Flops),
            Math.Max(0, time.GetElapsedTime(began).TotalSeconds));
    }

    /// <summary>1, 1, 2, 1, 1, 2, 4, 1, …; i from 1.</summary>
    internal static long Luby(long i)
    {
        for (int k = 1; ; k++)
        {
            long end = (1L << k) - 1;
            if (i == end) return 1L << (k - 1);
            if (i < end) return Luby(i - (1L << (k - 1)) + 1);
        }
    }

    static string PartOf(string folder, int part) => $"{folder}.{part + 1}";

    static IEnumerable<string> PartsOf(string folder)
    {
        for (int i = 0; File.Exists(Path.Combine(PartOf(folder, i), RecordFile)); i++) yield return PartOf(folder, i);
    }

    /// <summary>
    /// What the parts of a search have come to together: rounds are counted once, seconds are the longest part's.
    /// </summary>
    /// <exception cref="ConfigException">There are none.</exception>
    public static (SearchRecipe, SearchState) Together(Workspace here, string name)
    {
        string folder = Path.Combine(here.Searches, FolderName.Checked("name", name));
        string[] all = [.. PartsOf(folder)];
        if (all.Length == 0) throw new ConfigException($"{folder}: no worker has begun to search");
        Dictionary<long, SearchRound> rounds = [];
        foreach (string one in all)
            foreach (SearchRound r in JsonLines.Read(Path.Combine(one, RoundsFile), SearchJson.Default.SearchRound))
                rounds[r.Round] = r;
        double seconds = all.Max(f => JsonLines.Read(Path.Combine(f, SecondsFile), SearchJson.Default.SearchSeconds)
            .Sum(s => s.Seconds));
        return (JsonFile.Read(Path.Combine(all[0], RecordFile), format, SearchJson.Default.SearchRecipe),
            StateOf(rounds.Values, seconds, $"{folder}.*"));
    }

    SearchState State(double unwritten) => StateOf(rounds.Values, before + unwritten, folder);

    static SearchState StateOf(IReadOnlyCollection<SearchRound> rounds, double seconds, string folder)
    {
        SearchRound? solved = rounds.Where(r => r.Passed).MinBy(r => r.Round);
        Dictionary<string, int> votes = [];
        foreach (SearchRound r in rounds)
            foreach ((string answer, int count) in r.Answers) votes[answer] = votes.GetValueOrDefault(answer) + count;
        string? best = solved?.Answers.Keys.First()
            ?? votes.OrderByDescending(v => v.Value).ThenBy(v => v.Key, StringComparer.Ordinal).Select(v =>
                v.Key).FirstOrDefault();
        return new(solved is not null, best, best is null ? 0 : votes[best], votes.Count, rounds.Count, seconds,
            rounds.Sum(r => r.Tokens), rounds.Sum(r => r.Flops), folder);
    }

    /// <summary>Reads "90s", "15m", "8h", "2d".</summary>
    /// <exception cref="ConfigException">It is none of these.</exception>
    public static double ReadSeconds(string text)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        return unit > 0 && double.TryParse(text[..^1], System.Globalization.NumberStyles.Float,
            System.Globalization.CultureInfo.InvariantCulture, out double n) && n > 0 && double.IsFinite(n) ? n * unit
            : throw new ConfigException($"for={text} must be a time: 90s, 15m, 8h, 2d");
    }

    /// <summary>Closes the files and lets others search there.</summary>
    public void Dispose()
    {
        file.Dispose();
        clock.Dispose();
        held.Dispose();
    }
}

/// <summary>Seconds that a call searched, written as they pass.</summary>
sealed record SearchSeconds(double Seconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SearchRecipe))]
[JsonSerializable(typeof(SearchRound))]
[JsonSerializable(typeof(SearchSeconds))]
sealed partial class SearchJson : JsonSerializerContext;
