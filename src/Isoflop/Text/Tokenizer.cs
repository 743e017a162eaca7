using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Isoflop.Store;

namespace Isoflop.Text;

/// <summary>
/// Byte-level BPE: text to tokens and back, without loss. Safe for use from many threads at once.
/// </summary>
/// <remarks>
/// The file format is Hugging Face's tokenizer.json, and their tokenizers give the same tokens. Text is data: a special
/// token's name inside it is encoded as the letters it is written with. Added tokens that are not special are text.
/// </remarks>
public sealed class Tokenizer
{
    internal static readonly string[] EndNames = [EndOfTextName, "<|end_of_text|>", "</s>", "<｜end▁of▁sentence｜>"];

    readonly byte[] bytes;                                        // of all tokens, one after the other
    readonly int[] ends;                                          // [VocabSize]
    readonly int[] byteTokens = new int[256];                     // −1: not in UTF-8
    readonly MergeTable merges;
    readonly WholeWords? whole;
    readonly AddedTokens? raw, normalized;                        // found before and after the normalizer; null: none is text
    readonly ConcurrentBag<WordEncoder> idle = [];                // each remembers words; a thread takes one a call

    internal const string EndOfTextName = "<|endoftext|>";

    /// <summary>Of a complete, consistent specification; see tokenizer.json for who checks files.</summary>
    internal Tokenizer(TokenizerSpec spec)
    {
        Spec = spec;
        ends = new int[spec.Tokens.Length];
        int length = 0;
        for (int i = 0; i < ends.Length; i++) ends[i] = length += spec.Tokens[i].Length;
        bytes = new byte[length];
        byteTokens.AsSpan().Fill(-1);
        HashSet<int> added = [.. spec.Added.Select(a => a.Id)];
        for (int i = 0, at = 0; i < ends.Length; at = ends[i++])
        {
            spec.Tokens[i].CopyTo(bytes, at);
            if (spec.Tokens[i].Length == 1 && (byteTokens[bytes[at]] < 0 || !added.Contains(i))) byteTokens[bytes[at]] = i;
        }
        if (spec.Added.Any(a => !a.IsSpecial))
            (raw, normalized) = (new(spec.Added.Where(a => !a.Normalized).Select(Named)),
                new(spec.Added.Where(a => a.Normalized).Select(Named)));
        merges = new MergeTable(spec.Merges);
        if (spec.IgnoreMerges)
            whole = new WholeWords(spec.Tokens.Select((b, id) => (b, id)).Where(t => t.b.Length > 0 && !added.Contains(t.id)));
        EndOfText = EndNames.Select(Special).FirstOrDefault(id => id is not null)
            ?? throw new DataException($"this tokenizer has none of the end-of-text tokens {string.Join(", ", EndNames)}");
        Beginning = TokenizerFrame.BeginningOf(spec.PostProcessor, out string? other) ?? EndOfText;
        OtherFrame = other;
        Hash = Convert.ToHexStringLower(XxHash128.Hash(TokenizerJson.Write(Spec)));

        (byte[], AddedToken) Named(AddedToken token)
        {
            byte[] name = Encoding.UTF8.GetBytes(token.Text);
            return (spec.Nfc && token.Normalized ? Nfc.Of(name).ToArray() : name, token);
        }
    }

    internal TokenizerSpec Spec { get; }

    /// <summary>Number of token ids, special tokens included.</summary>
    public int VocabSize => ends.Length;

    /// <summary>The token that ends a document.</summary>
    public int EndOfText { get; }

    /// <summary>The token that stands before a text: the author's where the file has one, else <see cref="EndOfText"/>.</summary>
    internal int Beginning { get; }

    /// <summary>What else the file's post-processor puts around a text, in words; null: nothing.</summary>
    internal string? OtherFrame { get; }

    /// <summary>The same as training uses it: end-of-text before a document, whatever its author puts around a text.</summary>
    internal Tokenizer AsTrained() =>
        Beginning == EndOfText && OtherFrame is null ? this : new(Spec with { PostProcessor = default });

    /// <summary>Hex of the XxHash128 of the file that <see cref="Save"/> writes: equal tokenizers, equal hash.</summary>
    public string Hash { get; }

