using System.Runtime.InteropServices;
using System.Text;
using Isoflop.Nn;

namespace Isoflop.Bench;

/// <summary>Writes a model as a GGUF file, version 3, float32, for llama.cpp to run: shapes matter here, values do not.</summary>
/// <remarks>https://github.com/ggml-org/ggml/blob/master/docs/gguf.md</remarks>
static class Gguf
{
    const uint U32 = 4, I32 = 5, F32 = 6, Text = 8, List = 9;
    const int Alignment = 32;

    public static void Write(string path, ModelConfig c)
    {
        using var file = new BinaryWriter(File.Create(path));
        var tensors = new List<(string Name, int[] Dims)>
        {
            ("token_embd.weight", [c.DModel, c.VocabSize]), ("output_norm.weight", [c.DModel]),
            ("output.weight", [c.DModel, c.VocabSize]),
        };
        for (int i = 0; i < c.NLayer; i++)
            tensors.AddRange([
                ($"blk.{i}.attn_norm.weight", [c.DModel]), ($"blk.{i}.attn_q.weight", [c.DModel, c.NHead * c.HeadWidth]),
                ($"blk.{i}.attn_k.weight", [c.DModel, c.KvHeads * c.HeadWidth]),
                ($"blk.{i}.attn_v.weight", [c.DModel, c.KvHeads * c.HeadWidth]),
                ($"blk.{i}.attn_output.weight", [c.NHead * c.HeadWidth, c.DModel]), ($"blk.{i}.ffn_norm.weight", [c.DModel]),
                ($"blk.{i}.ffn_gate.weight", [c.DModel, c.FfWidth]), ($"blk.{i}.ffn_up.weight", [c.DModel, c.FfWidth]),
                ($"blk.{i}.ffn_down.weight", [c.FfWidth, c.DModel])]);
        (string Key, object Value)[] facts =
        [
            ("general.architecture", "llama"), ("general.name", "bench"),
            ("llama.context_length", (uint)c.ContextLen), ("llama.embedding_length", (uint)c.DModel),
            ("llama.block_count", (uint)c.NLayer), ("llama.feed_forward_length", (uint)c.FfWidth),
            ("llama.attention.head_count", (uint)c.NHead), ("llama.attention.head_count_kv", (uint)c.KvHeads),
            ("llama.attention.layer_norm_rms_epsilon", 1e-5f), ("llama.rope.dimension_count", (uint)c.HeadWidth),
            ("llama.vocab_size", (uint)c.VocabSize), ("tokenizer.ggml.model", "llama"),
            ("tokenizer.ggml.tokens", Enumerable.Range(0, c.VocabSize).Select(Token).ToArray()),
            ("tokenizer.ggml.scores", Enumerable.Range(0, c.VocabSize).Select(i => -(float)i).ToArray()),
            // unknown, control, control, bytes, words
            ("tokenizer.ggml.token_type", Enumerable.Range(0, c.VocabSize).Select(i => i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1).ToArray()),
            ("tokenizer.ggml.bos_token_id", 1u), ("tokenizer.ggml.eos_token_id", 2u), ("tokenizer.ggml.unknown_token_id", 0u),
        ];
        file.Write("GGUF"u8);
        file.Write(3u);
        file.Write((ulong)tensors.Count);
        file.Write((ulong)facts.Length);
        foreach ((string key, object value) in facts)
        {
            Say(key);
            Value(value);
        }
        ulong offset = 0;
        foreach ((string name, int[] dims) in tensors)
        {
            Say(name);
            file.Write((uint)dims.Length);
            foreach (int d in dims) file.Write((ulong)d);
            file.Write(0u);                                       // float32
            file.Write(offset);
            offset += Room(dims);
        }
        Pad();
        var random = new Random(1);
        foreach ((string name, int[] dims) in tensors)
        {
            var values = new float[Room(dims) / sizeof(float)];
            float scale = dims.Length == 1 ? 0 : 1 / MathF.Sqrt(dims[0]);
            for (int i = 0; i < values.Length; i++) values[i] = dims.Length == 1 ? 1 : scale * (2 * random.NextSingle() - 1);
            file.Write(MemoryMarshal.AsBytes<float>(values));
        }

        string Token(int i) => i switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>", < 259 => $"<0x{i - 3:X2}>", _ => $"▁w{i}" };

        ulong Room(int[] dims)
        {
            ulong bytes = 4;
            foreach (int d in dims) bytes *= (ulong)d;
            return (bytes + Alignment - 1) / Alignment * Alignment;
        }

        void Pad()
        {
            while (file.BaseStream.Position % Alignment != 0) file.Write((byte)0);
        }

        void Say(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            file.Write((ulong)bytes.Length);
            file.Write(bytes);
        }

        void Value(object value)
        {
            switch (value)
            {
                case string text: file.Write(Text); Say(text); break;
                case uint number: file.Write(U32); file.Write(number); break;
                case float number: file.Write(F32); file.Write(number); break;
                case string[] list:
                    file.Write(List); file.Write(Text); file.Write((ulong)list.Length);
                    foreach (string text in list) Say(text);
                    break;
                case float[] list: file.Write(List); file.Write(F32); file.Write((ulong)list.Length); file.Write(MemoryMarshal.AsBytes<float>(list)); break;
                case int[] list: file.Write(List); file.Write(I32); file.Write((ulong)list.Length); file.Write(MemoryMarshal.AsBytes<int>(list)); break;
                default: throw new NotSupportedException();
            }
        }
    }
}
