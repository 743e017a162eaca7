using System.Buffers.Binary;
using System.Text;
using Isoflop.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class SafetensorsTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string File(string header, int dataBytes, Action<byte[]>? fill = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), data = new byte[dataBytes], length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        fill?.Invoke(data);
        string path = Path.Combine(folder, "x.safetensors");
        System.IO.File.WriteAllBytes(path, [.. length, .. json, .. data]);
        return path;
    }

    static string Entry(string name, string dtype, string shape, int from, int to) =>
        $"\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{from},{to}]}}";

    static string MessageOf(string path) => Assert.Throws<DataException>(() => SafetensorsFile.Open(path).Dispose()).Message;

    [Fact]
    public void F32_BF16_and_F16_are_read_as_floats()
    {
        float[] values = [1, -2.5f, 0.15625f];
        string path = File("{\"__metadata__\":{\"a\":\"b\"}," + Entry("f", "F32", "3", 0, 12) + "," +
            Entry("b", "BF16", "1,3", 12, 18) + "," +
            Entry("h", "F16", "3", 18, 24) + "}", 24, data =>
        {
            for (int i = 0; i < 3; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4 * i), values[i]);
                BinaryPrimitives.WriteUInt16LittleEndian(
                    data.AsSpan(12 + 2 * i), (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16));
                BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(18 + 2 * i), (Half)values[i]);
            }
        });
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (string name in new[] { "f", "b", "h" })
        {
            float[] got = new float[2];
            file.Read(file.Tensors[name], 1, got);
            Assert.Equal(values[1..], got);
        }
        using var files = new TensorFiles(path);
        Assert.Contains("there is no tensor 'g'", Assert.Throws<DataException>(() => files.Find("g", [3])).Message);
        Assert.Contains("'b' is [1, 3] in the file, the model's settings say [3]",
            Assert.Throws<DataException>(() => files.Find("b", [3])).Message);
    }

    [Fact]
    public void Broken_files_are_named_by_what_is_wrong()
    {
        Assert.Contains("cut short: no safetensors header", MessageOf(Raw([1, 2, 3])));
        Assert.Contains("not a safetensors file", MessageOf(Raw([255, 255, 255, 255, 255, 255, 255, 127, 0])));
        Assert.Contains("cut short: the header is 500 bytes", MessageOf(Raw([244, 1, 0, 0, 0, 0, 0, 0, 123])));
        Assert.Contains("header is broken", MessageOf(File("{\"a\":3}", 0)));
        Assert.Contains("header is broken", MessageOf(File("{\"a\"", 0)));
        foreach (string offsets in (string[])["0", "", "0,4,8"])
            Assert.Contains("data_offsets, not two", MessageOf(
                File($"{{\"a\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{offsets}]}}}}", 4)));
        Assert.Contains("not a safetensors file", MessageOf(Raw([0, 0, 0, 0, 0, 0, 0, 16, 123])));           // 2⁶⁰ bytes
        Assert.Contains("git lfs pull", MessageOf(Raw("version https://git-lfs.github.com/spec/v1\noid sha256:0"u8.ToArray())));
        Assert.Contains("not a safetensors file", MessageOf(Raw("version 1 of something else"u8.ToArray())));
        Assert.Contains("unknown type 'F99'", MessageOf(File("{" + Entry("a", "F99", "1", 0, 4) + "}", 4)));
        Assert.Contains("'a' [2] of F32 does not take 4 bytes", MessageOf(File("{" + Entry("a", "F32", "2", 0, 4) + "}", 4)));
        Assert.Contains("'b' overlaps", MessageOf(
            File("{" + Entry("a", "F32", "2", 0, 8) + "," + Entry("b", "F32", "2", 4, 12) + "}", 12)));
        Assert.Contains("4 unused bytes before 'b'",
            MessageOf(File("{" + Entry("a", "F32", "1", 0, 4) + "," + Entry("b", "F32", "1", 8, 12) + "}", 12)));
        Assert.Contains("cut short: ", MessageOf(File("{" + Entry("a", "F32", "2", 0, 8) + "}", 5)));
        Assert.Contains("too long: ", MessageOf(File("{" + Entry("a", "F32", "2", 0, 8) + "}", 9)));
        Assert.Contains("cannot be read", MessageOf(Path.Combine(folder, "none.safetensors")));

        string Raw(byte[] bytes)
        {
            string path = Path.Combine(folder, "raw");
            System.IO.File.WriteAllBytes(path, bytes);
            return path;
        }
    }

    [Fact]
    public void An_integer_tensor_is_not_a_weight()
    {
        using SafetensorsFile file = SafetensorsFile.Open(File("{" + Entry("a", "I64", "1", 0, 8) + "}", 8));
        Assert.Contains("'a' is I64", Assert.Throws<DataException>(() => file.Read(file.Tensors["a"], 0, new float[1])).Message);
    }

    [Fact]
    public void A_shape_survives_its_published_config()
    {
        foreach (bool norm in new[] { true, false })
        {
            var c = new ModelConfig
            {
                VocabSize = 99,
                ContextLen = 77,
                DModel = 48,
                NLayer = 3,
                NHead = 6,
                NKvHead = 2,
                DFf = 100,
                QkNorm = norm,
                TiedHead = norm,
                RopeTheta = 5e5
            };
            System.IO.File.WriteAllBytes(Path.Combine(folder, ModelFolder.ConfigFile), ModelFolder.ConfigJson(c, 5));
            Assert.Equal(c with { DHead = 8 }, ModelFolder.LoadConfig(folder));
        }
        string json = System.IO.File.ReadAllText(Path.Combine(folder, ModelFolder.ConfigFile));
        foreach (string key in new[] { "\"LlamaForCausalLM\"", "\"model_type\": \"llama\"", "\"eos_token_id\": 5",
            "\"torch_dtype\": \"float32\"", "\"hidden_act\": \"silu\"" })
            Assert.Contains(key, json);
    }

    [Theory]
    [InlineData("\"model_type\":\"gpt2\"", "model_type 'gpt2'")]
    [InlineData("\"attention_bias\":true", "attention_bias is not supported")]
    [InlineData("\"layer_types\":[\"full_attention\",\"sliding_attention\"]", "layer_types 'sliding_attention' is not supported")]
    [InlineData("\"quantization_config\":{\"bits\":4}", "quantization_config is not supported")]
    [InlineData("\"max_position_embeddings\":2147483647", "max_position_embeddings=2147483647 needs a table of angles")]
    [InlineData("\"hidden_act\":\"gelu\"", "hidden_act 'gelu' is not supported")]
    [InlineData("\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}", "rope_scaling 'yarn' is not supported")]
    public void A_published_variant_that_we_do_not_compute_is_refused(string setting, string message)
    {
        Write("\"num_key_value_heads\":2," + setting);
        Assert.Contains(message, Assert.Throws<DataException>(() => ModelFolder.LoadConfig(folder)).Message);
    }

    [Fact]
    public void Published_configs_of_old_and_new_form_are_read()
    {
        Write("\"rope_parameters\":{\"rope_theta\":1e6,\"rope_type\":\"default\"},\"eos_token_id\":[2,3],\"some_new_key\":{}");
        ModelConfig c = ModelFolder.LoadConfig(folder);
        Assert.Equal((1e6, 128, true, 4, 1e-6), (c.RopeTheta, c.DHead, c.QkNorm, c.NKvHead, c.NormEps));
    }

    void Write(string more) => System.IO.File.WriteAllText(Path.Combine(folder, ModelFolder.ConfigFile),
        "{" + (more.Contains("model_type") ? "" : "\"model_type\":\"qwen3\",") + "\"vocab_size\":9,\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2," +
        "\"num_attention_heads\":4," + more + "}");

    [Fact]
    public void The_golden_models_have_the_shapes_their_configs_say()
    {
        string golden = Places.SharedFolder("golden");
        if (!Directory.Exists(golden)) Assert.Skip("no ../shared/golden beside this checkout");
        foreach (string model in Directory.GetDirectories(golden))
        {
            var table = new ParamTable(ModelFolder.LoadConfig(model));
            using var files = new TensorFiles(Path.Combine(model, ModelFolder.ModelFile));
            foreach (Param p in table.All) files.Find(p.Name, [.. p.Shape]);
            Assert.Equal(table.All.Count, files.Names.Count);
        }
    }
}