    /// <summary>Reads a tokenizer.json, or the one in a folder.</summary>
    /// <exception cref="DataException">there is none, it is damaged, or it asks for what this class does not do</exception>
    public static Tokenizer Load(string path)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        byte[] json;
        try
        {
            json = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string? other = ((string[])["tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"])
                .FirstOrDefault(f => e is FileNotFoundException && File.Exists(Path.Combine(path, f)));
            throw new DataException($"{file}: cannot be read ({e.Message}); " + (other is null
                ? "give a tokenizer.json or its folder"
                : $"{other} is the form of a slow tokenizer: save it as a fast one, which is a tokenizer.json"), e);
        }
        LfsPointer.Refuse(file, json);
        try
        {
            return new Tokenizer(TokenizerJson.Read(json));
        }
        catch (DataException e)
        {
            throw new DataException($"{file}: {e.Message}", e);
        }
    }

    /// <summary>Writes a tokenizer.json that Hugging Face's tokenizers read.</summary>
    public void Save(string file) => File.WriteAllBytes(file, TokenizerJson.Write(Spec));

    /// <summary>The id of a special token, such as <c>&lt;|user|&gt;</c>; null when there is none of this name.</summary>
    public int? Special(string text)
    {
        foreach (AddedToken token in Spec.Added)
            if (token.Text == text) return token.Id;
        return null;
    }

    /// <summary>The bytes a token stands for; a special token's are its name. Not always whole characters.</summary>
    public ReadOnlySpan<byte> Bytes(int token)
    {
        int start = token == 0 ? 0 : ends[token - 1];
        return new ReadOnlySpan<byte>(bytes, start, ends[token] - start);
    }

    /// <summary>Appends the tokens of plain text. Bytes that are not UTF-8 are read as U+FFFD.</summary>
    public void Encode(ReadOnlySpan<byte> utf8, List<int> tokens)
    {
        utf8 = ValidUtf8(utf8);
        if (!idle.TryTake(out WordEncoder? encoder)) encoder = new WordEncoder(byteTokens, merges, whole);
        if (raw is null || normalized is null) Merge(Spec.Nfc ? Nfc.Of(utf8) : utf8, tokens, encoder);
        else
            foreach (Cut outer in raw.Cuts(utf8))
            {
                if (outer.Id >= 0)
                {
                    tokens.Add(outer.Id);
                    continue;
                }
                ReadOnlySpan<byte> part = utf8[outer.Start..outer.End];
                if (Spec.Nfc) part = Nfc.Of(part);
                foreach (Cut inner in normalized.Cuts(part))
                    if (inner.Id >= 0) tokens.Add(inner.Id);
                    else Merge(part[inner.Start..inner.End], tokens, encoder);
            }
        idle.Add(encoder);
    }

    void Merge(ReadOnlySpan<byte> utf8, List<int> tokens, WordEncoder encoder)
    {
        if (Spec.Splitter is not null)
        {
            Spec.Splitter.Split(utf8, encoder.Pieces);
            foreach ((int from, int to) in encoder.Pieces) Append(tokens, encoder.Encode(utf8[from..to]));
            return;
        }
        for (int start = 0; start < utf8.Length;)
        {
            int end = PreTokenizer.Next(utf8, start);
            Append(tokens, encoder.Encode(utf8[start..end]));
            start = end;
        }
    }

    /// <summary>The tokens of plain text. A lone surrogate is read as U+FFFD.</summary>
    public List<int> Encode(string text)
    {
        List<int> tokens = [];
        Encode(Encoding.UTF8.GetBytes(text), tokens);
        return tokens;
    }

    /// <summary>The text of tokens, special tokens by their names. Bytes that make no character become U+FFFD.</summary>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        int length = 0;
        foreach (int token in tokens) length += Bytes(token).Length;
        byte[] joined = new byte[length];
        int at = 0;
        foreach (int token in tokens)
        {
            Bytes(token).CopyTo(joined.AsSpan(at));
            at += Bytes(token).Length;
        }
        return Encoding.UTF8.GetString(joined);
    }

    /// <summary>The same bytes when they are UTF-8, else a copy with U+FFFD in place of what is not.</summary>
    internal static ReadOnlySpan<byte> ValidUtf8(ReadOnlySpan<byte> utf8) =>
        Utf8.IsValid(utf8) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8));

    static void Append(List<int> tokens, ReadOnlySpan<int> more)
    {
        int count = tokens.Count;
        CollectionsMarshal.SetCount(tokens, count + more.Length);
        more.CopyTo(CollectionsMarshal.AsSpan(tokens)[count..]);
    }
}
