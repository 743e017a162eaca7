using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop think</c>: one problem, a strategy and a budget.</summary>
static class ThinkCommand
{
    public static Verb Create()
    {
        var model = new Argument<string>("model")
        {
            Description = "RUN, RUN@STEP, a model folder; or the URL of an OpenAI-compatible endpoint",
        };
        var text = new Argument<string?>("problem")
        {
            Description = "What is asked; or give --task",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var task = new Option<string>("--task") { Description = "Ask a held-out item of this family", HelpName = "FAMILY" };
        var level = new Option<int>("--level") { Description = "Its level", HelpName = "L", DefaultValueFactory = _ => 1 };
        var index = new Option<long>("--index") { Description = "Which item", HelpName = "I" };
        var strategy = new Option<string>("--strategy")
        {
            Description = string.Join("; ", Strategies.All.Select(s => $"{s.Name}: {s.Says}")),
            HelpName = "NAME",
            DefaultValueFactory = _ => "greedy",
        };
        var budget = new Option<string>("--budget")
        {
            Description = "Tokens drawn (512), FLOPs (1e9flops) or seconds (10s)",
            HelpName = "B",
            DefaultValueFactory = _ => "512",
        };
        var form = new Option<ReplyForm>("--form")
        {
            Description = "What replies begin with: Open (the model chooses), Think, Direct",
            HelpName = "FORM",
        };
        var all = new Option<bool>("--all") { Description = "Show every draft, not the chosen one alone" };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Of item and draws",
            HelpName = "S",
            DefaultValueFactory = _ => 1,
        };
        var scorer = new Option<string?>("--scorer") { Description = "A run of 'isoflop teach --scorer'", HelpName = "RUN" };
        var time = new Option<string?>("--for")
        {
            Description = "A durable search: 90s, 15m, 8h, 2d, all calls together; it ends when the check passes",
            HelpName = "TIME",
        };
        var workers = new Option<int>("--workers") { Description = "Of a search: threads; 0: one a core", HelpName = "N" };
        var folder = new Option<string>("--name")
        {
            Description = "Of a search's folder; default: by what is searched for",
            HelpName = "NAME",
            DefaultValueFactory = _ => "",
        };
        EndpointOptions endpoint = new();
        var verb = new Verb("think",
            "Think about a problem for as long as a budget lasts: samples, votes, checks, revisions, trees; for hours with " +
            "--for.",
            "isoflop think my-run \"1..4 .2.. ..3. 4..1\"",
            "isoflop think my-run --task sudoku4 --level 2 --index 7 --strategy best-of-n --budget 2048",
            "isoflop think my-run --task modular-root --strategy revision --budget 1e9flops --all",
            "isoflop think my-run --task sudoku9 --level 3 --for 8h --workers 2       survives a kill; the same command goes on",
            "isoflop think my-run --task sudoku9 --level 3 --for 8h --name s --on slurm --workers 16      rounds of one search",
            "isoflop think http://localhost:8000/v1 --endpoint-model NAME --task countdown --strategy majority --max-tokens 2000")
        { model, text, task, level, index, strategy, budget, form, all, seed, scorer, time, workers, folder };
        endpoint.AddTo(verb);
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            string name = call.Parsed.GetValue(model)!;
            IStrategy way = Strategies.Find(call.Parsed.GetValue(strategy)!);
            Budget most = Budget.Parse(call.Parsed.GetValue(budget)!);
            string? asked = call.Parsed.GetValue(text), family = call.Parsed.GetValue(task);
            if (asked is null == family is null)
                throw new ConfigException("give a problem or --task FAMILY, one of them; 'isoflop tasks' lists families");
            long item = call.Parsed.GetValue(index);
            if (item < 0) throw new ConfigException($"--index {item} must not be negative");
            ReplyForm begin = call.Parsed.GetValue(form);
            if (crew.IsAsked(call) && call.Parsed.GetValue(time) is null)
                throw new ConfigException("--on is for a search that lasts; give --for TIME");
            if (call.Parsed.GetValue(time) is { } span)
            {
                if (EndpointOptions.IsUrl(name)) throw new ConfigException("--for searches with a model of this home, not an " +
                    "endpoint");
                double seconds = DurableSearch.ReadSeconds(span);
                int count = call.Parsed.GetValue(workers);
                string study = call.Parsed.GetValue(folder)!;
                if (study.Length == 0 && crew.IsAsked(call))
                    throw new ConfigException("workers need a name to share; give --name NAME");
                if (study.Length > 0 && BySeveral(call, crew, study, count, seconds, Open) is { } code) return code;
                using DurableSearch search = Open(call.Here, 0, 1);
                SearchState end = search.Run(seconds, count == 0 ? Environment.ProcessorCount : count);
                Write(call, search.Recipe, end);
                return end.Solved || end.Seconds >= seconds ? 0 : App.Interrupted;

                DurableSearch Open(Workspace here, int part, int parts) => DurableSearch.Open(here, name, family is null ? ""
                    : string.Create(CultureInfo.InvariantCulture, $"{family}:{call.Parsed.GetValue(level)}"), item, asked ?? "",
                    call.Parsed.GetResult(strategy) is { Implicit: false } ? way.Name : "", call.Parsed.GetValue(seed),
                    study, part: part, parts: parts);
            }
            TaskQuestion? question = family is null ? null
                : TaskQuestion.Of(family, call.Parsed.GetValue(level), item, call.Parsed.GetValue(seed), begin);
            Problem problem = question?.Problem ?? Problem.Of(asked!, begin);
            using Scorer? values = call.Parsed.GetValue(scorer) is { } run
                ? Scorer.Open(run, call.Here) : null;
            Thought thought;
            if (EndpointOptions.IsUrl(name))
            {
                using RemoteGenerator remote =
                    RemoteGenerator.Open(name, endpoint.Options(call), way.Needs.HasFlag(Needs.LogProbs));
                try
                {
                    thought = new Thinker(remote, values).Think(way, problem, most, call.Stop);
                }
                finally
                {
                    EndpointOptions.Tell(call, remote.Adapted);
                }
            }
            else
            {
                using LanguageModel open = LanguageModel.Open(call.Here, name);
                ChatFormat.NoteOf(open, call.Here);
                question?.Fits(open);
                thought = new Thinker(new LocalGenerator(open, call.Parsed.GetValue(seed)), values).Think(way, problem, most,
                    call.Stop);
            }
            Write(call, problem, way, most, thought, question?.IsRight(thought.Answer), call.Parsed.GetValue(all));
            return 0;
        });
        return verb;
    }

    /// <summary>A search in parts, a worker each; the first that passes the check sends all home.</summary>
    /// <returns>the exit code; null: nobody asked for workers, now or before</returns>
    static int? BySeveral(Invocation call, CrewOptions crew, string name, int workers, double seconds,
        Func<Workspace, int, int, DurableSearch> open)
    {
        string folder = call.Here.StudyFolder(name);
        Piece PartOf(int part) => new(string.Create(CultureInfo.InvariantCulture, $"{name}.{part + 1}"), there =>
        {
            using DurableSearch search = open(there, part, there.Claims!.Count);
            SearchState end = search.Run(seconds, there.Cores);
            if (end.Solved) Crew.Cancel(folder);
            return end.Solved || end.Seconds >= seconds;
        });
        if (crew.Begin(call, name, workers, workers,
            here => Pieces.Do(here, [.. Enumerable.Range(0, here.Claims!.Count).Select(PartOf)])) is { } code) return code;
        if (Crew.Read(folder) is null) return null;
        (SearchRecipe of, SearchState all) = DurableSearch.Together(call.Here, name);
        Write(call, of, all);
        return all.Solved || all.Seconds >= seconds ? 0 : App.Interrupted;
    }

    static void Write(Invocation call, SearchRecipe of, SearchState s)
    {
        if (call.Json)
        {
            call.Out.WriteLine(JsonSerializer.Serialize(s, ThinkCommandJson.Default.SearchState));
            return;
        }
        call.Out.WriteLine(of.Prompt);
        call.Out.WriteLine(s.Best is null ? "no answer yet" : $"answer {s.Best}  " + (s.Solved ? "passes the check"
            : $"the most frequent of {s.Distinct}, {s.Votes} times; nothing has passed a check"));
        call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{of.Strategy}: {s.Rounds} rounds, {s.Tokens:n0} tokens drawn, {s.Flops:0.00e0} FLOPs, {s.Seconds:0.0} s in " +
            $"all; {s.Folder}"));
    }

    static void Write(Invocation call, Problem problem, IStrategy way, Budget budget, Thought t, bool? right, bool all)
    {
        Cost c = t.Spent;
        if (call.Json)
        {
            call.Out.WriteLine(JsonSerializer.Serialize(new ThinkRecord(problem.Prompt, way.Name, $"{budget}", t.Chosen?.Thought,
                t.Answer, right, t.Drafts.Count, t.Attempts, c.Tokens, c.Passed, c.Flops, c.Seconds,
                all ? [.. t.Drafts.Select(d => d.Text)] : null), ThinkCommandJson.Default.ThinkRecord));
            return;
        }
        var colours = TracesCommand.Colours(call);
        call.Out.WriteLine(problem.Prompt);
        List<string> texts = [];
        foreach (PartialReply d in all ? t.Drafts : t.Chosen is { } chosen ? (PartialReply[])[chosen] : [])
        {
            string shown = d.Tokens.Count > 0 || d.Thought.Length == 0 ? d.Text : $"<{d.Thought}>{d.Text}";
            string mark = !all ? "  " : ReferenceEquals(d, t.Chosen) ? "* " : "  ";
            TracesCommand.Write(call, colours, mark + TracesCommand.Coloured(shown), mark + shown);
            texts.Add(shown);
        }
        string judged = right is { } r ? r ? "  right" : "  wrong" : "";
        call.Out.WriteLine(t.Answer is null ? "no answer" : $"answer {t.Answer}{judged}");
        call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{way.Name}: {t.Drafts.Count} draws, {t.Attempts} attempts, {c.Tokens} tokens drawn of {c.Passed} read") +
            (c.Flops > 0 ? string.Create(CultureInfo.InvariantCulture, $", {c.Flops:0.00e0} FLOPs") : "") +
            string.Create(CultureInfo.InvariantCulture, $", {c.Seconds:0.00} s"));
        if (TracesCommand.Legend(texts, false) is { Length: > 0 } signs) call.Out.WriteLine(signs);
    }
}

sealed record ThinkRecord(string Problem, string Strategy, string Budget, string? Thought, string? Answer, bool? Right, int Draws,
    int Attempts, long Tokens, long Passed, double Flops, double Seconds, IReadOnlyList<string>? Drafts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ThinkRecord))]
[JsonSerializable(typeof(SearchState))]
sealed partial class ThinkCommandJson : JsonSerializerContext;
