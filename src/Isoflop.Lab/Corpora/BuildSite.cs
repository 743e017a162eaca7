using System.Text.Json;
using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// A corpus folder while it is built, under a temporary name: its tokenizer first, then its two sides, then corpus.json.
/// Whatever is not moved to its place is removed; what a killed build left, by the next one.
/// </summary>
sealed class BuildSite : IDisposable
{
    /// <summary>Tokens in a shard: 256 MiB at two bytes.</summary>
    public const long ShardTokens = 1L << 27;

    readonly string name, place;
    readonly FolderLock held;
    Tokenizer? tokenizer;
    bool moved;

    /// <summary>The temporary folder.</summary>
    public string Folder { get; }

    /// <exception cref="ConfigException">Another process is building it, or the home cannot be written.</exception>
    public BuildSite(Workspace here, string name)
    {
        (this.name, place) = (name, here.CorpusFolder(name));
        Folder = here.CorpusFolder($".{name}.partial");
        try
        {
            held = FolderLock.Take(Folder, here.Clock);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{here.Corpora} cannot be written: {e.Message}; choose another home=DIR");
        }
        foreach (string left in Directory.GetFiles(Folder))
            if (Path.GetFileName(left) is not (FolderLock.LockFile or FolderLock.HolderFile)) File.Delete(left);
    }

    /// <summary>Writes the tokenizer that makes the streams.</summary>
    public void Begin(Tokenizer tokenizer)
    {
        this.tokenizer = tokenizer;
        tokenizer.Save(Path.Combine(Folder, Corpus.TokenizerFile));
    }

    /// <summary>Writes one side.</summary>
    /// <param name="names">of its shards: <see cref="SideWriter.TrainName"/> or <see cref="SideWriter.ValidName"/></param>
    public SideWriter Side(Func<int, string> names, bool tagged, bool weighted = false, long shardTokens = ShardTokens) =>
        new(Folder, names, tagged, tokenizer!.VocabSize, tokenizer.Hash, shardTokens, weighted);

    /// <summary>What corpus.json says of every corpus; what is known beyond is added to it.</summary>
    public CorpusInfo Describe(CorpusSide train, CorpusSide valid, JsonElement recipe, string licence,
        IReadOnlyList<string> tags) => new()
        {
            Name = name,
            Licence = licence,
            TokenizerHash = tokenizer!.Hash,
            VocabSize = tokenizer.VocabSize,
            EndOfText = tokenizer.EndOfText,
            BytesPerToken = (train.Bytes + valid.Bytes) / (double)(train.Predicted + valid.Predicted),
            Train = train,
            Valid = valid,
            Tags = tags,
            Recipe = recipe,
        };

    /// <summary>Writes corpus.json, synced.</summary>
    public void Write(CorpusInfo info) => WholeFile.Write(Path.Combine(Folder, CorpusInfo.FileName), info.ToJson());

    /// <summary>Writes corpus.json and puts the folder in its place; one that stands there is replaced.</summary>
    public void Finish(CorpusInfo info)
    {
        Write(info);
        held.Dispose();
        File.Delete(Path.Combine(Folder, FolderLock.LockFile));
        string old = Folder + ".old";
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        if (Directory.Exists(place)) Directory.Move(place, old);
        Directory.Move(Folder, place);
        moved = true;
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
    }

    /// <summary>Removes what was not finished.</summary>
    public void Dispose()
    {
        held.Dispose();
        if (!moved) Directory.Delete(Folder, recursive: true);
    }
}
