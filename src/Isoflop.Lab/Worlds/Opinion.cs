namespace Isoflop.Lab.Worlds;

/// <summary>
/// The sentiment of a short review: 1 one word says it, 2 two do, 3 one is negated, 4 the sides change and the end counts. In a
/// frame + stands for the verdict's side and - for the other.
/// </summary>
sealed class Opinion : Family
{
    static readonly Frame[][] good = FramesOf(positive: true), bad = FramesOf(positive: false);

    const string Block = """
        1 The {product} was {+}. Rating: [$good|$bad].
        1 What a~ {+} {product}! In one word: [$good|$bad].
        1 {name} thought the {product} was {+} and gave it [$five|$one].
        1 A~ {+} {product}. Would {name} come back? [$yes|$no].
        1 We {+verb} the {product}. Rating: [$good|$bad].
        1 {name} {+verb} the {product} {time}. Stars: [$five|$one].
        1 {+}! That is all I can say of the {product}. Verdict: [$good|$bad].
        1 My {friend} {+verb} the {product} and says: [$yes|$no].
        1 Review of the {product}: {+}. Recommended? [$yes|$no].
        1 The {product} of our {place}: {+}. Rating: [$good|$bad].
        2 The {product} was {+} and the {staff} was {+}. Rating: [$good|$bad].
        2 {+} {product}, {+} {staff}. Would I come back? [$yes|$no].
        2 I {+verb} the {product}, and the {staff} was {+} too. Stars: [$five|$one].
        2 {name} {+verb} the {product}; the {person} found it {+}. Verdict: [$good|$bad].
        2 The {staff} was {+}, the {product} {+}. {name} was [$happy|$sad].
        2 After a~ {+} day with a~ {+} {product} we felt [$happy|$sad].
        2 First a~ {+} {product}, then a~ {+} {product}. Our evening was [$good|$bad].
        2 The {product}: {+}, {+}. Recommended? [$yes|$no].
        2 {name} calls it {+}, my {friend} calls it {+}. Rating: [$good|$bad].
        2 {time} the {product} was {+} and I {+verb} it. Stars: [$five|$one].
        3 The {product} was not {-}, not {-} at all. Rating: [$good|$bad].
        3 Nobody could call this {product} {-}. Verdict: [$good|$bad].
        3 There was nothing {-} about the {product}. Recommended? [$yes|$no].
        3 {name} never found the {staff} {-}. {name} was [$happy|$sad].
        3 I would not say that the {product} was {-}. Stars: [$five|$one].
        3 Far from {-}, the {product} was as we had hoped or feared: [$good|$bad].
        3 They told me it was {-}, but that is wrong. The {product} is [$good|$bad].
        3 The {staff} was anything but {-}. Rating: [$good|$bad].
        3 Hardly a~ {-} {product}. Would I come back? [$yes|$no].
        3 It is not true that the {product} is {-}. Verdict: [$good|$bad].
        4 The {staff} was {-}, but the {product} was so {+} that it made up for all. Rating: [$good|$bad].
        4 At first the {product} seemed {-}. In the end it was {+}. Verdict: [$good|$bad].
        4 Although {name} {-verb} the {product}, I found it {+}. My rating: [$good|$bad].
        4 Others call it {-}. I say {+}, and I stay with that. Recommended? [$yes|$no].
        4 The {product} looked {-} and turned out {+}. {name} was [$happy|$sad].
        4 A~ {-} start, a~ {-} middle, but a~ {+} end, and the end counts. Stars: [$five|$one].
        4 My {friend} {-verb} it, the {person} {-verb} it, only I {+verb} the {product}. My verdict: [$good|$bad].
        4 Last year the {product} was {-}; this year it is {+}. This year's rating: [$good|$bad].
        4 The {product} is {+}, whatever the {-} {staff} may say. Rating: [$good|$bad].
        4 Despite the {-} {staff} and the {-} weather, a~ {+} {product}. Would I come back? [$yes|$no].
        """;

    static Frame[][] FramesOf(bool positive)
    {
        (string plus, string minus) = positive ? ("pos", "neg") : ("neg", "pos");
        string text = Block.Replace("{+verb}", $"{{{plus}verb}}").Replace("{-verb}", $"{{{minus}verb}}")
            .Replace("{+}", $"{{{plus}}}").Replace("{-}", $"{{{minus}}}");
        foreach ((string yes, string no) in ((string, string)[])[("good", "bad"), ("five", "one"), ("yes", "no"),
            ("happy", "sad")])
        {
            text = positive ? text.Replace("$" + yes, yes).Replace("$" + no, no)
                : text.Replace("$" + yes, "\u0001").Replace("$" + no, yes).Replace("\u0001", no);
        }
        return Frame.Block("opinion", text);
    }

    public override string Name => "opinion";
    public override int Levels => good.Length;
    public override IReadOnlyList<string> Titles { get; } =
        ["review, one word tells", "review, two words tell", "review, negated", "review, the end counts"];
    public override int Frames => good.Sum(f => f.Length);

    public override Statement Say(int level, Draw draw) => draw.Pick((draw.Next(2) == 0 ? good : bad)[level - 1]).Say(draw);
}
