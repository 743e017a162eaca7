using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Lab.Baselines;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop train</c>: settings in, a run folder out.</summary>
static class TrainCommand
{
    public static Command Create()
    {
        var resumeAt = new Option<int?>("--resume-at")
        {
            Description = "Resume at this checkpoint; later ones are set aside",
            HelpName = "STEP",
        };
        var peak = new Option<double>("--peak")
        {
            Description = "GFLOP/s this machine can reach, for the share in the rows; 0: measured",
            HelpName = "X",
        };
        var verb = new Verb("train",
            "Train one model. The same settings open the same run folder, so repeating the command resumes it.",
        [
            "isoflop train corpus=reference --flops 1e12               one dial: size, tokens, batch, learning rate follow",
            "isoflop train corpus=reference model.d_model=64 train.steps=500 name=small",
            "isoflop train recipe.json seed=2                          a file of settings, one of them changed",
            "isoflop train --from small@400 train.steps=1000           go on from a checkpoint, in a new run",
        ])
        {
            resumeAt, peak,
        };
        var settings = new Settings(verb);
        verb.Sections = [Settings.Help(Config.Settings)];
        verb.Runs(call =>
        {
            RunConfig config = settings.Load(call.Parsed);
            TrainResult result = Trainer.Train(config, call.Here with { PeakFlops = call.Parsed.GetValue(peak) * 1e9 },
                call.Parsed.GetValue(resumeAt));
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(result, TrainCommandJson.Default.TrainResult));
            else
            {
                call.Out.WriteLine(Line(result));
                if (result.Done) WriteBaselines(call, result);
            }
            return result.Done ? 0 : App.Interrupted;
        });
        return verb;
    }

    /// <summary>What the loss stands beside: counting models on the same tokens, compressors on the same bytes.</summary>
    static void WriteBaselines(Invocation call, TrainResult result)
    {
        using Corpus corpus = Corpus.Open(call.Here.CorpusFolder(RunRecord.Load(result.Path).Corpus.Name));
        if (CorpusBaselines.Kept(corpus) is { } kept)
            BaselineTable.Write(call.Out, kept, (result.Name, result.ValidLoss, result.BitsPerByte));
    }

    static string Line(TrainResult r) => !r.Done
        ? string.Create(CultureInfo.InvariantCulture,
            $"{r.Path}\tstopped at step {r.Step} of {r.Steps}, loss {r.Loss:F4}; the same command resumes")
        : string.Create(CultureInfo.InvariantCulture,
            $"{r.Path}\tloss {r.ValidLoss:F4} nats/token, {r.BitsPerByte:F4} bits/byte on held-out " +
            $"text, {r.Ledger.Spent.Flops:0.00e0} FLOPs{(r.AlreadyDone ? " (was done already)" : "")}");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainResult))]
sealed partial class TrainCommandJson : JsonSerializerContext;
