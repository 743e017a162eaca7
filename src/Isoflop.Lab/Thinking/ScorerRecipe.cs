using Isoflop.Lab.Recipes;
using Isoflop.Lab.Replies;

namespace Isoflop.Lab.Thinking;

/// <summary>A scorer: from replies that a policy drew, their beginnings, and whether they came to a right answer.</summary>
public sealed record ScorerRecipe
{
    /// <summary>Name of the run; its rows are the corpus of that name.</summary>
    public string Name { get; set; } = "";
    /// <summary>The policy whose replies are valued, and the scorer's first weights: RUN or RUN@STEP.</summary>
    public string From { get; set; } = "";
    /// <summary>What it is asked: "sudoku4:1..2", see <see cref="TaskMix"/>.</summary>
    public IReadOnlyList<string> Tasks { get; set; } = [];
    /// <summary>What every reply begins with.</summary>
    public ReplyForm Form { get; set; }
    /// <summary>Items of the training split.</summary>
    public int Items { get; set; } = 2000;
    /// <summary>Items of the validation split: half to calibrate, half to check.</summary>
    public int ValidItems { get; set; } = 400;
    /// <summary>Replies to each.</summary>
    public int Replies { get; set; } = 8;
    /// <summary>Of a reply; the context may leave less.</summary>
    public int MostTokens { get; set; } = 256;
    /// <summary>Beginnings of each reply that are valued, beside its whole.</summary>
    public int Cuts { get; set; } = 3;
    /// <summary>Times that each row is seen.</summary>
    public double Passes { get; set; } = 1;
    /// <summary>Seed of items, replies, cuts and training.</summary>
    public ulong Seed { get; set; } = 1;

    /// <summary>Reads a file and applies "items=500"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static ScorerRecipe Load(string? file, IReadOnlyList<string> edits) =>
        RecipeFile.Load(file, edits, ScorerJson.Default.ScorerRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0) yield return "name='' must be given: the scorer is found by it";
        if (From.Length == 0) yield return "from='' must name the policy whose replies are valued: from=RUN or from=RUN@STEP";
        foreach ((string key, int value, int least, int most) in ((string, int, int, int)[])[("items", Items, 1, 1_000_000),
            ("valid_items", ValidItems, 20, 100_000), ("replies", Replies, 1, 4096), ("most_tokens", MostTokens, 2, 65_536),
            ("cuts", Cuts, 0, 64)])
            if (value < least || value > most) yield return $"{key}={value} must be from {least} to {most}";
        if (!(Passes > 0 && Passes <= 1000)) yield return FormattableString.Invariant($"passes={Passes} must be above 0; try 1");
    }
}
