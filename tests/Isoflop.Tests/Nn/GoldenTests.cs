using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Nn;

/// <summary>
/// Both devices against fixtures of an independent program in float64: every folder below ../shared/golden, or below the folder that
/// ISOFLOP_GOLDEN names.
/// </summary>
public class GoldenTests
{
    const string NoFixtures = "(no fixtures)";

    static string Folder => Environment.GetEnvironmentVariable("ISOFLOP_GOLDEN") is { Length: > 0 } named ? named : Places.SharedFolder("golden");

    public static TheoryData<string, string> Fixtures()
    {
        var data = new TheoryData<string, string>();
        string[] folders = Directory.Exists(Folder)
            ? [.. Directory.GetDirectories(Folder).Where(f => File.Exists(Path.Combine(f, "golden.json"))).Order()]
            : [];
        foreach (string folder in folders)
            foreach (string device in new[] { "cpu:reference", "cpu" }) data.Add(Path.GetFileName(folder), device);
        if (folders.Length == 0) data.Add(NoFixtures, "cpu");
        return data;
    }

    [Theory, MemberData(nameof(Fixtures))]
    public void Golden_ten_steps(string fixture, string deviceName)
    {
        if (fixture == NoFixtures) Assert.Skip($"no golden fixtures in '{Folder}'; name their folder in ISOFLOP_GOLDEN");
        string folder = Path.Combine(Folder, fixture);
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")));
        using IDevice device = Devices.Open(deviceName, 2);
        ModelConfig config = ConfigOf(folder);
        int[][][] batches = golden.RootElement.GetProperty("batches").Deserialize<int[][][]>()!;
        float[][][] weights = golden.RootElement.GetProperty("weights").Deserialize<float[][][]>()!;
        double[] losses = Numbers("loss_curve"), norms = Numbers("grad_norms_before_clip");
        JsonElement adamW = golden.RootElement.GetProperty("adamw");
        float[] betas = adamW.GetProperty("betas").Deserialize<float[]>()!;

        int rows = batches[0].Sum(r => r.Length - 1);
        var model = new Transformer(device, config, rows, training: true);
        var optimiser = new Optimizer(model);
        Load(model, Path.Combine(folder, "model.safetensors"));
        CheckLogits(model, batches[0][0], Numbers("logits_step0_row0_last"));
        for (int step = 0; step < batches.Length; step++)
        {
            var batch = BatchOf(batches[step], weights[step], rows);
            double total = batch.Weights.Take(batch.Rows).Sum(w => (double)w);
            model.ClearGradients();
            model.LossAndGradient(batch, total);
            model.FinishGradients();
            if (step == 0) CompareTensors(model, model.Gradients, Path.Combine(folder, "grads.safetensors"), 1e-5);
            (double loss, double norm) = optimiser.Step(
                new(Single("lr"), betas[0], betas[1], Single("eps"), Single("weight_decay"), step + 1, adamW.GetProperty("clip").GetDouble()));
            Near(losses[step], loss / total, step == 0 ? 2e-6 : 1e-5, $"loss of step {step}");
            Near(norms[step], norm, 1e-5, $"gradient norm of step {step}");
        }
        CompareTensors(model, model.Params, Path.Combine(folder, "after10.safetensors"), 2e-5);

        double[] Numbers(string name) => golden.RootElement.GetProperty(name).Deserialize<double[]>()!;
        float Single(string name) => adamW.GetProperty(name).GetSingle();
    }

    static void CheckLogits(Transformer model, int[] row, double[] expected)
    {
        int[] tokens = row[..^1], zeros = new int[tokens.Length];
        var cache = new KvCache(model, 1, tokens.Length);
        DeviceSpan<float> memory = model.Decode(tokens, zeros, [.. Enumerable.Range(0, tokens.Length)], cache, [tokens.Length - 1]);
        var logits = new float[expected.Length];
        model.Device.Download(memory, logits);
        double distance = Math.Sqrt(expected.Zip(logits, (e, a) => (e - a) * (e - a)).Sum() / expected.Sum(e => e * e));
        Assert.True(distance <= 1e-5, $"logits of row 0: off by {distance:E2} (relative L2), allowed 1e-5");
    }

    static Batch BatchOf(int[][] rows, float[][] weights, int maxRows)
    {
        var batch = new Batch(maxRows, rows.Length);
        for (int r = 0; r < rows.Length; r++)
        {
            batch.BeginSequence();
            for (int i = 0; i + 1 < rows[r].Length; i++) batch.Add(rows[r][i], rows[r][i + 1], weights[r][i]);
        }
        return batch;
    }

    static void Load(Transformer model, string file)
    {
        Dictionary<string, float[]> tensors = Read(file);
        foreach (Param p in model.Table.All) model.Device.Upload(tensors[p.Name], model.Params.Slice(p.Offset, p.Length));
        model.RepackWeights();
    }

    static void CompareTensors(Transformer model, DeviceSpan<float> slab, string file, double tolerance)
    {
        Dictionary<string, float[]> tensors = Read(file);
        foreach (Param p in model.Table.All)
        {
            var actual = new float[p.Length];
            model.Device.Download(slab.Slice(p.Offset, p.Length), actual);
            double difference = 0, size = 0;
            for (int i = 0; i < actual.Length; i++)
            {
                double expected = tensors[p.Name][i];
                difference += (actual[i] - expected) * (actual[i] - expected);
                size += expected * expected;
            }
            double distance = Math.Sqrt(difference / size);
            Assert.True(distance <= tolerance, $"{p.Name}: off by {distance:E2} (relative L2), allowed {tolerance:E0}; {Path.GetFileName(file)}");
        }
    }

    static void Near(double expected, double actual, double relative, string what) =>
        Assert.True(Math.Abs(actual - expected) <= relative * Math.Abs(expected),
            $"{what}: {actual:R}, expected {expected:R}, off by {Math.Abs(actual / expected - 1):E2}, allowed {relative:E0}");

    /// <summary>A reader of float32 safetensors of the test's own: it must not share a mistake with the library's.</summary>
    static Dictionary<string, float[]> Read(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument json = JsonDocument.Parse(bytes.AsMemory(8, header));
        return json.RootElement.EnumerateObject().Where(t => t.Name != "__metadata__").ToDictionary(t => t.Name, t =>
        {
            Assert.Equal("F32", t.Value.GetProperty("dtype").GetString());
            int[] at = t.Value.GetProperty("data_offsets").Deserialize<int[]>()!;
            return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(8 + header + at[0], at[1] - at[0])).ToArray();
        });
    }

    static ModelConfig ConfigOf(string folder)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        JsonElement c = json.RootElement;
        return new ModelConfig
        {
            VocabSize = Int("vocab_size"),
            ContextLen = Int("max_position_embeddings"),
            DModel = Int("hidden_size"),
            NLayer = Int("num_hidden_layers"),
            NHead = Int("num_attention_heads"),
            NKvHead = Int("num_key_value_heads"),
            DHead = Int("head_dim"),
            DFf = Int("intermediate_size"),
            QkNorm = c.GetProperty("model_type").GetString() == "qwen3",
            TiedHead = c.GetProperty("tie_word_embeddings").GetBoolean(),
            RopeTheta = c.GetProperty("rope_theta").GetDouble(),
            NormEps = c.GetProperty("rms_norm_eps").GetDouble(),
        };
        int Int(string name) => c.GetProperty(name).GetInt32();
    }
}
