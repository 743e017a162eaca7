namespace Isoflop.Lab.Worlds;

/// <summary>
/// What words mean: 1 the next of a row, against a far kind; 2 against a close one; 3 kinds named, both ways;
/// 4 opposites and parts.
/// </summary>
sealed class Meaning : Family
{
    static readonly Frame[][] frames = Frame.Block("meaning", """
        1 I packed the {a}, the {b} and the [].
        1 On the list were {a}, {b} and [].
        1 {name} drew a picture of the {a}, the {b} and the [].
        1 We talked about {a}, {b} and [] all day.
        1 In the {sell} I saw {a}, {b} and [] {time}.
        1 {name} knows everything about {a}, {b} and [].
        1 Next to the {a} and the {b} stood the [].
        1 First came {a}, then {b}, and last [].
        1 The {person} wrote down three words: {a}, {b}, [].
        1 Please bring {a} and {b}, but no [].
        1 {a}, {b}, []: the {person} learned three words.
        1 {name} dreamt of {a}, of {b} and of [].
        2 The child sorted the cards: {a}, {b} and [] went into one box.
        2 {name} likes {a} and {b}, and also [].
        2 The {sell} has {a}, {b} and [] this week.
        2 Of {a}, {b} and [], which do you prefer?
        2 There was a~ {a}, a~ {b} and then another: [].
        2 The words {a}, {b} and [] belong together.
        2 Not only {a} and {b} but also [] can be found there.
        2 {name} named three: {a}, {b}, [].
        2 Beside {a} and {b}, the book shows [].
        2 The {person} collects pictures of {a}, {b} and [].
        2 What goes with {a} and {b}? Surely [].
        3 A~ {x} is a kind of [].
        3 {name} asked what the word {x} means: a kind of [].
        3 The {x}, like any other [], was on the list.
        3 Whatever is a~ {x} is also some [].
        3 Among the {x} and the {y} you find every kind of [].
        3 "{x}" is the name of some [].
        3 We count the {x} as [].
        3 {x} and {y} are both in the chapter on the word [].
        3 In the dictionary under {x} it says: a certain [].
        3 One example of a~ {kind} is the [].
        3 When {name} says {kind}, think of [].
        3 The {person} wanted a~ {kind}, so we showed the [].
        4 The opposite of {left} is [].
        4 It was not {left}; on the contrary, it was [].
        4 {name} said {left} but meant []: quite the opposite.
        4 First it was {left}, then it turned around and was [].
        4 If one side is {left}, the other side is [].
        4 {left} and [] are opposites.
        4 The twins differ: where {name} is {left}, {name} is [].
        4 The {part} is a part of the [].
        4 Without its {part} there is no [].
        4 {name} repaired the {part} of the [].
        4 If you look for the {part}, look at the [].
        4 What has a~ {part}, says the {person}, is the [].
        """);

    static readonly string[] tens = ["fruit", "animal", "tool", "vehicle", "garment", "metal", "sport", "bird"];

    static readonly (string, string)[] close =
    [
        ("fruit", "vegetable"), ("animal", "bird"), ("tool", "instrument"), ("vehicle", "furniture"), ("garment", "furniture"),
        ("drink", "fruit"), ("metal", "colour"), ("sport", "job"), ("tree", "vegetable"), ("building", "vehicle"),
    ];

    static readonly (string Left, string Right)[] opposites = Pairs(
        "hot cold, big little, early late, light dark, full hungry, open shut, rich poor, strong weak, fast slow," +
        " high low, happy sad, young old, dry wet, near far, clean dirty, loud silent, hard soft, thick thin, " +
        "cheap expensive, sweet sour, true false, empty crowded, brave cowardly, polite rude, smooth rough, sharp" +
        " blunt, straight crooked, awake asleep, guilty innocent, ancient modern");

