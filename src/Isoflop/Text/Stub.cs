using System.Text;

namespace Isoflop.Text;

/// <summary>Stand-in: one token a byte.</summary>
public sealed class Tokenizer
{
    public static Tokenizer Load(string folderOrFile) => new();
    public void Save(string file) => File.WriteAllText(file, "{}");
    public int VocabSize => 257;
    public int EndOfText => 256;
    public string Hash => "stub";
    static readonly byte[] All = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
    public ReadOnlySpan<byte> Bytes(int token) => token == 256 ? "<|endoftext|>"u8 : All.AsSpan(token, 1);
    public void Encode(ReadOnlySpan<byte> utf8, List<int> tokens) { foreach (byte b in utf8) tokens.Add(b); }
    public List<int> Encode(string text) { var l = new List<int>(); Encode(Encoding.UTF8.GetBytes(text), l); return l; }
    public string Decode(ReadOnlySpan<int> t) { var b = new List<byte>(); foreach (int x in t) b.AddRange(Bytes(x)); return Encoding.UTF8.GetString([.. b]); }
}

public static class BpeTrainer
{
    public static Tokenizer Train(IEnumerable<ReadOnlyMemory<byte>> utf8Documents, int vocabSize, IReadOnlyList<string>? specials = null,
        int threads = 0, Action<double>? progress = null) { foreach (var _ in utf8Documents) { } return new(); }
}
