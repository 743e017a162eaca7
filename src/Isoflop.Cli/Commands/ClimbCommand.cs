using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop climb</c>: one prompt through every rung.</summary>
static class ClimbCommand
{
    public static Verb Create()
    {
        var name = new Argument<string>("study") { Description = "The study" };
        var prompt = new Argument<string>("prompt") { Description = "Text to continue" };
        var tokens = new Option<int>("--tokens")
        {
            Description = "Length of a continuation",
            HelpName = "N",
            DefaultValueFactory = _ => 40
        };
        var temperature = new Option<double>("--temperature")
        {
            Description = "0: the likeliest token each time",
            HelpName = "X",
            DefaultValueFactory = _ => 0,
        };
        var answer = new Option<string>("--answer") { Description = "How likely is this after the prompt?", HelpName = "TEXT" };
        var seed = new Option<ulong>("--seed") { Description = "Of the draws", HelpName = "N", DefaultValueFactory = _ => 1 };
        var verb = new Verb("climb", "Continue one prompt by the best model of every budget, small to large.",
            "isoflop climb world \"Translate to Spanish: the red house.\" --answer \" la casa roja\"",
            "isoflop climb world \"Zuko went to the kitchen. Zuko left the\" --tokens 12")
        { name, prompt, tokens, temperature, answer, seed };
        verb.Runs(call =>
        {
            int length = call.Parsed.GetValue(tokens);
            if (length < 1) throw new ConfigException($"--tokens {length} must be positive; try 40");
            if (!(call.Parsed.GetValue(temperature) is >= 0 and <= 100 and var heat))
                throw new ConfigException("--temperature must be from 0 to 100; try 0.7");
            IReadOnlyList<StudyResult> rungs = Climb.Rungs(Study.Open(call.Here, call.Parsed.GetValue(name)!), call.Here);
            string text = call.Parsed.GetValue(prompt)!;
            IEnumerable<ClimbedRung> climbed = Climb.Continue(rungs, call.Here, text, length, heat,
                call.Parsed.GetValue(answer) ?? "", call.Parsed.GetValue(seed))
                .TakeWhile(_ => !call.Stop.IsCancellationRequested);
            if (!call.Json) Write(call.Out, text, climbed);
            else
                foreach (ClimbedRung r in climbed)
                    call.Out.WriteLine(JsonSerializer.Serialize(r, ClimbJson.Default.ClimbedRung));
            call.Stop.ThrowIfCancellationRequested();
            return 0;
        });
        return verb;
    }

    /// <summary>A line a rung, as they come.</summary>
    public static void Write(TextWriter output, string prompt, IEnumerable<ClimbedRung> climbed)
    {
        output.WriteLine($"{"FLOPs",8} {"params",9} {"loss",7}  {prompt}→");
        foreach (ClimbedRung r in climbed)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{r.Budget,8:0.##e0} {Format.Quantity(r.Parameters, ""),9} {r.Loss,7:0.0000}  ") +
                (r.AnswerNats is { } n ? string.Create(CultureInfo.InvariantCulture, $"[p {Math.Exp(-n):0.0e0}] ") : "") +
                r.Text.Replace("\n", "\\n"));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ClimbedRung))]
sealed partial class ClimbJson : JsonSerializerContext;
