namespace Isoflop.Lab.Worlds;

/// <summary>
/// What fits by form: 1 the kind of word a verb asks for, 2 agreement with the word before, 3 agreement past an attractor,
/// 4 over a clause.
/// </summary>
sealed class Grammar : Family
{
    static readonly Frame[][] frames = Frame.Block("grammar", """
        1 In my free time I like to [@verb|@food].
        1 {time} {name} wants to [@verb|@food] with the {person} and {name}.
        1 {name} and {name} would rather [@verb|@food] than go to the {place}.
        1 My {friend} taught me to [@verb|@thing] near the {place}.
        1 It is hard to [@verb|@thing] {time}.
        1 {name} is very good at [@verbing|@food] {time}.
        1 We spent the day [@verbing|@thing] near the {place}.
        1 {name} stopped [@verbing|@verb] when {name} came.
        1 After [@verbing|@verbs], {name} went to the {place}.
        1 {name} ate the {food} and a~ {adj} [@food|@verb] {time}.
        1 The {person} bought a~ {adj} [@thing|@verbs] at the {place}.
        1 {time} the {person} {verbs} very [@adverb|@thing].
        1 {name} {verbed} [@adverb|@food] with the {person}.
        2 The {things} [are|is] {adj} and {adj}.
        2 The {thing} [is|are] {adj} and {adj}.
        2 These {things} [are|is] not for the {person}.
        2 This {thing} [is|are] not for the {people}.
        2 The {people} [have|has] a~ {adj} {thing}.
        2 The {person} [has|have] a~ {adj} {thing}.
        2 The {people} [were|was] at the {place} {time}.
        2 The {person} [was|were] at the {place} {time}.
        2 {name} and {name} [are|is] at the {place} now.
        2 My {friend} [is|are] at the {place} now.
        2 Two {things} [are|is] in the {place}.
        2 One {thing} [is|are] in the {place}.
        2 {time} {name} [@verbs|@verb] with a {friend}.
        2 {time} the {people} [@verb|@verbs] with a {friend}.
        3 The {thing} near the {things} [is|are] {adj}.
        3 The {things} near the {thing} [are|is] {adj}.
        3 The {person} behind the {people} [was|were] {adj}.
        3 The {people} behind the {person} [were|was] {adj}.
        3 The {thing} beside the {adj} {things} [has|have] a new owner.
        3 The {things} beside the {adj} {thing} [have|has] a new owner.
        3 One of the {things} [is|are] in the {place}.
        3 The {friend} of the {people} [@verbs|@verb] {time}.
        3 The picture of the {people} [is|are] in the {place}.
        3 The letters from the {person} [are|is] in the {place}.
        4 The {thing} that the {people} {saw} near the {adj} {place} [is|are] {adj}.
        4 The {things} that the {person} {saw} near the {place} [are|is] {adj}.
        4 The {person} who {met} the {people} [was|were] at the {place}.
        4 The {people} who {met} the {person} [were|was] at the {place}.
        4 The {thing} in the {place} that my {friend} and the {people} {saw} [has|have] gone.
        4 The {things} in the {place} that my {friend} and the {person} {saw} [have|has] gone.
        4 The {person} that the {people} from the {place} {met} {time} [is|are] {adj}.
        4 The {people} that the {person} from the {place} {met} {time} [are|is] {adj}.
        4 Because of the {things} that the {people} {saw}, the {person} [was|were] late.
        4 Because of the {thing} that the {person} {saw}, the {people} [were|was] late.
        """);

    public override string Name => "grammar";
    public override int Levels => frames.Length;
    public override IReadOnlyList<string> Titles { get; } =
        ["kind of word", "agreement with the word before", "agreement past another noun", "agreement over a clause"];
    public override int Frames => frames.Sum(f => f.Length);
    public override Statement Say(int level, Draw draw) => draw.Pick(frames[level - 1]).Say(draw);
}
