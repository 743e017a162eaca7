using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tours;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop tour</c>: the whole program, small, on this machine.</summary>
static class TourCommand
{
    public static Verb Create()
    {
        var scale = new Option<double>("--scale")
        {
            Description = "Multiplies the compute; 1 is a few minutes on two cores",
            HelpName = "X",
            DefaultValueFactory = _ => 1,
        };
        var verb = new Verb("tour",
            "A ladder of twelve small runs on the default corpus, its law, a forecast, the run that checks it, the score, a " +
            "report; then a ladder on a world of labelled tasks and the map of what each rung can do; then reinforcement that " +
            "teaches a small model when to think. The same command goes on where it was stopped.",
            "isoflop tour",
            "isoflop tour --scale 0.1      a tenth of the compute") { scale };
        verb.Runs(call =>
        {
            double times = call.Parsed.GetValue(scale);
            if (!(times is >= 0.01 and <= 1e6)) throw new ConfigException($"--scale {times} must be from 0.01 to 1e6; try 1");
            TourResult tour = Tour.Run(call.Here, times);
            if (call.Json)
            {
                foreach (TourStop stop in tour.Stops)
                    call.Out.WriteLine(JsonSerializer.Serialize(stop, TourJson.Default.TourStop));
                tour.World.Map.ToTable([]).WriteJsonLines(call.Out);
            }
            else Write(call.Out, tour);
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, TourResult tour)
    {
        output.WriteLine();
        StudyTables.Results(output, tour.Ladder);
        output.WriteLine();
        StudyTables.Findings(output, tour.Findings, 1);
        output.WriteLine();
        ForecastCommand.Write(output, tour.Ladder.Study, tour.Forecast);
        ForecastCommand.Write(output, tour.Score);
        output.WriteLine();
        BaselineTable.Write(output, tour.Baselines, [.. tour.Stops.Select(s => (s.Run, s.Loss, s.BitsPerByte))]);
        output.WriteLine();
        foreach (TourStop s in tour.Stops) output.WriteLine($"{s.Run}:  {tour.Prompt}→{s.Text.ReplaceLineEndings(" ")}");
        output.WriteLine();
        output.WriteLine($"report: {tour.Findings.Page}");
        output.WriteLine();
        WorldTour world = tour.World;
        output.WriteLine("accuracy in percent on held-out questions of a generated world, best size of each budget");
        MapPictures.Terminal(world.Map, output);
        output.WriteLine();
        ClimbCommand.Write(output, world.Question, world.Climbed);
        output.WriteLine();
        output.WriteLine($"report: {world.Page}; the rest of the map: isoflop map {world.Map.Study}");
        output.WriteLine();
        ThinkingTour thinking = tour.Thinking;
        output.WriteLine("a model that was shown some thoughts, then reinforcement: parity of 12 bits, held-out items");
        output.WriteLine(thinking.Training.Terminal());
        foreach (RlEval e in (RlEval[])[.. thinking.Evals.Take(2), .. thinking.Evals.TakeLast(2)])
            output.WriteLine($"  step {e.Step,3}  {RlText.Form(e.Form)}  {RlText.Scores(e)}");
        foreach (ReplyRow r in thinking.Replies) output.WriteLine($"  step {r.Step,3}  {r.Prompt} {r.Reply}");
        output.WriteLine();
        output.WriteLine("the same models with more replies to a question");
        output.WriteLine(thinking.Frontier.Terminal());
        output.WriteLine($"picture: {thinking.Picture}");
        output.WriteLine($"the whole talk with these numbers: {tour.Page}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TourStop))]
sealed partial class TourJson : JsonSerializerContext;
