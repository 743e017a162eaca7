using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Lab.Tours;

/// <summary>What the tour found.</summary>
/// <param name="Page">report.html of the home: the talk, question after question, with these numbers</param>
sealed record TourResult(TextTour Text, WorldTour World, string Page);

/// <summary>
/// The whole program in a few minutes on two cores: a ladder on text, its law and a forecast; a world of labelled tasks and what
/// each rung can do; thought against answers at once; reinforcement, and more thought. Each part is told when it is there.
/// </summary>
/// <remarks>Killed and called again it goes on where it was: corpora, runs and forecast are found by their names.</remarks>
static class Tour
{
    /// <summary>What it asks, in order.</summary>
    public static IReadOnlyList<string> Questions { get; } =
        [TextTour.Scales, TextTour.Foretold, TextTour.Words, WorldTour.Alike, WorldTour.Easy, ThinkingTour.AtOnce,
            ThinkingTour.Learns,
            ThinkingTour.Longer, Costs];

    const string Costs = "What did all of it cost?";

    /// <param name="scale">multiplies the budgets</param> <param name="told">called with each part, in order</param>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static TourResult Run(Workspace here, double scale = 1, Action<TourPart>? told = null)
    {
        List<TourPart> parts = [];
        void Tell(IEnumerable<TourPart> some)
        {
            foreach (TourPart part in some)
            {
                here.Stop.ThrowIfCancellationRequested();
                parts.Add(part);
                told?.Invoke(part);
            }
        }
        TextTour text = TextTour.Run(here, scale);
        Tell(text.Parts());
        WorldTour world = WorldTour.Run(here, scale);
        Tell(world.Parts(here));
        var thinking = new ThinkingTour(here, scale);
        Tell(thinking.Parts());
        Tell([Cost(text, world, thinking)]);
        return new(text, world, TourPage.Write(parts, here));
    }

    /// <summary>Trains a ladder of the tour.</summary>
    internal static LadderResult Climbed(LadderRecipe recipe, Workspace here)
    {
        LadderResult ladder = Ladder.Run(recipe, here);
        return ladder.Failed.Count == 0 ? ladder
            : throw new DataException($"{ladder.Failed[0].Name} failed: {ladder.Failed[0].Reason}");
    }

    internal static LadderRecipe Recipe(string name, double scale, double[] budgets, int seeds, int sizes) => new()
    {
        Name = scale == 1 ? name : FormattableString.Invariant($"{name}-x{scale:0.#####}"),
        Corpus = name,
        Settings = ["model.context_len=128"],
        Rungs = [new() { Budgets = string.Join(',', budgets.Select(b => FormattableString.Invariant($"{b * scale:0.####e0}"))),
            Seeds = seeds, Sizes = sizes }],
    };

    static TourPart Cost(TextTour text, WorldTour world, ThinkingTour thinking)
    {
        (string What, double Flops, double Seconds)[] rows =
        [
            ($"{text.Ladder.Results.Count} runs on text", text.Ladder.Results.Sum(r => r.Spent), text.Ladder.Results.Sum(r =>
                r.Seconds)),
            ("the run that was foretold", text.Stops[^1].Flops, text.Stops[^1].Seconds),
            ($"{world.Runs.Count} runs on the world", world.Runs.Sum(r => r.Spent), world.Runs.Sum(r => r.Seconds)),
            ("demonstrations and learning", thinking.Spent.Tune.Flops, thinking.Spent.Tune.Seconds),
            ("replies drawn", thinking.Spent.Sample.Flops, thinking.Spent.Sample.Seconds),
            ("replies checked", thinking.Spent.Verify.Flops, thinking.Spent.Verify.Seconds),
        ];
        return new(Costs, I($"{rows.Sum(r => r.Flops):0.00e0} FLOPs of training, reinforcement and replies, in ") +
            I($"{rows.Sum(r => r.Seconds):0} s of one thread. Measuring is not in it."))
        {
            Tables = [new("", ["", "FLOPs", "s of one thread"], [.. rows.Select(r => (string[])[r.What, I($"{r.Flops:0.00e0}"),
                I($"{r.Seconds:0.0}")])])],
        };
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
