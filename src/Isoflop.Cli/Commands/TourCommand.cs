using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop tour</c>: the whole program, small, on this machine.</summary>
static class TourCommand
{
    public static Verb Create()
    {
        var scale = new Option<double>("--scale")
        {
            Description = "Multiplies the compute; 1 is about three minutes on two cores",
            HelpName = "X",
            DefaultValueFactory = _ => 1,
        };
        var verb = new Verb("tour",
            "Train three sizes on the default corpus and look at loss against compute. " +
            "The same command goes on where it was stopped.",
            "isoflop tour",
            "isoflop tour --scale 0.1      a tenth of the compute") { scale };
        verb.Runs(call =>
        {
            double times = call.Parsed.GetValue(scale);
            if (!(times is >= 0.01 and <= 1e6)) throw new ConfigException($"--scale {times} must be from 0.01 to 1e6; try 1");
            TourResult tour;
            using (ProgressLine line = call.Progress())
                tour = Tour.Run(call.Home, times, new CorpusCommand.Reporter(line),
                    (name, p) => line.Report(name, p.Step, p.Steps, "steps",
                        string.Create(CultureInfo.InvariantCulture, $"loss {p.Loss:F3}")),
                    stop: call.Stop);
            if (call.Json)
                foreach (TourStop stop in tour.Stops)
                    call.Out.WriteLine(JsonSerializer.Serialize(stop, TourJson.Default.TourStop));
            else Write(call.Out, tour);
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, TourResult tour)
    {
        output.WriteLine();
        output.WriteLine(tour.Chart.Terminal());
        output.WriteLine();
        var table = new List<string[]> { new[] { "", "params", "tokens", "FLOPs", "seconds" } };
        foreach (TourStop s in tour.Stops)
            table.Add([s.Run, Format.Quantity(s.Parameters, ""), Format.Quantity(s.Tokens, ""),
                s.Flops.ToString("0.0e0", CultureInfo.InvariantCulture), s.Seconds.ToString("F0", CultureInfo.InvariantCulture)]);
        TextTable.Write(output, table, 0);
        output.WriteLine();
        BaselineTable.Write(output, tour.Baselines, [.. tour.Stops.Select(s => (s.Run, s.Loss, s.BitsPerByte))]);
        output.WriteLine();
        foreach (TourStop s in tour.Stops) output.WriteLine($"{s.Run}:  {tour.Prompt}→{s.Text.ReplaceLineEndings(" ")}");
        output.WriteLine();
        output.WriteLine($"picture: {tour.Picture}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TourStop))]
sealed partial class TourJson : JsonSerializerContext;
