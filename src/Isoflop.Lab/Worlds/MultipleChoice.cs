namespace Isoflop.Lab.Worlds;

/// <summary>
/// The hard token: one letter that needs the work done. 1 find a number, 2 a sum of digits, 3 a sum of two-digit numbers,
/// 4 a product, 5 a product and a sum.
/// </summary>
sealed class MultipleChoice : Family
{
    static readonly Frame[] frames = Frame.Block("exam", """
        1 Question: {q}? {l} Answer: []
        1 What is {q}? {l} Answer: []
        1 {name} asks: what is {q}? {l} The answer is []
        1 Exam, question {n}: {q} = ? {l} Correct: []
        1 Choose: {q} is {l} Choice: []
        1 Tick the right one. {q} = {l} Tick: []
        1 How much is {q}? {l} It is []
        1 Work out {q}. {l} Answer: []
        1 {q} makes: {l} Right: []
        1 The teacher wrote {q}. {l} {name} chose the right one: []
        1 Quiz. {q}? {l} Solution: []
        1 Which value has {q}? {l} Value: []
        1 Problem {n}. Find {q}. {l} Letter: []
        1 The result of {q} is: {l} Letter: []
        1 Compute {q}. {l} The letter is []
        1 {q} equals which? {l} Equal: []
        1 Select the value of {q}. {l} Selected: []
        1 On the {person}'s test: {q}? {l} Key: []
        1 For two points: {q}? {l} Key: []
        1 Mark one letter for {q}. {l} Mark: []
        1 {name} solved {q} without a slip. {l} So it was []
        1 Give the letter: {q} = {l} Given: []
        1 Riddle of the day: {q}? {l} Answer of the day: []
        1 Only one is right for {q}: {l} Only: []
        1 {q}. Options: {l} Option: []
        1 Number {n}: {q}? {l} Answer: []
        1 Let x be {q}. Then x is {l} Answer: []
        1 The {person} must know {q}. {l} It is []
        1 Evaluate {q}. {l} Evaluation: []
        1 Warm-up: {q} = {l} Answer: []
        1 Test {n}. {q}? {l} Best answer: []
        1 A card says {q}. {l} The back says []
        1 {name} and {name} agree on {q}. {l} They say []
        1 {q}, please. {l} Thanks, it is []
        1 Multiple choice: {q}. {l} Pick: []
        1 Which one is {q}? {l} This one: []
        1 Find the value: {q}. {l} Found: []
        1 Say what {q} gives. {l} It gives []
        1 Last question: {q}? {l} Last answer: []
        1 Circle one: {q} = {l} Circled: []
        """)[0];

    static readonly string[] letters = ["A", "B", "C"];

    public override string Name => "exam";
    public override int Levels => 5;
    public override IReadOnlyList<string> Titles { get; } =
    [
        "letter of a number", "letter of a sum of digits", "letter of a sum", "letter of a product",
        "letter of a product and a sum",
    ];
    public override int Frames => frames.Length;
    public override char Separator => '\n';

    public override Statement Say(int level, Draw draw)
    {
        Frame frame = draw.Pick(frames);
        (string question, int value, string key) = Question(level, draw);
        int[] options = new int[3];
        int right = draw.Next(3);
        options[right] = value;
        for (int i = 0; i < 3; i++)
            if (i != right)
            {
                double before = draw.Nats;
                do
                {
                    draw.Nats = before;
                    options[i] = value + draw.Next(19) - 9;
                }
                while (options[i] < 0 || options[i] == value || options.AsSpan(0, i).Contains(options[i]));
            }
        string list = string.Join(" ", options.Select((o, i) => $"{letters[i]}) {o}"));
        var values = new Dictionary<string, string> { ["q"] = question, ["l"] = list };
        return frame.Say(draw, values, letters[right], [.. letters.Where((_, i) => i != right)]) with { Key = key };
    }

    /// <summary>What is asked, its value, and the content: a sum is held out here if it is held out everywhere.</summary>
    static (string Text, int Value, string Key) Question(int level, Draw draw)
    {
        int Digit() => draw.Next(10);
        int Two() => 10 + draw.Next(90);
        switch (level)
        {
            case 1: int n = draw.Next(100); return ($"{n}", n, Sums.KeyOf(n));
            case 2: (int a, int b) = (Digit(), Digit()); return ($"{a} + {b}", a + b, Sums.KeyOf(a, b));
            case 3: (a, b) = (Two(), Two()); return ($"{a} + {b}", a + b, Sums.KeyOf(a, b));
            case 4: (a, b) = (2 + draw.Next(11), 2 + draw.Next(11)); return ($"{a} × {b}", a * b, Product(a, b));
            default:
                (a, b, n) = (2 + draw.Next(8), 2 + draw.Next(8), Digit());
                return ($"{a} × {b} + {n}", a * b + n, $"{Product(a, b)} + {n}");
        }
    }

    static string Product(int a, int b) => $"product {Math.Min(a, b)} × {Math.Max(a, b)}";
}
