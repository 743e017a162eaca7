using System.Text.Json.Nodes;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class CheckpointTests
{
    static string MessageOf(TinyHome home, params string[] overrides) =>
        Assert.Throws<DataException>(() => home.Train(overrides)).Message;

    [Theory]
    [InlineData(ModelFolder.ConfigFile), InlineData(ModelFolder.TokenizerFile), InlineData(ModelFolder.ModelFile)]
    [InlineData(Checkpoint.OptimizerFile), InlineData(Checkpoint.StateFile)]
    public void One_flipped_bit_is_refused_and_the_checkpoint_before_is_offered(string file)
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        home.TrainUntil(8);
        string path = Path.Combine(home.StepPath(8), file);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length * 2 / 3] ^= 4;
        File.WriteAllBytes(path, bytes);

        string message = MessageOf(home);
        Assert.Contains(path, message);
        Assert.Contains("it was altered", message);
        Assert.Contains("add resume_at=4", message);

        TrainResult result = Trainer.Train(home.Config(), home.Here, 4);
        using var other = new TinyHome();
        other.Train();
        Assert.True(result.Done);
        Assert.Equal(other.Model(12), home.Model(12));
        Assert.Equal(other.Rows(), home.Rows());
        Assert.Contains(RunFolder.ReadEvents(home.RunPath()), e => e.Event == "rewind");
    }

    [Fact]
    public void Without_a_checkpoint_before_it_the_message_says_how_to_start_over()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        File.AppendAllText(Path.Combine(home.StepPath(4), ModelFolder.ModelFile), "x");
        Assert.EndsWith($"found {home.Model(4).Length}; there is no checkpoint before it; " +
            $"to start over, remove {home.RunPath()}", MessageOf(home));
        File.Delete(Path.Combine(home.StepPath(4), ModelFolder.ModelFile));
        Assert.Contains("model.safetensors: missing", MessageOf(home));
    }

    [Fact]
    public void A_missing_tensor_and_another_shape_are_named()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        string path = Path.Combine(home.StepPath(4), ModelFolder.ModelFile),
            header = File.ReadAllText(path, System.Text.Encoding.Latin1);
        File.WriteAllText(path, header.Replace("model.norm.weight", "model.norm.weighs"), System.Text.Encoding.Latin1);
        TinyHome.Reseal(home.StepPath(4));
        Assert.Contains("there is no tensor 'model.norm.weight'", MessageOf(home));
        File.WriteAllText(path, header.Replace(
            "\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[64,16]", "\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[16,64]"),
            System.Text.Encoding.Latin1);
        TinyHome.Reseal(home.StepPath(4));
        Assert.Contains("'lm_head.weight' is [16, 64] in the file, the model's settings say [64, 16]", MessageOf(home));
    }

    [Fact]
    public void Another_tokenizer_or_corpus_is_refused()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        home.MakeCorpus("tiny", 6000, 700, "{\"other\":1}");
        Assert.Matches("step-000004 was trained with tokenizer [0-9a-f]+, corpus 'tiny' now has", MessageOf(home));
        home.MakeCorpus("tiny", 6500, 700, "{\"tiny\":1}");
        Assert.Contains("was trained on 6000 tokens, corpus 'tiny' now has 6500: it was built anew", MessageOf(home));
    }

    [Fact]
    public void A_newer_format_is_refused()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        TinyHome.Reseal(home.StepPath(4), s => s with { FormatVersion = 2 });
        Assert.Contains("state.json: format version 2; this program reads up to 1; update it", MessageOf(home));
    }

    [Theory]
    [InlineData(ModelFolder.ConfigFile, 0), InlineData(ModelFolder.ModelFile, 4000), InlineData(Checkpoint.OptimizerFile, 20_000)]
    [InlineData(Checkpoint.StateFile, 10)]
    public void A_full_disk_leaves_the_last_good_checkpoint_and_no_debris(string file, int room)
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        Func<string, long, Stream> full = (path, bytes) => path.EndsWith(file) ? new FullDisk(room) : new FileStream(path, FileMode.CreateNew);
        string message = Assert.Throws<DataException>(() => Trainer.Train(home.Config(), home.Here with { CreateFile = full }))
            .Message;
        Assert.Contains("step-000012: cannot be saved: No space left on device", message);
        Assert.Contains("Last good checkpoint: step-000004", message);
        Assert.Equal(["step-000004"], Directory.GetDirectories(home.RunPath()).Select(Path.GetFileName));

        home.Train();                                             // room was made
        using var other = new TinyHome();
        other.Train();
        Assert.Equal(other.Model(12), home.Model(12));
        Assert.Equal(other.Rows(), home.Rows());
    }

    sealed class FullDisk(int room) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> bytes)
        {
            if (Length + bytes.Length > room) throw new IOException("No space left on device");
            base.Write(bytes);
        }
    }

    [Fact]
    public void What_a_kill_left_between_two_renames_is_put_back()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        Directory.Move(home.StepPath(4), Path.Combine(home.RunPath(), ".step-000004.old.tmp"));
        Directory.CreateDirectory(Path.Combine(home.RunPath(), ".step-000008.tmp"));
        CheckpointStore.Tidy(home.RunPath());
        Assert.Equal(["step-000004"], Directory.GetDirectories(home.RunPath()).Select(Path.GetFileName));
        Assert.Equal(4, Checkpoint.Verify(home.StepPath(4)).Step);
    }

    [Fact]
    public void A_checkpoint_is_a_published_model_folder()
    {
        using var home = new TinyHome();
        home.Train();
        Assert.Equal(16, ModelFolder.LoadConfig(home.StepPath(12)).DModel);
        Assert.Equal(File.ReadAllBytes(Path.Combine(home.CorpusPath, "tokenizer.json")),
            File.ReadAllBytes(Path.Combine(home.StepPath(12), "tokenizer.json")));
        Assert.Equal("""{"bos_token_id":0,"eos_token_id":0,"pad_token_id":0}""",
            JsonNode.Parse(File.ReadAllText(Path.Combine(home.StepPath(12), "generation_config.json")))!.ToJsonString());
        string card = File.ReadAllText(Path.Combine(home.StepPath(12), ModelCard.FileName));
        Assert.StartsWith("---\nlicense: other\n", card);
        Assert.Contains($"| FLOPs | {Checkpoint.ReadState(home.StepPath(12)).Ledger.Spent.Flops:0.00e0}, counted layer by layer |", card);
        Assert.DoesNotContain(ModelCard.FileName, Checkpoint.ReadState(home.StepPath(12)).Files.Keys);
        Assert.Equal(32, (int)JsonNode.Parse(File.ReadAllText(Path.Combine(home.StepPath(12), "tokenizer_config.json")))!["model_max_length"]!);
        using SafetensorsFile model = SafetensorsFile.Open(Path.Combine(home.StepPath(12), ModelFolder.ModelFile));
        using SafetensorsFile moments = SafetensorsFile.Open(Path.Combine(home.StepPath(12), Checkpoint.OptimizerFile));
        Assert.Equal(model.Tensors.Keys.SelectMany(n => new[] { "m." + n, "v." + n }).Order(), moments.Tensors.Keys.Order());
    }
}
