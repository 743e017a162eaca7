using System.CommandLine;
using System.Text.Json;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;
using Spectre.Console;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop traces</c>: what a model thinks before and after reinforcement; <c>--svg</c> draws how it
/// learnt.</summary>
static class TracesCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("runs") { Description = "Runs of 'isoflop rl'", Arity = ArgumentArity.OneOrMore };
        var count = new Option<int>("--count") { Description = "Items to show", HelpName = "N", DefaultValueFactory = _ => 3 };
        var svg = new Option<string>("--svg")
        {
            Description = "Write accuracy against compute, thinking and length as pictures; seeds of one recipe are one line",
            HelpName = "FILE",
        };
        var controls = new Option<string[]>("--controls")
        {
            Description = "In the picture: taught runs that went on with more demonstrations instead",
            HelpName = "RUN",
            AllowMultipleArgumentsPerToken = true,
        };
        var forecast = new Option<bool>("--forecast")
        {
            Description = "In the picture: the reward's sigmoid from the first half of its rise; the runs are seeds of one " +
                "recipe",
        };
        var verb = new Verb("traces", "Show replies before and after reinforcement: tries, checks and steps back in colour.",
            "isoflop traces p-rl", "isoflop traces p-rl p-rl.s2 p-rl.s3 --svg parity.svg")
        { runs, count, svg, controls, forecast };
        verb.Runs(call =>
        {
            string[] names = call.Parsed.GetValue(runs)!;
            if (call.Parsed.GetValue(svg) is { } file)
            {
                if (!Lab.Charts.Chart.Save(file,
                [
                    .. RlCharts.PassAtOne(names, call.Here, call.Parsed.GetValue(controls)), .. RlCharts.Habits(names, call.Here),
                    .. call.Parsed.GetValue(forecast)
                        ? [RlCharts.Forecast(RewardLaw.Of(names, call.Here), names, call.Here)]
                        : Array.Empty<Lab.Charts.Chart>(),
                ])) call.Err.WriteLine(Lab.Charts.Chart.TooFew);
                else call.Out.WriteLine(file);
                return 0;
            }
            IAnsiConsole? colours = Colours(call);
            List<string> shown = [];
            foreach (string name in names)
            {
                _ = Reinforcement.RecipeOf(name, call.Here);
                List<ReplyRow> rows = RlRows.ReadReplies(call.Here.RunFolder(name));
                if (rows.Count == 0) throw new ConfigException($"run '{name}' has kept no replies yet");
                int last = rows.Max(r => r.Step);
                foreach (var item in rows.Where(r => r.Step == 0 || r.Step == last).GroupBy(r => (r.Level, r.Prompt))
                    .Take(call.Parsed.GetValue(count)))
                {
                    if (call.Json)
                    {
                        foreach (ReplyRow r in item) call.Out.WriteLine(JsonSerializer.Serialize(r, RlJson.Default.ReplyRow));
                        continue;
                    }
                    Write(call, colours, $"[bold]{Markup.Escape($"{item.Key.Level}  {item.Key.Prompt}")}[/]",
                        $"{item.Key.Level}  {item.Key.Prompt}");
                    foreach (ReplyRow r in item)
                    {
                        string head = $"  step {r.Step,4}  {(r.Reward > 0 ? "right" : "wrong")}  ";
                        Write(call, colours, $"{Markup.Escape(head)}{Coloured(r.Reply)}", head + r.Reply);
                        shown.Add(r.Reply);
                    }
                }
            }
            if (!call.Json) Write(call, colours, Legend(shown, true), Legend(shown, false));
            return 0;
        });
        return verb;
    }

    /// <summary>Null where there is no terminal.</summary>
    internal static IAnsiConsole? Colours(Invocation call) => call.Coloured is { } screen
        ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(screen) }) : null;

    internal static void Write(Invocation call, IAnsiConsole? colours, string marked, string plain)
    {
        if (colours is null) call.Out.WriteLine(plain);
        else colours.MarkupLine(PlainWriter.Shown(marked));
    }

    internal static string Coloured(string reply) => string.Concat(reply.Select(c => Colour(c) is { } colour
        ? $"[{colour}]{Markup.Escape(c.ToString())}[/]" : Markup.Escape(c.ToString())));

    static string? Colour(char c) => c switch
    {
        Marks.Failed => "red",
        Marks.DeadEnd => "yellow",
        Marks.Back => "blue",
        Marks.Solved => "green",
        Marks.Goal or Marks.Said => "grey",
        Reply.Think or Reply.Say => "bold",
        _ => null,
    };

    /// <summary>A line that says what the signs in some replies mean; empty: there are none.</summary>
    internal static string Legend(IEnumerable<string> replies, bool coloured) => string.Join("  ", ReplySigns.In(replies)
        .Select(s => (coloured ? Coloured(s.Sign.ToString()) : s.Sign.ToString()) + " " + s.Means));
}
