using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class ConfigTests
{
    static string MessageOf(params string[] overrides) => Assert.Throws<ConfigException>(() => Config.Load(null, overrides))
        .Message;

    [Fact]
    public void An_unknown_key_lists_the_keys_there_are() => Assert.Equal(
        "no setting 'model.n_haed'; did you mean model.n_head? here there are: vocab_size, context_len, d_model, n_layer, n_head, n_kv_head, d_head, " +
        "d_ff, qk_norm, tied_head, rope_theta, norm_eps", MessageOf("model.n_haed=3"));

    [Fact]
    public void An_unknown_group_lists_the_groups() =>
        Assert.Contains("no setting 'trian'; did you mean train? here there are: name, seed", MessageOf("trian.steps=3"));

    [Theory]
    [InlineData("train.steps=many", "train.steps=many must be a whole number below 2^31")]
    [InlineData("train.steps=1.5", "train.steps=1.5 must be a whole number below 2^31")]
    [InlineData("train.steps=1e12", "train.steps=1e12 must be a whole number below 2^31")]
    [InlineData("train.learning_rate=fast", "train.learning_rate=fast must be a number")]
    [InlineData("model.qk_norm=yes", "model.qk_norm=yes must be true or false")]
    [InlineData("train.schedule=linear", "train.schedule=linear must be wsd or cosine")]
    [InlineData("seed=-1", "seed=-1 must be a whole number, not negative")]
    [InlineData("train=3", "train=3 must be a group of settings: batch_tokens, micro_tokens")]
    [InlineData("train.steps=null", "train.steps=null must be a whole number below 2^31")]
    [InlineData("steps", "'steps' is not key=value")]
    public void A_wrong_value_names_key_value_and_what_is_expected(string edit, string message) =>
        Assert.StartsWith(message, MessageOf(edit));

    [Fact]
    public void Values_are_read_as_people_write_them()
    {
        RunConfig c = Config.Load(null, "train.tokens=2e8", "flops=1e12", "name=123", "corpus=a=b", "train.schedule=cosine",
            "model.d_model=64");
        RunConfig same = new()
        {
            Name = "123",
            Corpus = "a=b",
            Flops = 1e12,
            Model = new() { DModel = 64 },
            Train = new() { Tokens = 200_000_000, Schedule = ScheduleKind.Cosine },
        };
        Assert.Equal(same, c);
        c = Config.WithDefaults(c);
        Assert.Equal((0.95, 256, null, StartMode.Extend, true),
            (c.Train.Beta2, c.Model.ContextLen, c.From, c.FromMode, c.Model.QkNorm));
    }

    [Fact]
    public void Overrides_edit_the_file_in_order()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "{ // a recipe\n \"corpus\": \"a\", \"train\": { \"steps\": 5, \"clip\": 2, } }");
        RunConfig c = Config.Load(file, "train.steps=6", "train.steps=7");
        Assert.Equal(new() { Corpus = "a", Train = new() { Steps = 7, Clip = 2 } }, c);
        File.WriteAllText(file, "{ \"corpus\": }");
        Assert.StartsWith($"{file}: line 1: not JSON", Assert.Throws<ConfigException>(() => Config.Load(file)).Message);
        File.Delete(file);
        Assert.Contains("cannot be read", Assert.Throws<ConfigException>(() => Config.Load(file)).Message);
    }

    [Fact]
    public void All_broken_rules_are_told()
    {
        RunConfig c = Config.Load(null, "train.clip=0", "train.warmup=2", "save.keep=0", "train.steps=5", "flops=1",
            "eval.every=-1", "name=a/b", "from=x");
        string all = string.Join("; ", c.Problems());
        foreach (string rule in new[] { "corpus=''", "train.clip=0", "train.warmup=2", "save.keep=0", "each sets the length",
            "eval.every=-1", "name='a/b'", "from='x'" })
            Assert.Contains(rule, all);
    }

    [Fact]
    public void A_length_must_be_set() =>
        Assert.Contains("no length is set", string.Join("; ", Config.Load(null, "corpus=a").Problems()));

    [Fact]
    public void Settings_survive_their_own_JSON()
    {
        RunConfig c = Config.Load(null, "train.schedule=cosine", "from=a@3", "from_mode=fork", "seed=18446744073709551615",
            "model.tied_head=true");
        string file = Path.GetTempFileName();
        File.WriteAllText(file, Config.ToJson(c));
        RunConfig again = Config.Load(file);
        File.Delete(file);
        Assert.Equal(Config.ToJson(c), Config.ToJson(again));
        Assert.Equal(ulong.MaxValue, again.Seed);
        Assert.Equal(c, again);
    }

    [Fact]
    public void A_name_by_hash_depends_on_what_is_computed_alone()
    {
        RunConfig c = new() { Corpus = "c" };
        string name = Config.HashOf(c);
        Assert.Equal(name, Config.HashOf(
            c with { Name = "x", Save = new() { Keep = 9 }, Train = c.Train with { MicroTokens = 64 } }));
        Assert.NotEqual(name, Config.HashOf(c with { Seed = 2 }));
        Assert.NotEqual(name, Config.HashOf(c with { Model = c.Model with { NLayer = 5 } }));
        Assert.Equal(["seed=1, now 2"], Config.Differences(c, c with { Seed = 2 }));
    }

    [Fact]
    public void Help_knows_every_setting_and_its_default()
    {
        Assert.Contains(new Setting("train.clip", "1", "largest norm of the gradient; longer ones are scaled to it"),
            Config.Settings);
        Assert.Contains(Config.Settings, s => s.Key == "model.d_model");
        Assert.All(Config.Settings, s => Assert.True(s.Help.Length > 0, $"{s.Key} has no [Description]"));
    }

    [Fact]
    public void A_key_twice_and_a_file_without_a_name_are_one_line()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "seed": 1, "seed": 2 }""");
        Assert.StartsWith(file, Assert.Throws<ConfigException>(() => Config.Load(file)).Message);
        File.Delete(file);
        Assert.StartsWith("''", Assert.Throws<ConfigException>(() => Config.Load("")).Message);
    }

    [Theory]
    [InlineData(null, 0.1, 10)]
    [InlineData(25, 0.1, 25)]
    public void Warm_up_is_a_share_or_a_number_of_updates(int? steps, double share, int lasts)
    {
        var schedule = new Schedule(new() { LearningRate = 1, Warmup = share, WarmupSteps = steps, Decay = 0 }, 100);
        Assert.True(schedule.LearningRate(lasts - 2) < 1);
        Assert.Equal(1, schedule.LearningRate(lasts - 1));
    }
}
