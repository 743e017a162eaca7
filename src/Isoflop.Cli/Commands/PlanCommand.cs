using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Lab.Failures;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop plan</c>: prices a run without starting it.</summary>
static class PlanCommand
{
    /// <summary>Share of the machine's peak that training is reckoned to reach when nothing better is known.</summary>
    const double UsualShare = 0.5;

    public static Command Create()
    {
        var gflops = new Option<double>("--gflops")
        {
            Description = "GFLOP/s that training reaches; 0: half of this machine's measured peak",
            HelpName = "X",
        };
        var ranks = new Option<int>("--ranks")
        {
            Description = "Also a step's time by so many ranks of machines like this one",
            HelpName = "N",
        };
        var network = new Option<double>("--network")
        {
            Description = "Gbit/s between any two of them, each way",
            HelpName = "GBITS",
            DefaultValueFactory = _ => 10,
        };
        var between = new Option<double>("--hours-between")
        {
            Description = "Also how often to save and to check, where one machine fails once in so many hours",
            HelpName = "H",
        };
        var verb = new Verb("plan", "Price a run without starting it: shape, tokens, FLOPs by layer, memory, time.",
        [
            "isoflop plan corpus=reference --flops 1e13",
            "isoflop plan recipe.json train.steps=2000 --gflops 90 --json",
            "isoflop plan corpus=reference --flops 1e15 train.shards=64 --ranks 64 --network 100",
            "isoflop plan corpus=reference --flops 1e15 train.shards=64 --ranks 64 --hours-between 6000",
        ])
        {
            gflops, ranks, network, between,
        };
        var settings = new Settings(verb);
        verb.Sections = [Settings.Help(Config.Settings)];
        verb.Runs(call =>
        {
            Plan plan = Trainer.PlanOf(settings.Load(call.Parsed), call.Here);
            double given = call.Parsed.GetValue(gflops), rate = given > 0 ? given : UsualShare * Machine.Measure().PeakGflops;
            var record = PlanRecord.Of(plan, rate);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(record, PlanCommandJson.Default.PlanRecord));
            else Write(call.Out, plan, record);
            int count = call.Parsed.GetValue(ranks);
            if (count != 0) WriteRanks(call, plan, count, rate * 1e9, call.Parsed.GetValue(network));
            double hours = call.Parsed.GetValue(between);
            if (hours != 0) WriteSaves(call, plan, record, Math.Max(1, count), hours);
            return 0;
        });
        return verb;
    }

    static void WriteRanks(Invocation call, Plan plan, int ranks, double rate, double gigabits)
    {
        Trainer.CheckRanks(ranks, plan);
        if (!(gigabits > 0)) throw new ConfigException($"--network {gigabits} must be above 0: Gbit/s, each way");
        double memory = Machine.Measure().BandwidthGBs * 1e9;
        RankTime alone = RankTime.Of(plan, 1, rate, memory, 1), time = RankTime.Of(plan, ranks, rate, memory, gigabits * 1e9 / 8);
        call.Out.WriteLine(I($"{"ranks",-11} {ranks} at {gigabits:0.#} Gbit/s: a step in {1e3 * time.Total:0.0} ms (") +
            I($"passes {1e3 * time.Passes:0.0}, gradients {1e3 * time.Exchange:0.0}, update {1e3 * time.Update:0.0}), ") +
            I($"{alone.Total / time.Total:0.0} times one rank's rate, ") +
            I($"{100 * time.Efficiency(alone.Total, ranks):0} % of {ranks} times"));
        WriteMemory(call.Out, "each rank", plan.MemoryOnHost(ranks));
    }

    static void WriteSaves(Invocation call, Plan plan, PlanRecord record, int machines, double hours)
    {
        Directory.CreateDirectory(call.Here.Root);
        double bytes = 12.0 * plan.Parameters, save = SaveTime.Measure(call.Here.Root, bytes);
        double fails = hours * 3600 / machines, step = record.Seconds / plan.Steps;
        double every = CheckpointInterval.Daly(save, fails), young = CheckpointInterval.Young(save, fails);
        double silent = fails / FailureRates.Llama3.Silent;
        int check = CheckpointInterval.CheckEvery(step, silent);
        call.Out.WriteLine($"{"saves",-11} " + I($"{Format.Quantity(bytes, "B")} in {1e3 * save:0} ms, measured in ") +
            $"{call.Here.Root}; a failure in {ProgressLine.Span(fails)}: every {ProgressLine.Span(every)} by Daly, " +
            $"{ProgressLine.Span(young)} by Young; " +
            I($"{100 * CheckpointInterval.Effective(every, save, fails, 0):0.00} % of the time is useful: ") +
            I($"save.minutes={every / 60:0.###}"));
        call.Out.WriteLine($"{"checks",-11} " + I($"where 6 failures of 419 are silent, as {FailureRates.Llama3.Source}'s: ") +
            I($"train.check_every={check}, {100.0 / check:0.00} % more steps"));
    }

    static void WriteMemory(TextWriter output, string label, MemoryPlan m)
    {
        (string, long)[] parts = [("weights", m.Parameters), ("gradients", m.Gradients), ("moments", m.Moments),
            ("packed", m.Packed), ("activations", m.Activations)];
        output.WriteLine($"{label,-11} {Format.Quantity(m.Total, "B")}: " +
            string.Join(", ", parts.Select(part => $"{part.Item1} {Format.Quantity(part.Item2, "B")}")));
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    static void Write(TextWriter output, Plan plan, PlanRecord r)
    {
        var m = plan.Model;
        Line("run", r.Name);
        Line("model", I($"{m.NLayer} layers of {m.DModel}, {m.NHead} heads of {m.HeadWidth}, SwiGLU {m.FfWidth}, ") +
            I($"vocabulary {m.VocabSize}, context {m.ContextLen}"));
        Line("parameters", I($"{r.Parameters:N0}; without embedding and head {r.NonEmbedding:N0}"));
        Line("tokens", I($"{r.Tokens:N0} in {r.Steps - plan.FirstStep:N0} steps of {r.BatchTokens:N0} ") +
            I($"({plan.Passes} passes each); {r.Epochs:0.##} epochs of '{plan.Corpus.Name}'"));
        Line("ratio", I($"{r.TokensPerParameter:0.#} tokens for each of the ") +
            I($"{plan.ParametersWithoutEmbedding:N0} parameters without the embedding"));
        Line("rate", I($"{plan.LearningRate} at its peak, {plan.Config.Train.Schedule.ToString()!.ToLowerInvariant()}"));
        WriteMemory(output, "memory", plan.Memory);
        Line("FLOPs", I($"{r.Flops:0.000e0} of training, {r.EvalFlops:0.0e0} of evaluation"));
        string[] Cells(string layer, double flops) => ["  ", layer, I($"{flops:0.000e0}"), I($"{100 * flops / r.Flops:0.0} %")];
        TextTable.Write(output, [.. r.FlopsByLayer.Select(l => Cells(l.Key, l.Value))], 0, 1);
        Line("time", I($"{ProgressLine.Span(r.Seconds)} at {r.Gflops:0} GFLOP/s"));

        void Line(string label, string text) => output.WriteLine($"{label,-11} {text}");
    }
}

/// <summary>A plan as a record for scripts.</summary>
sealed record PlanRecord(string Name, RunConfig Config, long Parameters, long NonEmbedding, double TokensPerParameter, int Steps,
    int BatchTokens, int Passes, long Tokens, double Epochs, double Flops, IReadOnlyDictionary<string, double> FlopsByLayer,
    double EvalFlops, long MemoryBytes, double Gflops, double Seconds)
{
    public static PlanRecord Of(Plan p, double gflops) => new(p.Name, p.Config, p.Parameters, p.NonEmbedding,
        (double)p.Tokens / p.ParametersWithoutEmbedding, p.Steps, p.BatchTokens, p.Passes, p.Tokens, p.Epochs,
        p.FlopsByLayer.Total, p.FlopsByLayer.ByLayer().ToDictionary(l => l.Layer, l => l.Flops), p.EvalFlops, p.Memory.Total,
        gflops,
        p.SecondsAt(gflops * 1e9));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PlanRecord))]
sealed partial class PlanCommandJson : JsonSerializerContext;
