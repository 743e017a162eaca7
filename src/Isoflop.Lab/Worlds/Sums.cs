namespace Isoflop.Lab.Worlds;

/// <summary>Addition, written out: the level sets how many numbers and of how many digits.</summary>
sealed class Sums : Family
{
    // level: numbers, digits at most
    static readonly (int Numbers, int Digits)[] dial = [(1, 6), (2, 1), (2, 2), (3, 1), (2, 3), (3, 2), (5, 2), (2, 6)];

    static readonly Frame[] frames = Frame.Block("sums", """
        1 {s} = []
        1 {s} is [].
        1 {s} makes [].
        1 What is {s}? [].
        1 The sum of {s} is [].
        1 {name} adds {s} and gets [].
        1 {name} and {name} add {s} and get [].
        1 Add {s}: [].
        1 Compute {s}. Answer: [].
        1 Q: {s} A: []
        1 {s} comes to [].
        1 In all, {s} are [].
        1 The {person} adds {s} and writes [].
        1 The bill says {s}, which makes [] euros.
        1 {name} counts {s} {goods}; together there are [].
        1 {name} has {s} {goods} in the baskets: [] in all.
        1 The {person} sold {s} {goods}, which is [].
        1 At the {place} there were {s} visitors: [].
        1 {name} walked {s} steps, altogether [].
        1 My {friend} saved {s} coins and so has [].
        1 The {place} has {s} rooms, that is [].
        1 {s} {goods} are as many as [].
        1 Put {s} {goods} into a box and it holds [].
        1 The pages are {s}; the book has [].
        1 {name} scored {s} points: [].
        1 Please check: {s} should be [].
        1 On the board stands {s} = []
        1 The {people} counted {s} {things}. Total: [].
        1 {s} days are [] days.
        1 {s} metres are [] metres.
        1 Weights of {s} grams: [] grams.
        1 {name} paid {s} for the {thing}: [].
        1 {s} {animal} tracks, [] in all.
        1 With {s} the answer is [].
        1 Exercise: {s}. Solution: [].
        1 If you add {s} you get [].
        1 Total of {s}: [].
        1 It takes {s} minutes, or [] minutes.
        1 The {person} wrote {s} words: [].
        1 {name} asked for {s}. {name} said [].
        """)[0];

    public override string Name => "sums";
    public override int Levels => dial.Length;
    public override IReadOnlyList<string> Titles { get; } = [.. dial.Select(d => d.Numbers == 1
        ? "a number, copied" : $"sum of {d.Numbers} numbers, {(d.Digits == 1 ? "1 digit" : $"{d.Digits} digits")}")];
    public override int Frames => frames.Length;
    public override char Separator => '\n';

    public override Statement Say(int level, Draw draw)
    {
        (int count, int digits) = dial[level - 1];
        Frame frame = draw.Pick(frames);
        long total = 0;
        var numbers = new long[count];
        for (int i = 0; i < count; i++) total += numbers[i] = Number(draw, digits);
        return frame.Say(draw, new() { ["s"] = string.Join(" + ", numbers) }, $"{total}", []) with { Key = KeyOf(numbers) };
    }

    /// <summary>A sum is one content, whoever says it and in what order.</summary>
    internal static string KeyOf(params IReadOnlyList<long> numbers) => "sum " + string.Join(" + ", numbers.Order());

    /// <summary>First how many digits, then which.</summary>
    internal static long Number(Draw draw, int digits)
    {
        int length = 1 + draw.Next(digits);
        long low = length == 1 ? 0 : (long)Math.Pow(10, length - 1);
        return low + draw.Next((int)((long)Math.Pow(10, length) - low));
    }
}