    static readonly (string Left, string Right)[] parts = Pairs(
        "wheel bicycle, string violin, page book, sleeve coat, petal flower, roof house, wing bird, pedal piano, " +
        "branch tree, sail boat, lens camera, handle door, heel shoe, hinge gate, trunk elephant, blade knife, " +
        "engine car, keel ship, lid pot, screen phone, toe foot, wick candle, spoke wheelchair, chapter novel, " +
        "step staircase, key keyboard, fin fish, hoof horse, brim hat, rung ladder");

    /// <summary>Words and their opposites.</summary>
    internal static IReadOnlyList<(string Left, string Right)> Opposites => opposites;

    /// <summary>Parts and what they are parts of.</summary>
    internal static IReadOnlyList<(string Left, string Right)> Parts => parts;

    static (string, string)[] Pairs(string text) => [.. text.Split(", ").Select(p => p.Split(' ')).Select(p => (p[0], p[1]))];

    public override string Name => "meaning";
    public override int Levels => frames.Length;
    public override IReadOnlyList<string> Titles { get; } =
        ["next of a row, far kinds", "next of a row, close kinds", "kinds by name", "opposites and parts"];
    public override int Frames => frames.Sum(f => f.Length);

    public override Statement Say(int level, Draw draw)
    {
        int index = draw.Next(frames[level - 1].Length);
        Frame frame = frames[level - 1][index];
        return level switch
        {
            1 => Row(frame, draw, tens[draw.Next(tens.Length)], far: true),
            2 => Row(frame, draw, Lexicon.Kinds[draw.Next(Lexicon.Kinds.Length)], far: false),
            3 => Kind(frame, draw, named: index >= 9),
            _ => index < 7 ? Opposite(frame, draw) : Part(frame, draw),
        };
    }

    static Statement Row(Frame frame, Draw draw, string kind, bool far)
    {
        string[] members = Lexicon.List(kind);
        List<string> taken = [];
        for (int i = 0; i < 3; i++) taken.Add(draw.Pick(members, taken));
        string other = far ? tens[(Array.IndexOf(tens, kind) + 1 + draw.Hidden(tens.Length - 1)) % tens.Length]
            : close.Where(c => c.Item1 == kind || c.Item2 == kind).Select(c => c.Item1 == kind ? c.Item2 : c.Item1)
                .FirstOrDefault("garment");
        string wrong = draw.Pick(Lexicon.List(other), taken, shown: false);
        return frame.Say(draw, new() { ["a"] = taken[0], ["b"] = taken[1] }, taken[2], [wrong]);
    }

    static Statement Kind(Frame frame, Draw draw, bool named)
    {
        int k = draw.Next(Lexicon.Kinds.Length);
        string kind = Lexicon.Kinds[k], other = Lexicon.Kinds[(k + 1 + draw.Hidden(Lexicon.Kinds.Length - 1))
            % Lexicon.Kinds.Length];
        List<string> taken = [];
        taken.Add(draw.Pick(Lexicon.List(kind), taken));
        if (named) return frame.Say(draw, new() { ["kind"] = kind }, taken[0],
            [draw.Pick(Lexicon.List(other), taken, shown: false)]);
        string second = draw.Pick(Lexicon.List(kind), taken);
        return frame.Say(draw, new() { ["x"] = taken[0], ["y"] = second }, kind, [other]);
    }

    static Statement Opposite(Frame frame, Draw draw)
    {
        int pair = draw.Next(opposites.Length), wrong = (pair + 1 + draw.Hidden(opposites.Length - 1)) % opposites.Length;
        bool turned = draw.Next(2) == 1;
        (string left, string right) = opposites[pair];
        return turned ? frame.Say(draw, new() { ["left"] = right }, left, [opposites[wrong].Left])
            : frame.Say(draw, new() { ["left"] = left }, right, [opposites[wrong].Right]);
    }

    static Statement Part(Frame frame, Draw draw)
    {
        int pair = draw.Next(parts.Length), wrong = (pair + 1 + draw.Hidden(parts.Length - 1)) % parts.Length;
        return frame.Say(draw, new() { ["part"] = parts[pair].Left }, parts[pair].Right, [parts[wrong].Right]);
    }
}
