using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Cuda;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Failures;
using Isoflop.Store;
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
        var patience = new Option<double>("--rank-seconds")
        {
            Description = "Under mpirun: how long a rank that gives no answer is waited for (default 600)",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 600,
        };
        var fault = new Option<string?>("--fault") { Description = "Fails so", HelpName = "KIND@STEP@SEED", Hidden = true };
        var verb = new Verb("train",
            "Train one model. The same settings open the same run folder, so repeating the command resumes it.",
        [
            "isoflop train corpus=reference --flops 1e12               one dial: size, tokens, batch, learning rate follow",
            "isoflop train corpus=reference model.d_model=64 train.steps=500 name=small",
            "isoflop train recipe.json seed=2                          a file of settings, one of them changed",
            "isoflop train --from small@400 train.steps=1000           go on from a checkpoint, in a new run",
            "mpirun -np 2 isoflop train corpus=reference --flops 1e12  the same run by two ranks, with the same bits",
        ])
        {
            resumeAt, peak, patience, fault,
        };
        var settings = new Settings(verb);
        verb.Sections = [Settings.Help(Config.Settings)];
        verb.Runs(call =>
        {
            RunConfig config = settings.Load(call.Parsed);
            Workspace here = call.Here with { PeakFlops = call.Parsed.GetValue(peak) * 1e9 };
            if (call.Parsed.GetValue(fault) is { } strikes) here = Injector.In(here, Fault.Parse(strikes));
            using MpiRanks? ranks = MpiRanks.Open(call.Parsed.GetValue(patience));
            TrainResult result = ranks is null ? Trainer.Train(config, here, call.Parsed.GetValue(resumeAt))
                : AsRank(call, ranks, here, rank => Trainer.Train(config, rank, call.Parsed.GetValue(resumeAt)));
            if (ranks is { Rank: > 0 }) return 0;
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

    /// <summary>One of several: the first speaks, and a mistake of one ends all.</summary>
    static TrainResult AsRank(Invocation call, MpiRanks ranks, Workspace here, Func<Workspace, TrainResult> train)
    {
        try
        {
            return train(here with
            {
                Ranks = ranks,
                Device = Cards.ForRank(here.Device, MpiRanks.NumberOnThisHost),
                Threads = here.Threads > 0 ? here.Threads : Math.Max(1, Environment.ProcessorCount / MpiRanks.OnThisHost),
                Progress = ranks.Rank == 0 ? here.Progress : null,
            });
        }
        catch (Exception e) when (e is ConfigException or DataException or IOException)
        {
            if (ranks.Rank > 0) Thread.Sleep(2000);               // what is wrong in all is said once, by the first
            call.Err.WriteLine($"{(ranks.Rank > 0 ? $"rank {ranks.Rank}: " : "")}{e.Message}");
            call.Err.Flush();
            ranks.Abort(App.UserError);
            throw;
        }
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
