namespace Isoflop.Tasks;

/// <summary>
/// <c>abca b</c>: the peg of each disc, the smallest first, then the peg where all shall stand. A move is a disc and its new peg:
/// <c>1b2c1c…</c>; a disc moves only from the top and onto larger ones. The thought names sub-goals: <c>3c:</c>, disc 3 shall
/// come to c.
/// </summary>
sealed class Hanoi : TaskFamily
{
    static readonly int[] Discs = [3, 4, 5, 6];

    public override string Name => "hanoi";
    public override string Group => "planning";
    public override string Summary =>
        "Pegs of the discs from the smallest on, and the goal: moves as disc and peg that bring all there";
    public override int Levels => Discs.Length;
    public override double Chance(int level) => level == 1 ? 0.06 : 0.02;
    public override long? Size(int level) => 3 * ((long)Math.Pow(3, Discs[level - 1]) - 1);
    public override long? Questions(int level) => ((long)Math.Pow(3, Discs[level - 1]) - 1) / 2;
    public override bool HasCheck => true;
    protected override string Symbols => "123456abc :|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        string pegs = "";
        for (int d = 0; d < Discs[level - 1]; d++) pegs += rng.Pick("abc");
        char goal = rng.Pick("abc");
        return pegs.All(p => p == goal) ? null : new($"{pegs} {goal}");
    }

    /// <summary>Pegs whatever they are called, by their order from the goal on.</summary>
    protected override string ContentOf(string prompt)
    {
        string pegs = prompt[^1] + prompt[..^2];
        return string.Concat(pegs.Select(p => pegs.Distinct().ToList().IndexOf(p)));
    }

    public override string Solve(TaskItem item) => Plan(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Plan(item.Prompt);

    static Derivation Plan(string prompt)
    {
        char[] pegs = [.. prompt[..^2]];
        string thought = "", moves = "";
        Bring(pegs.Length, prompt[^1]);
        return new(thought.TrimEnd(), moves);

        void Bring(int disc, char peg)
        {
            if (disc == 0) return;
            if (pegs[disc - 1] != peg)
            {
                string move = $"{disc}{peg}";
                char aside = (char)('a' + 'b' + 'c' - peg - pegs[disc - 1]);
                if (pegs.AsSpan(0, disc - 1).ContainsAnyExcept(aside)) thought += move + Marks.Goal + ' ';
                Bring(disc - 1, aside);
                pegs[disc - 1] = peg;
                moves += move;
                thought += move + ' ';
            }
            Bring(disc - 1, peg);
        }
    }

    protected override bool Fulfils(string prompt, string answer)
    {
        char[] pegs = [.. prompt[..^2]];
        if (answer.Length % 2 != 0 || answer.Length > 8 << pegs.Length) return false;           // four times what the worst needs
        for (int i = 0; i < answer.Length; i += 2)
        {
            int disc = answer[i] - '1';
            char peg = answer[i + 1];
            if (disc < 0 || disc >= pegs.Length || peg is < 'a' or > 'c' || pegs[disc] == peg) return false;
            for (int smaller = 0; smaller < disc; smaller++)
                if (pegs[smaller] == pegs[disc] || pegs[smaller] == peg) return false;
            pegs[disc] = peg;
        }
        return pegs.All(p => p == prompt[^1]);
    }
}
