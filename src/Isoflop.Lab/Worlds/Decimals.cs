namespace Isoflop.Lab.Worlds;

/// <summary>
/// Which number is larger: 1 one digit after the point each, 2 one and two digits, so that 9.8 stands against 9.11, 3 one to four
/// digits and the same whole part.
/// </summary>
sealed class Decimals : Family
{
    static readonly Frame[] frames = Frame.Block("decimals", """
        1 Which is larger, {a} or {b}? []
        1 {a} or {b}: the larger one is [].
        1 The larger of {a} and {b} is [].
        1 Of {a} and {b}, the greater number is [].
        1 max({a}, {b}) = []
        1 {name} must choose the larger: {a} or {b}. {name} takes [].
        1 Compare {a} with {b}. More is [].
        1 {a} kg or {b} kg? Heavier is [] kg.
        1 {a} m or {b} m? Longer is [] m.
        1 {a} euros or {b} euros? More money is [].
        1 Between {a} and {b}, the bigger is [].
        1 {name} ran {a} km, the {friend} {b} km. The longer run was [] km.
        1 Two jars hold {a} and {b} litres; the fuller one holds [].
        1 The {person} measured {a} and {b}. The maximum is [].
        1 Bigger number of {a}, {b}: [].
        1 Sorted from large to small, {a} and {b} begin with [].
        1 {a} against {b}: [] wins.
        1 Prices are {a} and {b}. The higher price is [].
        1 Ratings are {a} and {b}. The better one is [].
        1 {name} jumped {a} m and {b} m; the best jump was [] m.
        1 Which is more: {a} or {b}? []
        1 Q: larger of {a} and {b}? A: []
        1 On the scale stand {a} and {b}. The upper one is [].
        1 One {thing} costs {a}, another {b}. The dearer costs [].
        1 The {person} has {a} and the {person} has {b}. The most is [].
        1 {a} and {b}. Greater: [].
        1 Given {a} and {b}, the maximum is [].
        1 The rivers are {a} and {b} km long; the longer has [] km.
        1 Temperatures {a} and {b}: the warmer is [].
        1 {name} weighed two {goods}: {a} g and {b} g. The heavier has [] g.
        1 Take the larger number: {a}, {b}. It is [].
        1 True or not, of {a} and {b} the larger is [].
        1 A test: {a}, {b}; larger: [].
        1 The walls are {a} and {b} m high, the higher one [] m.
        1 Tick the larger one. {a}, {b}: []
        1 The samples read {a} and {b}; the peak is [].
        1 Who has more, {name} with {a} or {name} with {b}? The one with [].
        1 My {friend} says that of {a} and {b} the larger one is [].
        1 Times of {a} s and {b} s: the slower took [] s.
        1 {a}, {b}: choose the greater. []
        """)[0];

    public override string Name => "decimals";
    public override int Levels => 3;
    public override IReadOnlyList<string> Titles { get; } =
        ["larger of two, one digit each", "larger of two, as 9.8 and 9.11", "larger of two, same whole part"];
    public override int Frames => frames.Length;
    public override char Separator => '\n';

    public override Statement Say(int level, Draw draw)
    {
        Frame frame = draw.Pick(frames);
        int whole = draw.Next(20), second = level == 3 ? whole : draw.Next(20);
        if (level == 2 && draw.Next(2) == 0) second = whole;
        while (true)
        {
            double before = draw.Nats;
            (int x, int y) = level switch
            {
                1 => (1, 1),
                2 => draw.Next(2) == 0 ? (1, 2) : (2, 1),
                _ => (1 + draw.Next(4), 1 +
                draw.Next(4))
            };
            string a = $"{whole}.{Digits(draw, x)}", b = $"{second}.{Digits(draw, y)}";
            decimal left = decimal.Parse(a), right = decimal.Parse(b);
            if (left == right)
            {
                draw.Nats = before;
                continue;
            }
            (string more, string less) = left > right ? (a, b) : (b, a);
            return frame.Say(draw, new() { ["a"] = a, ["b"] = b }, more, [less]) with { Key = $"larger of {less} and {more}" };
        }
    }

    /// <summary>Digits after the point, the last one not 0.</summary>
    static string Digits(Draw draw, int count)
    {
        string digits = "";
        for (int i = 1; i < count; i++) digits += (char)('0' + draw.Next(10));
        return digits + (char)('1' + draw.Next(9));
    }
}
