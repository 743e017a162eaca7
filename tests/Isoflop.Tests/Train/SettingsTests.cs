using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class SettingsTests
{
    static readonly CorpusFacts Facts = new("c", 512, 1_000_000, 10_000, 3, "hash");

    /// <summary>What every run needs, unless the setting in question says it.</summary>
    static string[] Around(string key) => [.. ((string[])["corpus=c", "train.steps=50", "train.batch_tokens=512"])
        .Where(s => s.Split('=')[0] != key && !(s.StartsWith("train.steps", StringComparison.Ordinal) && key is "train.tokens" or "flops"))];

    /// <summary>Other than the default, and possible beside the others.</summary>
    static string Value(Setting s) => s.Key switch
    {
        "name" => "mine",
        "corpus" => "c",
        "flops" => "1e10",
        "from" => "a@3",
        "from_mode" => "fork",
        "model.vocab_size" => "600",
        "model.context_len" => "128",
        "model.d_model" => "24",
        "model.n_head" => "2",
        "model.n_kv_head" => "1",
        "model.d_head" => "18",
        "train.batch_tokens" => "1024",
        "train.micro_tokens" => "256",
        "train.shards" => "2",
        "train.precision" => "bf16_pairs",
        "train.tokens" => "5120",
        "train.schedule" => "cosine",
        "train.optimizer" => "muon",
        "train.spikes" => "clip",
        "model.qk_norm" => "false",
        "model.tied_head" or "save.beside" => "true",
        { } key when key.EndsWith("_steps", StringComparison.Ordinal) || s.Default.Length == 0 => key == "train.learning_rate" ? "0.125" : "7",
        _ => s.Default == "0" ? "1" : (double.Parse(s.Default, System.Globalization.CultureInfo.InvariantCulture) / 2)
            is var half && s.Default is "1" or "5" or "2" ? "3" : $"{half:R}",
    };

    public static TheoryData<string, string> Given => [.. Config.Settings.Select(s => (s.Key, Value(s)))];

    [Theory]
    [MemberData(nameof(Given))]
    public void What_is_given_in_code_in_a_file_or_as_text_stands_in_the_plan(string key, string value)
    {
        string[] path = key.Split('.');
        RunConfig text = Config.Load(null, [.. Around(key), $"{key}={value}"]);

        string file = Path.GetTempFileName();
        bool bare = double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out _) || value is "true" or "false";
        string leaf = $"\"{path[^1]}\": {(bare ? value : $"\"{value}\"")}";
        File.WriteAllText(file, path.Length == 1 ? $"{{ {leaf} }}" : $"{{ \"{path[0]}\": {{ {leaf} }} }}");
        RunConfig json = Config.Load(file, Around(key));
        File.Delete(file);

        RunConfig code = Config.Load(null, Around(key)) with { };
        object owner = path.Length == 1 ? code : PropertyOf(code, path[0]).GetValue(code)!;
        PropertyInfo property = PropertyOf(owner, path[^1]);
        property.SetValue(owner, PropertyOf(path.Length == 1 ? text : PropertyOf(text, path[0]).GetValue(text)!, path[^1])
            .GetValue(path.Length == 1 ? text : PropertyOf(text, path[0]).GetValue(text)!));

        Assert.Equal(text, json);
        Assert.Equal(text, code);
        if (key is "from" or "from_mode")                         // they need a source run
        {
            Assert.Contains(text.Problems().DefaultIfEmpty(text.From ?? ""), p => p.Contains(key == "from" ? "a@3" : "from_mode"));
            return;
        }
        Plan plan = Plan.Make(text, Facts);
        Assert.Equal(Config.ToJson(plan.Config), Config.ToJson(Plan.Make(code, Facts).Config));
        if (key == "flops") Assert.InRange(plan.FlopsByLayer.Total, 0.8e10, 1.2e10);
        else if (key == "train.tokens") Assert.Equal(5120, plan.Tokens);
        else
            Assert.Equal(property.GetValue(owner), property.GetValue(path.Length == 1 ? plan.Config
                : PropertyOf(plan.Config, path[0]).GetValue(plan.Config)!));
    }

    static PropertyInfo PropertyOf(object record, string key) => record.GetType().GetProperties()
        .Single(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name) == key);

    [Fact]
    public void The_dial_keeps_what_code_gives()
    {
        Plan plan = Plan.Make(new() { Corpus = "c", Flops = 1e10, Model = new() { DModel = 24 } }, Facts);
        Assert.Equal(24, plan.Model.DModel);
        plan = Plan.Make(new() { Corpus = "c", Flops = 1e12, Model = new() { NLayer = 7, DHead = 8 }, Train = new() { Clip = 2 } }, Facts);
        Assert.Equal((7, 8, 2.0), (plan.Model.NLayer, plan.Model.HeadWidth, plan.Adam.Clip));
    }

    [Theory]
    [InlineData("flops=0", "flops=0 must be above 0; try 1e12")]
    [InlineData("train.batch_tokens=0", "train.batch_tokens=0 must be at least 1, or left out")]
    [InlineData("train.learning_rate=0", "train.learning_rate=0 must be above 0 and below 10; try 0.01")]
    [InlineData("model.n_kv_head=0", "model.n_kv_head=0 must be at least 1, or left out")]
    [InlineData("model.d_model=0", "model.d_model=0 must be at least 1; try 128")]
    [InlineData("train.warmup=nan", "train.warmup=nan must be a number")]
    [InlineData("name=", "name='' is empty; leave it out")]
    [InlineData("eval.every=-2", "eval.every=-2 must be at least 0; try 0")]
    public void What_cannot_be_is_refused_by_name(string setting, string message)
    {
        string key = setting.Split('=')[0];
        Assert.StartsWith(message, Assert.Throws<ConfigException>(() => Plan.Make(Config.Load(null, [.. Around(key), setting]), Facts))
            .Message);
    }

    [Fact]
    public void Nothing_means_nothing_where_it_says_so()
    {
        Plan plan = Plan.Make(Config.Load(null, [.. Around(""), "eval.every=0", "eval.tokens=0", "save.minutes=0", "save.every=0"]), Facts);
        Assert.Equal((0, 0L, 0.0, 0), (plan.EvalEvery, plan.EvalTokens, plan.SaveMinutes, plan.SaveEvery));
    }

    [Fact]
    public void Defaults_of_the_shape_are_those_of_a_model() =>
        Assert.Equal(new ModelConfig(), Config.WithDefaults(new()).Model.Shape());

    [Fact]
    public void Every_setting_of_every_record_can_be_read_back()
    {
        // a default of another type than its property would not survive
        RunConfig all = Config.WithDefaults(new());
        Assert.Equal(all, Config.WithDefaults(all));
        Assert.Empty(SettingsJson.Problems(new TeachRecipe(), TeachJson.Default.TeachRecipe));
        Assert.Empty(SettingsJson.Problems(new RlRecipe(), RlJson.Default.RlRecipe));
        Assert.All(SettingsJson.List(RlJson.Default.RlRecipe), s => Assert.True(s.Help.Length > 0, s.Key));
        Assert.Empty(RlRecipe.Load(null, [.. SettingsJson.List(RlJson.Default.RlRecipe).Where(s => s.Default.Length > 0)
            .Select(s => $"{s.Key}={s.Default}"), "from=a"]).Problems());
    }

    [Theory]
    [InlineData("tasks=parity:1,parity:1", "tasks: parity:1 stands 2 times")]
    [InlineData("stesp=3", "no setting 'stesp'; did you mean steps?")]
    [InlineData("steps=1.5", "steps=1.5 must be a whole number below 2^31")]
    [InlineData("seed.x=1", "'seed.x=1': seed is no group of settings")]
    [InlineData("ratio=best", "ratio=best must be ")]
    public void Recipes_are_read_like_runs(string edit, string message) =>
        Assert.StartsWith(message, Assert.Throws<ConfigException>(() => RlRecipe.Load(null, [edit])).Message);

    [Theory]
    [InlineData("""{ "tasks": ["parity:1", null] }""", "tasks=null must be text")]
    [InlineData("""{ "steps": 1, "steps": 2 }""", "")]
    [InlineData("""{ "kl": null }""", "kl=null must be a number; or leave it out")]
    [InlineData("""{ "tasks": "parity:1" }""", "tasks=parity:1 must be a list [ … ]")]
    [InlineData("""[1]""", "the settings must be one JSON object")]
    public void A_file_that_is_no_recipe_is_one_line(string json, string message)
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, json);
        string told = Assert.Throws<ConfigException>(() => RlRecipe.Load(file, [])).Message;
        File.WriteAllText(file, "{ // as people write them\n \"tasks\": [\"parity:1\"], \"replies\": 1e1, \"kl\": \"0.5\", }");
        RlRecipe read = RlRecipe.Load(file, ["tasks=parity:2,sums:1"]);
        File.Delete(file);
        Assert.StartsWith(file + ": ", told);
        Assert.Contains(message, told);
        Assert.DoesNotContain('\n', told);
        Assert.Equal((10, 0.5, 2), (read.Replies, read.Kl, read.Tasks.Count));
    }

    /// <summary>As the first version wrote it: 0 and "" for what was not given.</summary>
    const string First = """
        { "name": "94cea152", "seed": 1, "corpus": "small", "flops": 0, "from": "", "from_mode": "extend",
          "model": { "vocab_size": 512, "context_len": 64, "d_model": 24, "n_layer": 2, "n_head": 1, "n_kv_head": 0, "d_head": 0,
            "d_ff": 0, "qk_norm": true, "tied_head": false, "rope_theta": 10000, "norm_eps": 1E-05 },
          "train": { "batch_tokens": 64, "micro_tokens": 0, "steps": 89, "tokens": 0, "learning_rate": 0.0163, "warmup": 0.05,
            "warmup_steps": 0, "schedule": "wsd", "decay": 0.2, "min_lr": 0, "beta1": 0.9, "beta2": 0.95, "eps": 1E-08,
            "weight_decay": 0.1, "clip": 1 },
          "eval": { "every": 0, "tokens": 65536 }, "save": { "minutes": 5, "keep": 2, "every": 0 } }
        """;

    [Fact]
    public void A_run_of_the_first_version_is_read_and_named_as_it_was()
    {
        var identity = (JsonObject)JsonNode.Parse(First)!;
        RunConfig read = SettingsJson.FromIdentity(identity, ConfigJson.Default.RunConfig);
        Assert.Equal((null, null, null, 0, 0.0), (read.Flops, read.Model.DFf, read.Train.Tokens, read.Eval.Every, read.Train.MinLr));
        Assert.Equal("94cea152", Config.HashOf(read));
        Assert.True(JsonNode.DeepEquals(identity, SettingsJson.IdentityTree(read, ConfigJson.Default.RunConfig)));
        // the same settings, given today; the first dial chose that rate and that decay
        Plan plan = Plan.Make(Config.Load(null, "corpus=small", "flops=1e9", "model.d_model=24", "model.context_len=64",
            "train.learning_rate=0.0163", "train.decay=0.2"),
            Facts with { Name = "small", TrainTokens = 6_904_347 });
        Assert.Equal(read, plan.Config);
    }

    /// <summary>
    /// The weights of a small run with nothing set but its corpus and its dial, to the last bit: what no change may change unless
    /// it means to, and says so. The second dial's decay gives the second dial's weights.
    /// </summary>
    [Theory]
    [InlineData("", "9fd7c4b08beceaeccfcb4a9a0fb6740905586df3d2e5af3d02049452ce1ba7a5")]
    [InlineData("train.decay=0.2", "1a04c380f8124f6b448d7be5a4c1b83a898860970ac014c04bdec1a62f23e512")]
    public void A_default_run_has_the_weights_it_always_had(string setting, string hash)
    {
        Assert.SkipUnless(System.Runtime.Intrinsics.X86.Fma.IsSupported,
            "the hash is of a machine with fused multiply-add of x64; without it sums round otherwise");
        using var home = new TinyHome();
        string[] settings = ["corpus=tiny", "name=default", "flops=3e8", "model.context_len=32", .. setting.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        TrainResult run = Trainer.Train(Config.Load(null, settings), home.Here);
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(home.Model(run.Step, "default"))));
    }
}
