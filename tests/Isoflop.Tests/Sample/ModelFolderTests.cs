using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Sample;

/// <summary>Folders as others hand them over: a checkpoint without its state, then broken or laid out otherwise.</summary>
public sealed class ModelFolderTests : IClassFixture<TrainedHome>, IDisposable
{
    readonly TrainedHome home;
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

    public ModelFolderTests(TrainedHome home)
    {
        this.home = home;
        string step = Path.Combine(new Workspace(home.Path).RunFolder("run"), "step-000006");
        foreach (string file in (string[])[ModelFolder.ConfigFile, ModelFolder.ModelFile, ModelFolder.TokenizerFile])
            File.Copy(Path.Combine(step, file), Path.Combine(folder, file));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Weights => Path.Combine(folder, ModelFolder.ModelFile);

    float[] Next()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, folder);
        return model.Read("river").Next;
    }

    string Refusal()
    {
        string message = Assert.Throws<DataException>(Next).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    /// <summary>Changes tensors of the weights: header entries and bytes.</summary>
    void Change(Action<List<(string Name, JsonNode Entry, byte[] Bytes)>> change) => Write(Weights, change);

    void Write(string to, Action<List<(string Name, JsonNode Entry, byte[] Bytes)>> change)
    {
        byte[] file = File.ReadAllBytes(Weights);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        List<(string Name, JsonNode Entry, byte[] Bytes)> tensors = [];
        foreach ((string name, JsonNode? entry) in JsonNode.Parse(file.AsSpan(8, length))!.AsObject())
            if (name != "__metadata__")
                tensors.Add((name, entry!.DeepClone(), file[(8 + length + (int)entry["data_offsets"]![0]!)..(8 + length + (int)entry["data_offsets"]![1]!)]));
        change(tensors);
        var header = new JsonObject();
        int at = 0;
        foreach ((string name, JsonNode entry, byte[] bytes) in tensors)
        {
            entry["data_offsets"] = new JsonArray(at, at += bytes.Length);
            header[name] = entry;
        }
        byte[] json = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, json.Length);
        File.WriteAllBytes(to, [.. size, .. json, .. tensors.SelectMany(t => t.Bytes)]);
    }

    void Config(string key, JsonNode? value)
    {
        string path = Path.Combine(folder, ModelFolder.ConfigFile);
        JsonNode json = JsonNode.Parse(File.ReadAllText(path))!;
        json[key] = value;
        File.WriteAllText(path, json.ToJsonString());
    }

    [Fact]
    public void Weights_in_several_files_are_read_by_their_index()
    {
        float[] whole = Next();
        string[] names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        var map = new JsonObject();
        for (int i = 0; i < 2; i++)
            Write(Path.Combine(folder, names[i]), tensors =>
            {
                List<(string Name, JsonNode, byte[])> mine = [.. tensors.Where((_, n) => n % 2 == i)];
                mine.ForEach(t => map[t.Name] = names[i]);
                tensors.Clear();
                tensors.AddRange(mine);
            });
        File.Delete(Weights);
        string index = Weights + ".index.json";
        File.WriteAllText(index, new JsonObject { ["weight_map"] = map }.ToJsonString());
        Assert.Equal(whole, Next());
        File.WriteAllText(Path.Combine(folder, names[1]), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        Assert.Contains("git lfs pull", Refusal());
        File.Delete(Path.Combine(folder, names[1]));
        Assert.Contains("model-00002-of-00002.safetensors: is not there, but model.safetensors.index.json names it", Refusal());
        File.WriteAllText(index, """{"weight_map":{"a":"../model.safetensors"}}""");
        Assert.Contains("no file beside it", Refusal());
        File.WriteAllText(index, """{"weight_map":[]}""");
        Assert.Contains("must hold a weight_map", Refusal());
        File.Delete(index);
        Assert.Contains("it is not there; model-00001-of-00002.safetensors is", Refusal());
    }

    [Fact]
    public void Tensors_that_the_settings_leave_unused_are_named()
    {
        Config("num_hidden_layers", 1);
        Assert.Contains("11 tensors are not of the model that config.json describes, 'model.layers.1.input_layernorm.weight'",
            Refusal());
    }

    [Fact]
    public void More_layers_than_there_are_and_a_missing_tensor_are_named()
    {
        Config("num_hidden_layers", 3);
        Assert.Contains("there is no tensor 'model.layers.2.", Refusal());
        Config("num_hidden_layers", 2);
        Change(t => t.RemoveAll(x => x.Name == "lm_head.weight"));
        Assert.Contains("there is no tensor 'lm_head.weight'", Refusal());
    }

    [Fact]
    public void What_lies_there_instead_is_named()
    {
        Change(t =>
        {
            for (int i = 0; i < t.Count; i++) t[i] = t[i] with { Name = t[i].Name.Replace("model.", "") };
        });
        Assert.Contains("there is no tensor 'model.embed_tokens.weight', but there is 'embed_tokens.weight'", Refusal());
        File.Delete(Path.Combine(folder, ModelFolder.TokenizerFile));
        File.WriteAllText(Path.Combine(folder, "vocab.json"), "{}");
        Assert.Contains("vocab.json is the form of a slow tokenizer",
            Assert.Throws<DataException>(() => Isoflop.Text.Tokenizer.Load(folder)).Message);
        File.Delete(Path.Combine(folder, ModelFolder.ConfigFile));
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{}");
        Assert.Contains("is an adapter", Assert.Throws<ConfigException>(Next).Message);
    }

    [Fact]
    public void Angles_that_old_files_carry_along_are_passed_over()
    {
        float[] whole = Next();
        Change(t => t.Add(("model.layers.0.self_attn.rotary_emb.inv_freq", JsonNode.Parse("""{"dtype":"F32","shape":[1]}""")!, new byte[4])));
        Assert.Equal(whole, Next());
    }

    [Fact]
    public void A_head_beside_a_tied_embedding_is_the_embedding_or_refused()
    {
        Config("tie_word_embeddings", true);
        Assert.Contains("'lm_head.weight' differs from the embedding", Refusal());
        Change(t =>
        {
            byte[] embedding = t.Single(x => x.Name == "model.embed_tokens.weight").Bytes;
            int head = t.FindIndex(x => x.Name == "lm_head.weight");
            t[head] = t[head] with { Bytes = embedding };
        });
        float[] both = Next();
        Change(t => t.RemoveAll(x => x.Name == "lm_head.weight"));
        Assert.Equal(both, Next());
    }

    [Theory, InlineData(float.NaN), InlineData(float.NegativeInfinity)]
    public void Weights_that_are_not_finite_are_named(float value)
    {
        Change(t => BinaryPrimitives.WriteSingleLittleEndian(t.Single(x => x.Name == "model.norm.weight").Bytes.AsSpan(8), value));
        Assert.Contains("'model.norm.weight' holds", Refusal());
    }

    [Theory, InlineData("vocab_size"), InlineData("num_attention_heads"), InlineData("num_hidden_layers"), InlineData("head_dim")]
    [InlineData("hidden_size"), InlineData("intermediate_size"), InlineData("num_key_value_heads"), InlineData("max_position_embeddings")]
    public void Sizes_are_held_against_the_file_before_anything_is_laid_out(string key)
    {
        Config(key, 2147483646);
        long before = GC.GetTotalAllocatedBytes();
        Refusal();
        Assert.True(GC.GetTotalAllocatedBytes() - before < 32 << 20);
    }

    [Fact]
    public void A_tokenizer_larger_than_the_embedding_is_named()
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, ModelFolder.TokenizerFile)))!;
        json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 900, ["content"] = "<x>", ["special"] = true });
        File.WriteAllText(Path.Combine(folder, ModelFolder.TokenizerFile), json.ToJsonString());
        Assert.Contains("tokenizer.json has 901 tokens, the model 280", Refusal());
    }

    [Fact]
    public void A_post_processor_that_is_not_done_is_named()
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, ModelFolder.TokenizerFile)))!;
        json["post_processor"] = new JsonObject { ["type"] = "BertProcessing" };
        File.WriteAllText(Path.Combine(folder, ModelFolder.TokenizerFile), json.ToJsonString());
        Assert.Contains("post_processor 'BertProcessing' is not supported", Refusal());
    }
}
