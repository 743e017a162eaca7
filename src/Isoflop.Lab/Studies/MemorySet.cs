using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Corpora;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>What a model is asked to memorise.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MemoryKind>))]
public enum MemoryKind
{
    /// <summary>Strings of uniformly random symbols. Morris et al. 2025, arXiv:2505.24832.</summary>
    [JsonStringEnumMemberName("random")] Random,
    /// <summary>
    /// Names with attributes, told in several orders and asked for in one that was never told. Allen-Zhu &amp; Li 2024,
    /// arXiv:2404.05405.
    /// </summary>
    [JsonStringEnumMemberName("facts")] Facts,
}

/// <summary>
/// Made documents of equal length whose information is known to the bit: what a model saves on their code length it has stored.
/// </summary>
/// <param name="Symbols">different symbols of strings, names and values: log2 of it is the information of one</param>
/// <param name="Length">of a string, symbols; attributes of a name</param> <param name="Count">strings; names</param>
/// <param name="Orders">of the attributes that are told: documents a name; 1 for strings</param>
sealed record MemorySet(MemoryKind Kind, int Symbols, int Length, int Count, int Orders, ulong Seed)
{
    /// <summary>Symbols of a name: many more names than are given.</summary>
    public const int NameLength = 4;

    bool OfFacts => Kind == MemoryKind.Facts;

    /// <summary>Tokens of a document with its end-of-text: documents are the windows of the text.</summary>
    [JsonIgnore] public int Period => (OfFacts ? NameLength + 2 * Length : Length) + 1;

    /// <summary>What there is to store, bits: of the strings; of the values, their names given.</summary>
    [JsonIgnore] public double Bits => (double)Count * Length * Math.Log2(Symbols);

    /// <summary>Tells all that decides the documents.</summary>
    [JsonIgnore]
    public string Name => FormattableString.Invariant(
        $"memory-{(OfFacts ? "facts" : "random")}-v{Symbols}-l{Length}-k{Count}{(OfFacts ? $"-o{Orders}" : "")}-s{Seed}");

    /// <summary>What a plan has to know of <see cref="Corpus"/>.</summary>
    [JsonIgnore]
    public CorpusFacts Facts
    {
        get
        {
            Tokenizer tokenizer = MadeCorpus.Symbols(Alphabet);
            return new(Name, tokenizer.VocabSize, (long)Count * Orders * Period + 1, (long)Count * Period + 1, 1, tokenizer.Hash);
        }
    }

    int Alphabet => OfFacts ? Symbols + Length : Symbols;

    /// <summary>
    /// The documents as a corpus. Its held-out text is for measuring and is the text that was trained on; of facts, every name
    /// once with its attributes in an order of its own.
    /// </summary>
    public MadeCorpus Corpus() => new(Name, MadeCorpus.Symbols(Alphabet),
        JsonSerializer.SerializeToElement(this, MemoryJson.Default.MemorySet), [], () => Side(0, Orders),
        () => OfFacts ? Side(Orders, 1) : Side(0, 1));

    /// <summary>
    /// Bits stored: the information of the documents less the code length a model leaves of it. Ends of strings count against
    /// the model; names and the order of attributes are no part of the facts.
    /// </summary>
    /// <param name="nats">of each held-out token but the first, as <see cref="Eval.TokenLosses.Of"/> gives them</param>
    public double Memorised(ReadOnlySpan<float> nats)
    {
        double left = 0;
        for (int i = 0; i < nats.Length; i++)
        {
            int at = i % Period;                                   // 0 is a document's first symbol: an end stands before it
            if (!OfFacts || at >= NameLength && at < Period - 1 && (at - NameLength) % 2 == 1) left += nats[i];
        }
        return Bits - left / Math.Log(2);
    }

    MadeSide Side(int firstOrder, int orders)
    {
        int[][] documents = OfFacts ? People() : Strings();
        var tokens = new List<int>(documents.Length * orders * Period + 1) { 0 };
        for (int order = firstOrder; order < firstOrder + orders; order++)
            for (int k = 0; k < Count; k++)
            {
                if (OfFacts) Tell(tokens, documents[k], order, k);
                else tokens.AddRange(documents[k]);
                tokens.Add(0);
            }
        return new([.. tokens], [], (long)Count * orders + 1, tokens.Count);
    }

    int[][] Strings()
    {
        var rng = RandomUse.MemoryStrings.Open(Seed);
        return [.. Enumerable.Range(0, Count).Select(_ => Draw(ref rng, Length))];
    }

    /// <summary>Name and values of each.</summary>
    int[][] People()
    {
        var rng = RandomUse.MemoryFacts.Open(Seed);
        var names = new HashSet<string>();
        var people = new int[Count][];
        for (int k = 0; k < Count; k++)
        {
            int[] name;
            do name = Draw(ref rng, NameLength); while (!names.Add(string.Join(' ', name)));
            people[k] = [.. name, .. Draw(ref rng, Length)];
        }
        return people;
    }

    int[] Draw(ref Rng rng, int count)
    {
        var symbols = new int[count];
        for (int i = 0; i < count; i++) symbols[i] = 1 + rng.NextInt(Symbols);
        return symbols;
    }

    /// <summary>Name, then attribute and value, attribute and value.</summary>
    void Tell(List<int> into, int[] person, int order, int index)
    {
        into.AddRange(person.AsSpan(0, NameLength));
        var places = RandomUse.MemoryOrder.Order(Length, Seed, ((long)order << 24) + index);
        for (int i = 0; i < Length; i++)
        {
            int attribute = (int)places[i];
            into.Add(1 + Symbols + attribute);
            into.Add(person[NameLength + attribute]);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MemorySet))]
sealed partial class MemoryJson : JsonSerializerContext;
