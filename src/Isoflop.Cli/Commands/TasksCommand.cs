using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Tasks;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop tasks</c>: what can be asked, how long it is, and what solving costs against checking.</summary>
static class TasksCommand
{
    // Items for lengths and means, and the least time that a rate is measured over.
    const int Items = 50;
    const double MinSeconds = 0.005;
    const int MaxExample = 40;

    public static Verb Create()
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "A family, or FILE.jsonl with word problems: question, and answer with #### 42 at its end; none: a " +
                "table of all",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var level = new Option<int>("--level")
        {
            Description = "Difficulty, from 1",
            HelpName = "L",
            DefaultValueFactory = _ => 1,
        };
        var count = new Option<int>("--count") { Description = "Items to show", HelpName = "N", DefaultValueFactory = _ => 5 };
        var form = new Option<TraceForm?>("--form")
        {
            Description = "Show demonstrations in one form only: Monologue (tries and steps back), Proof, AnswerFirst, Direct",
            HelpName = "FORM",
        };
        var split = new Option<Split>("--split") { Description = "Train, Valid or Test", HelpName = "SPLIT" };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the items", HelpName = "S" };
        var measure = new Option<bool>("--measure")
        {
            Description = "Of the list: also measure lengths, and what making, solving and checking costs here: ten seconds",
        };
        var verb = new Verb("tasks",
            "List the families of tasks that can be taught and rewarded; show items with demonstrations.",
            "isoflop tasks", "isoflop tasks --measure", "isoflop tasks countdown --level 2 --count 3",
            "isoflop tasks sudoku4 --form Monologue --split Test", "isoflop tasks problems.jsonl", "isoflop tasks --json")
        { name, level, count, form, split, seed, measure };
        verb.Runs(call =>
        {
            if (call.Parsed.GetValue(name) is not { } which) return call.Parsed.GetValue(measure) ? Measured(call) : List(call);
            TaskFamily family = TaskFamilies.Find(which);
            int items = call.Parsed.GetValue(count);
            if (items < 1) throw new ConfigException($"--count {items} must be positive");
            return Show(call, family, call.Parsed.GetValue(level), items, call.Parsed.GetValue(form), call.Parsed.GetValue(split),
                call.Parsed.GetValue(seed));
        });
        return verb;
    }

    // ---- items ----------------------------------------------------------------------------------------------------------------

    static int Show(Invocation call, TaskFamily family, int level, int count, TraceForm? form, Split split, ulong seed)
    {
        family.Make(split, level, 0, seed);                      // refuses a level that is not there
        TraceForm[] forms = form is { } one ? [one] : Enum.GetValues<TraceForm>();
        if (!call.Json)
        {
            call.Out.WriteLine($"{family.Name}: {family.Summary}");
            string size = family.Size(level) is { } n ? Text($"{n:N0} items") : "items without end";
            if (family.Questions(level) is { } few) size += Text($", {few:N0} questions whatever their dress");
            call.Out.WriteLine(Text($"level {level} of {family.Levels}, {split}, {size}, chance {family.Chance(level):0.####}"));
            call.Out.WriteLine($"alphabet {family.Alphabet}");
        }
        List<string> shown = [];
        for (int i = 0; i < count; i++)
        {
            TaskItem item = family.Make(split, level, i, seed);
            var replies = new Dictionary<string, string>();
            foreach (TraceForm asked in forms)
            {
                var rng = RandomUse.Thought.Open(seed, 0, i);
                replies[JsonNamingPolicy.SnakeCaseLower.ConvertName(asked.ToString())] = family.Demonstrate(item, asked, ref rng);
            }
            if (call.Json)
            {
                call.Out.WriteLine(JsonSerializer.Serialize(new ShownItem(item.Family, item.Level, item.Prompt, item.Key,
                    replies),
                    TasksJson.Default.ShownItem));
                continue;
            }
            call.Out.WriteLine();
            call.Out.WriteLine(item.Prompt);
            foreach ((string asked, string reply) in replies) call.Out.WriteLine($"  {asked,-13}{reply}");
            shown.AddRange(replies.Values);
        }
        if (!call.Json) call.Out.WriteLine("\n" + TracesCommand.Legend(shown, false));
        return 0;
    }

    // ---- families -------------------------------------------------------------------------------------------------------------

    static int List(Invocation call)
    {
        List<string[]> rows = [["family", "group", "levels", "chance", "example", "what it is"]];
        foreach (TaskFamily family in TaskFamilies.All)
        {
            if (call.Json)
                call.Out.WriteLine(JsonSerializer.Serialize(Facts(family, [.. Enumerable.Range(1, family.Levels)
                    .Select(l => new LevelFacts(l, family.Chance(l), family.Size(l)))]), TasksJson.Default.FamilyFacts));
            string example = family.Make(Split.Train, 1, 0, 0).Prompt.ReplaceLineEndings(" ");
            rows.Add([family.Name, family.Group, Text($"{family.Levels}"),
                Range(family.Chance(1), family.Chance(family.Levels), "0.###"),
                example.Length > MaxExample ? example[..MaxExample] + "…" : example, family.Summary]);
        }
        if (call.Json) return 0;
        TextTable.Write(call.Out, rows, 0, 1, 4, 5);
        call.Out.WriteLine("\nisoflop tasks FAMILY shows items with demonstrations; --measure measures lengths and costs");
        return 0;
    }

    static int Measured(Invocation call)
    {
        List<string[]> rows =
        [
            ["family", "group", "levels", "chance", "alphabet", "prompt", "thought", "answer", "items/s", "solve µs",
                "check µs", "solve : check", "example"],
        ];
        foreach ((int f, TaskFamily family) in TaskFamilies.All.Index())
        {
            call.Stop.ThrowIfCancellationRequested();
            call.Here.Report("measuring", f, TaskFamilies.All.Count, "families");
            FamilyFacts facts = Measure(family);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(facts, TasksJson.Default.FamilyFacts));
            LevelFacts first = facts.Levels[0], last = facts.Levels[^1];
            rows.Add(
            [
                family.Name, family.Group, Text($"{family.Levels}"), Range(first.Chance, last.Chance, "0.###"),
                    Text($"{family.Alphabet.Length}"),
                Range(first.PromptLength, last.PromptLength, "0"), Range(first.ThoughtLength, last.ThoughtLength, "0"),
                Range(first.AnswerLength, last.AnswerLength, "0"), Text($"{first.ItemsPerSecond:N0}"),
                    Text($"{last.SolveMicroseconds:0.0}"),
                Text($"{last.CheckMicroseconds:0.0}{(family.HasCheck ? "" : "*")}"),
                    Text($"{last.SolveMicroseconds / last.CheckMicroseconds:0.0}"),
                facts.Example.Length > MaxExample ? facts.Example[..MaxExample] + "…" : facts.Example,
            ]);
        }
        if (call.Json) return 0;
        TextTable.Write(call.Out, rows, 0, 1, 12);
        call.Out.WriteLine();
        call.Out.WriteLine("From the first level to the last: chance, and mean characters of prompt, thought (monologue) and " +
            "answer. items/s at the first");
        call.Out.WriteLine("level, solving and checking at the last. *: not checked without the key; what is timed compares " +
            "with it.");
        return 0;
    }

    static string Range(double? first, double? last, string format)
    {
        (string a, string b) = (first!.Value.ToString(format, CultureInfo.InvariantCulture),
            last!.Value.ToString(format, CultureInfo.InvariantCulture));
        return a == b ? a : $"{a}–{b}";
    }

    static FamilyFacts Measure(TaskFamily family)
    {
        List<LevelFacts> levels = [];
        for (int level = 1; level <= family.Levels; level++) levels.Add(Measure(family, level));
        return Facts(family, levels);
    }

    static FamilyFacts Facts(TaskFamily family, List<LevelFacts> levels)
    {
        TaskItem example = family.Make(Split.Train, 1, 0, 0);
        var rng = RandomUse.Thought.Open(0);
        return new(family.Name, family.Group, family.Summary, family.HasCheck, family.Alphabet, example.Prompt,
            family.Demonstrate(example, TraceForm.Monologue, ref rng), levels);
    }

    static LevelFacts Measure(TaskFamily family, int level)
    {
        TaskItem[] items = [.. Enumerable.Range(0, Items).Select(i => family.Make(Split.Train, level, i, 0))];
        string[] answers = [.. items.Select(family.Solve)];
        Reply[] replies = [.. items.Select((item, i) =>
        {
            var rng = RandomUse.Thought.Open(0, 0, i);
            return Reply.Parse(family.Demonstrate(item, TraceForm.Monologue, ref rng))!.Value;
        })];
        string[] said = [.. answers.Select(a => $"{Reply.Say}{a}")];
        return new(level, family.Chance(level), family.Size(level), items.Average(i => i.Prompt.Length),
            replies.Average(r => r.Thought.Length),
            replies.Average(r => r.Answer.Length), replies.Max(r => r.Thought.Length + r.Answer.Length + 2),
            1e6 / Microseconds(i => family.Make(Split.Train, level, Items + i, 0)),
                Microseconds(i => family.Solve(items[i % Items])),
            // What a search at test time would call; without a check, the comparison with the key.
            Microseconds(i => family.HasCheck ? family.Check(items[i % Items], answers[i % Items])
                : family.Reward(items[i % Items], said[i % Items]) == 1));
    }

    /// <summary>Mean time of a call, the items of one round taken together.</summary>
    static double Microseconds<T>(Func<int, T> call)
    {
        int calls = 0;
        var watch = Stopwatch.StartNew();
        do
        {
            for (int i = 0; i < Items; i++) call(calls + i);
            calls += Items;
        }
        while (watch.Elapsed.TotalSeconds < MinSeconds);
        return watch.Elapsed.TotalMicroseconds / calls;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An item with demonstrations, by form.</summary>
sealed record ShownItem(string Family, int Level, string Prompt, string Key, Dictionary<string, string> Replies);

/// <summary>A family as a script sees it.</summary>
sealed record FamilyFacts(string Name, string Group, string Summary, bool HasCheck, string Alphabet, string Example, string Reply,
    List<LevelFacts> Levels);

/// <summary>
/// A level. Where they were measured: mean lengths in characters, of monologues; the longest reply of 50; rates and times on one
/// core.
/// </summary>
sealed record LevelFacts(int Level, double Chance, long? Size, double? PromptLength = null, double? ThoughtLength = null,
    double? AnswerLength = null, int? LongestReply = null, double? ItemsPerSecond = null, double? SolveMicroseconds = null,
    double? CheckMicroseconds = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShownItem))]
[JsonSerializable(typeof(FamilyFacts))]
sealed partial class TasksJson : JsonSerializerContext;
