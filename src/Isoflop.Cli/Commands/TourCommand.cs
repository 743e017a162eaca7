using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Tours;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop tour</c>: the whole program, small, on this machine.</summary>
static class TourCommand
{
    public static Verb Create()
    {
        var scale = new Option<double>("--scale")
        {
            Description = "Multiplies the compute; 1 is some ten minutes on two cores",
            HelpName = "X",
            DefaultValueFactory = _ => 1,
        };
        var verb = new Verb("tour",
            "The questions of Jason Wei's talk on two paradigms of scaling, answered by small models on this machine: " +
            "loss against compute and a forecast, what " +
            "each rung can do, thought against answers at once, reinforcement, and more time to think. Each answer is printed " +
            "when it is there, with what comes next; the same command goes on where it was stopped.",
            "isoflop tour",
            "isoflop tour --scale 0.1      a tenth of the compute") { scale };
        verb.Runs(call =>
        {
            double times = call.Parsed.GetValue(scale);
            if (!(times is >= 0.01 and <= 1e6)) throw new ConfigException($"--scale {times} must be from 0.01 to 1e6; try 1");
            TourResult tour = Tour.Run(call.Here, times, call.Json ? null : part => Write(call, part));
            if (call.Json)
            {
                foreach (TourStop stop in tour.Text.Stops)
                    call.Out.WriteLine(JsonSerializer.Serialize(stop, TourJson.Default.TourStop));
                tour.World.Map.ToTable([]).WriteJsonLines(call.Out);
            }
            else call.Out.WriteLine($"the whole talk with these numbers: {tour.Page}");
            return 0;
        });
        return verb;
    }

    static void Write(Invocation call, TourPart part)
    {
        TextWriter output = call.Out;
        int number = Tour.Questions.ToList().IndexOf(part.Question) + 1;
        output.WriteLine($"{number} of {Tour.Questions.Count}  {part.Question}");
        foreach (string line in Chart.Wrapped(part.Answer, 110)) output.WriteLine($"  {line}");
        output.WriteLine();
        if (part.FigureText.Length > 0) output.WriteLine(part.FigureText);
        else if (part.Charts.Count > 0) output.WriteLine(part.Charts[0].Terminal());
        foreach (TourTable table in part.Tables)
        {
            if (table.Caption.Length > 0) output.WriteLine(table.Caption);
            TextTable.Write(output, [[.. table.Heads], .. table.Rows], [.. Enumerable.Range(0, table.Heads.Count)
                .Where(c => !table.Rows.All(r => r[c].Length > 0 && char.IsDigit(r[c][0])))]);
            output.WriteLine();
        }
        if (part.More.Length > 0) output.WriteLine($"more: {part.More}");
        output.WriteLine();
        output.Flush();
        if (number < Tour.Questions.Count) call.Err.WriteLine($"next: {Tour.Questions[number]}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TourStop))]
sealed partial class TourJson : JsonSerializerContext;
