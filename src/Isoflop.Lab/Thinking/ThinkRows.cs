using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>What one strategy made of one item with one budget.</summary>
/// <param name="Level">"sudoku4.2"</param> <param name="Split">held-out items: choices are learnt on Valid, reported on
/// Test</param>
/// <param name="Budget">in mean replies</param> <param name="Item">index of the item</param>
/// <param name="Prompt">equal prompts are one cluster of an interval</param> <param name="Right">by the key</param>
/// <param name="Answered">it came to an answer</param> <param name="Tokens">drawn</param>
/// <param name="Allowed">tokens that the budget stands for</param> <param name="Attempts">at an answer, in all thoughts</param>
/// <param name="Replies">drafts drawn</param> <param name="RightReplies">of these right, by the key</param>
sealed record ThinkRow(string Level, Split Split, string Strategy, int Budget, int Item, string Prompt, bool Right,
    bool Answered, long Tokens, long Passed, double Flops, double Seconds, double Allowed, int Attempts, int Replies,
    int RightReplies);

/// <summary>
/// Rows of one model and one set of settings, kept as they come: the same command after a kill asks only for what is missing.
/// </summary>
sealed class ThinkRows : IDisposable
{
    readonly JsonLines file;
    readonly Dictionary<(string Level, Split Split, string Strategy, int Budget), Dictionary<int, ThinkRow>> cells = [];

    /// <param name="folder">made where it is missing</param>
    /// <param name="anew">of a fence's holder: who wrote it before does no longer</param>
    /// <exception cref="DataException">A line that is no row; names it.</exception>
    /// <exception cref="ConfigException">Another process writes it.</exception>
    public ThinkRows(string folder, bool anew = false)
    {
        Directory.CreateDirectory(folder);
        if (anew) FolderLock.RenewRows(folder);
        Path = System.IO.Path.Combine(folder, "rows.jsonl");
        file = new(Path);                                        // cuts off what a kill left of a line
        foreach (ThinkRow row in JsonLines.Read(Path, ThinkJson.Default.ThinkRow)) Keep(row);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Rows of a cell by item; empty where there are none.</summary>
    public IReadOnlyDictionary<int, ThinkRow> Of(string level, Split split, string strategy, int budget) =>
        cells.TryGetValue((level, split, strategy, budget), out var rows) ? rows : new Dictionary<int, ThinkRow>();

    /// <summary>Adds rows; from here on they survive a kill.</summary>
    public void Add(IReadOnlyList<ThinkRow> rows)
    {
        foreach (ThinkRow row in rows)
        {
            file.Write(row, ThinkJson.Default.ThinkRow);
            Keep(row);
        }
    }

    void Keep(ThinkRow row)
    {
        var key = (row.Level, row.Split, row.Strategy, row.Budget);
        if (!cells.TryGetValue(key, out var rows)) cells.Add(key, rows = []);
        rows[row.Item] = row;
    }

    public void Dispose() => file.Dispose();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ThinkRow))]
sealed partial class ThinkJson : JsonSerializerContext;
