using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Kernels;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

/// <summary>A run's precision: a wish that is settled before it starts, recorded, and kept.</summary>
public class PrecisionTests
{
    static readonly CorpusFacts Facts = new("c", 512, 1_000_000, 10_000, 3, "hash");

    static Plan Make(params string[] more) => Plan.Make(Config.Load(null, ["corpus=c", "train.steps=5", .. more]), Facts);

    [Fact]
    public void A_wish_comes_to_what_the_machine_has()
    {
        Assert.Equal(Precision.F32, Precisions.Chosen(null, 512, Precision.Bf16Tiles, ""));
        Assert.Equal(Precision.F32, Precisions.Chosen(Precision.Auto, 512, null, "no AMX"));
        Assert.Equal(Precision.F32, Precisions.Chosen(Precision.Auto, 255, Precision.Bf16Pairs, ""));
        Assert.Equal(Precision.Bf16Pairs, Precisions.Chosen(Precision.Auto, 256, Precision.Bf16Pairs, ""));
        Assert.Equal(Precision.Bf16Tiles, Precisions.Chosen(Precision.Bf16, 16, Precision.Bf16Tiles, ""));
        // what is settled stays: a record may be another machine's
        Assert.Equal(Precision.Bf16Pairs, Precisions.Chosen(Precision.Bf16Pairs, 16, Precision.Bf16Tiles, ""));
        Assert.Equal("train.precision=bf16: this machine has none (no AMX); leave it out for f32, or train where there is",
            Assert.Throws<ConfigException>(() => Precisions.Chosen(Precision.Bf16, 16, null, "no AMX")).Message);
    }

    [Fact]
    public void Float32_is_what_it_was_and_bf16_has_a_name_of_its_own()
    {
        Plan plain = Make(), named = Make("train.precision=f32"), narrow = Make("train.precision=auto", "model.d_model=64"),
            pairs = Make("train.precision=bf16_pairs"), tiles = Make("train.precision=bf16_tiles");
        Assert.Null(plain.Config.Train.Precision);
        Assert.Equal(plain.Config, named.Config);
        Assert.Null(narrow.Config.Train.Precision);
        Assert.Equal(3, new[] { plain.Name, pairs.Name, tiles.Name }.Distinct().Count());
        Assert.Equal(["train.precision=bf16_pairs, now bf16_tiles"],
            Config.Differences(pairs.Config, tiles.Config).Where(d => !d.StartsWith("name", StringComparison.Ordinal)));
        Assert.Equal(plain.Memory.Packed, 2 * pairs.Memory.Packed);
        Assert.Equal("train.micro_tokens=512 would show in the bits with train.precision=bf16_pairs; leave one out",
            Assert.Throws<ConfigException>(() => Make("train.micro_tokens=512", "train.precision=bf16_pairs")).Message);
        foreach (Plan plan in new[] { pairs, tiles })
            Assert.Equal(plan.Precision, Precisions.Chosen(Enum.GetValues<Precision>().Single(p => p.Name() == plan.Precision.Name()), 8, null, ""));
    }

    /// <summary>The reference device forms either anywhere; on "cpu" the run is refused where the instructions are missing.</summary>
    [Fact]
    public void A_run_is_recorded_in_its_precision_and_refused_where_it_cannot_go_on()
    {
        using var home = new TinyHome();
        string[] run = ["train", "corpus=tiny", "name=b", "train.batch_tokens=64", "train.steps=2", "model.context_len=32", "model.d_model=16",
            "model.n_layer=1", "model.n_head=2", "--precision", "bf16_tiles", "--threads", "1", "--peak", "100", "--home", home.Path];
        (int code, string output, string error) = Run([.. run, "--device", "cpu:reference"]);
        Assert.True(code == 0, error);
        Assert.StartsWith(home.RunPath("b"), output);
        Assert.Equal(Precision.Bf16Tiles, RunRecord.Load(home.RunPath("b")).Config.Train.Precision);
        Assert.Contains("\"precision\": \"bf16_tiles\"", File.ReadAllText(Path.Combine(home.RunPath("b"), RunRecord.FileName)));

        (code, output, error) = Run([.. run, "--device", "cpu:reference", "--precision", "f32"]);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains("given once", error.Replace("expects a single argument", "given once"));
        (code, _, error) = Run([.. run.Where(a => a is not "--precision" and not "bf16_tiles"), "--device", "cpu:reference"]);
        Assert.Equal(2, code);
        Assert.Contains("train.precision=bf16_tiles, now null; choose another name", error);

        Assert.SkipWhen(Bf16Code.Tiles.Found, "this machine has AMX: nothing is refused");
        (code, output, error) = Run(run);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("train.precision=bf16_tiles: this machine has none (", error);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.SkipUnless(Precisions.Here is null, "this machine has bf16");
        (code, _, error) = Run([.. run.Select(a => a == "bf16_tiles" ? "bf16" : a)]);
        Assert.Equal(2, code);
        Assert.StartsWith("train.precision=bf16: this machine has none (", error);
    }

    [Theory]
    [InlineData("fp16", "train.precision=fp16 must be f32, auto, bf16, bf16_pairs or bf16_tiles")]
    [InlineData("1", "train.precision=1 must be f32, auto, bf16, bf16_pairs or bf16_tiles")]
    public void What_is_no_precision_is_refused_by_name(string value, string message)
    {
        using var home = new TinyHome();
        (int code, _, string error) = Run(["train", "corpus=tiny", "train.steps=2", "--precision", value, "--home", home.Path]);
        Assert.Equal(2, code);
        Assert.StartsWith(message, error);
    }

    [Fact]
    public void A_device_of_its_own_precision_is_asked_for_no_other()
    {
        Devices.Register("odd", threads => new CpuDevice(threads));
        using IDevice odd = Devices.Open("odd", 1);
        Assert.StartsWith("train.precision=bf16_pairs: device 'odd' has one precision of its own",
            Assert.Throws<ConfigException>(() => Devices.Open("odd", 1, Precision.Bf16Pairs)).Message);
        using IDevice reference = Devices.Open("cpu:reference", 1, Precision.Bf16Pairs);
        Assert.Equal("bf16_pairs", reference.Traits.Precision);
    }

    static (int Code, string Out, string Err) Run(string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(args, [TrainCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }
}
