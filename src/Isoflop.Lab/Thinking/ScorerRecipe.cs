using Isoflop.Lab.Replies;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>A scorer: from replies that a policy drew, their beginnings, and whether they came to a right answer.</summary>
sealed record ScorerRecipe
{
    [Setting("the run; its rows are the corpus of that name")]
    public string Name { get; set; } = "";

    [Setting("the policy whose replies are valued, and the scorer's first weights: RUN or RUN@STEP")]
    public string From { get; set; } = "";

    [Setting("what it is asked: sudoku4:1..2, FAMILY:LEVEL or FAMILY:FROM..TO, with *WEIGHT or not")]
    public IReadOnlyList<string> Tasks { get; set; } = [];

    [Setting("what every reply begins with: open, think, direct")]
    public ReplyForm Form { get; set; }

    [Setting("items of the training split", Min = 1, Max = 1_000_000)]
    public int Items { get; set; } = 2000;

    [Setting("items of the validation split: half to calibrate, half to check", Min = 20, Max = 100_000)]
    public int ValidItems { get; set; } = 400;

    [Setting("replies to each", Min = 1, Max = 4096)]
    public int Replies { get; set; } = 8;

    [Setting("tokens of a reply at most; the context may leave less", Min = 2, Max = 65_536, Was = "most_tokens")]
    public int MaxNewTokens { get; set; } = 256;

    [Setting("beginnings of each reply that are valued, beside its whole", Min = 0, Max = 64)]
    public int Cuts { get; set; } = 3;

    [Setting("times that each row is seen", Above = 0, Max = 1000, Try = "1")]
    public double Passes { get; set; } = 1;

    [Setting("seed of items, replies, cuts and training")]
    public ulong Seed { get; set; } = 1;

    /// <summary>Reads a file and applies "items=500"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static ScorerRecipe Load(string? file, IReadOnlyList<string> edits) =>
        SettingsJson.Load(file, edits, ScorerJson.Default.ScorerRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0) yield return "name='' must be given: the scorer is found by it";
        else if (FolderName.Problem("name", Name) is { } odd) yield return odd;
        if (From.Length == 0) yield return "from='' must name the policy whose replies are valued: from=RUN or from=RUN@STEP";
        foreach (string problem in SettingsJson.Problems(this, ScorerJson.Default.ScorerRecipe)) yield return problem;
    }
}
