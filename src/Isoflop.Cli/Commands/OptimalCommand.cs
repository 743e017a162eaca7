using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop optimal</c>: the best N and D of a budget, by a law of one's own and by the published ones.</summary>
static class OptimalCommand
{
    /// <summary>Dense BF16 FLOP/s of a chip (FP16 where it has no BF16), from the makers' data sheets.</summary>
    static readonly Dictionary<string, double> chips = new(StringComparer.OrdinalIgnoreCase)
    {
        ["B200"] = 2250e12,
        ["MI300X"] = 1307e12,
        ["H200"] = 989e12,
        ["H100"] = 989e12,
        ["A100"] = 312e12,
        ["L40S"] = 362e12,
        ["RTX4090"] = 165e12,
        ["A10"] = 125e12,
        ["V100"] = 125e12,
        ["L4"] = 121e12,
        ["T4"] = 65e12,
    };

    public static Command Create()
    {
        var flops = new Option<double>("--flops") { Description = "Training FLOPs to spend", HelpName = "C", Required = true };
        var law = new Option<string?>("--law") { Description = "law.json, or a study of this home", HelpName = "FILE|STUDY" };
        var gpu = new Option<string>("--gpu")
        {
            Description = "Chip, or its PFLOP/s: " + string.Join(", ", chips.Keys),
            HelpName = "NAME|PFLOPS",
            DefaultValueFactory = _ => "H100",
        };
        var mfu = new Option<double>("--mfu")
        {
            Description = "Share of the peak that training reaches",
            HelpName = "X",
            DefaultValueFactory = _ => 0.4,
        };
        var price = new Option<double?>("--price") { Description = "Dollars for an hour of the chip", HelpName = "X" };
        var verb = new Verb("optimal",
            "Split a budget: parameters, tokens, predicted loss; published laws beside it; hours and money.",
            "isoflop optimal --flops 1e21 --gpu H100 --price 2.5", "isoflop optimal --flops 1e16 --law ladder")
        { flops, law, gpu, mfu, price };
        verb.Runs(call =>
        {
            double budget = RunConfig.Budget(call.Parsed.GetValue(flops)), share = call.Parsed.GetValue(mfu);
            if (!(share is > 0 and <= 1))
                throw new ConfigException(FormattableString.Invariant($"--mfu {share} must be above 0 and at most 1"));
            if (call.Parsed.GetValue(price) is < 0 or double.NaN) throw new ConfigException("--price must not be negative");
            string chip = call.Parsed.GetValue(gpu)!;
            double hours = budget / (Peak(chip) * share) / 3600;
            double? money = hours * call.Parsed.GetValue(price);

            List<OptimalRow> rows = [];
            List<string> refused = [];
            if (call.Parsed.GetValue(law) is { } name) rows.Add(Row(name, Find(call.Here, name), budget));
            foreach (Law published in (Law[])[Published.Hoffmann, Published.Besiroglu, Published.Kaplan])
            {
                try
                {
                    rows.Add(Row(published.Source, published, budget));
                }
                catch (DataException e)
                {
                    refused.Add($"{published.Source}: {e.Message}");
                }
            }
            var record = new OptimalRecord(budget, chip, share, hours, money, rows, refused);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(record, OptimalJson.Default.OptimalRecord));
            else Write(call.Out, record);
            return 0;
        });
        return verb;
    }

    static OptimalRow Row(string name, Law law, double budget)
    {
        Optimum best = law.Optimal(budget);
        return new(name, law.NMeaning, best.N, best.D, best.TokensPerParameter, best.Loss);
    }

    /// <summary>A file, or the law of a study.</summary>
    static Law Find(Workspace here, string name)
    {
        if (File.Exists(name)) return Law.Load(name);
        string path = Path.Combine(here.StudyFolder(name), LawFile.Name);
        return File.Exists(path) ? Law.Load(path)
            : throw new DataException($"--law {name}: neither a file nor a fitted study ({path}); run isoflop fit {name}");
    }

    static double Peak(string chip)
    {
        if (chips.TryGetValue(chip, out double peak)) return peak;
        return double.TryParse(chip, NumberStyles.Float, CultureInfo.InvariantCulture, out double petaflops) && petaflops > 0
            && double.IsFinite(petaflops) ? petaflops * 1e15
            : throw new ConfigException($"--gpu {chip}: give PFLOP/s or one of {string.Join(", ", chips.Keys)}");
    }

    static void Write(TextWriter output, OptimalRecord r)
    {
        if (r.Laws.Count > 0) TextTable.Write(output, [["law", "N*", "", "D*", "", "D/N", "", "loss", "", "N counts"],
            .. r.Laws.Select(l => (string[])
                [l.Law, .. Cells(l.N), .. Cells(l.D), .. Cells(l.TokensPerParameter), .. Cells(l.Loss), l.NCounts])],
            0, 2, 4, 6, 8, 9);
        foreach (string refused in r.Refused) output.WriteLine(refused);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{r.Flops:0.###e0} FLOPs on {r.Gpu} at {100 * r.Mfu:0.#} % of its peak: {LawText.Number(r.GpuHours)} GPU-hours") +
            (r.Money is { } m ? ", $" + (m < 1 ? LawText.Number(m) : m.ToString("#,0.##", CultureInfo.InvariantCulture)) : ""));
        if (r.Laws.Any(l => double.IsNaN(l.N.Low)))
            output.WriteLine("Published laws come without joint intervals; losses of other tokenizers and data do not compare.");

        static string[] Cells(Estimate e) => [LawText.Number(e.Value),
            double.IsFinite(e.Low) ? $"({LawText.Number(e.Low)} … {LawText.Number(e.High)})" : ""];
    }
}

/// <summary>A law's answer.</summary>
sealed record OptimalRow(string Law, string NCounts, Estimate N, Estimate D, Estimate TokensPerParameter, Estimate Loss);

/// <summary>All answers and the price, for scripts.</summary>
/// <param name="Refused">published laws that do not reach so far, and why</param>
sealed record OptimalRecord(double Flops, string Gpu, double Mfu, double GpuHours, double? Money, IReadOnlyList<OptimalRow> Laws,
    IReadOnlyList<string> Refused);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(OptimalRecord))]
sealed partial class OptimalJson : JsonSerializerContext;
