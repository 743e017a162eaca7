using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Isoflop.Tasks;

/// <summary>
/// Questions of one kind with a dial of difficulty, made without end (or <see cref="Size"/>), whose answers a program can judge.
/// Everything is a function of its arguments; nothing is kept, so one instance serves all threads. A family of one's own derives
/// from it: <see cref="Name"/>, <see cref="Summary"/>, <see cref="Levels"/>, <see cref="Chance"/>, <see cref="Symbols"/>,
/// <see cref="Draw"/>, <see cref="Solve"/>, <see cref="Derive"/>, and <see cref="TaskFamilies.Register"/>.
/// </summary>
public abstract class TaskFamily
{
    // Content that is this rare to draw is not there: one draw in ten falls in the rarer splits.
    const int MaxDraws = 20_000;

    /// <summary>One word, lower case and hyphens.</summary>
    public abstract string Name { get; }
    /// <summary>serial, arithmetic, search, planning, logic or science; a user's own families are a group.</summary>
    public virtual string Group => "own";
    /// <summary>One line: what is asked, and how prompt and answer are written.</summary>
    public abstract string Summary { get; }
    /// <summary>Difficulties, 1 … Levels.</summary>
    public abstract int Levels { get; }
    /// <summary>Every character that prompts, thoughts and answers need, in order; <c>&lt;</c> and <c>&gt;</c> too.</summary>
    public string Alphabet => alphabet ??= string.Concat((Symbols + Reply.Think + Reply.Say).Distinct().Order());

    string? alphabet;

    /// <summary>
    /// At most this share of items is answered right by one who does not read the prompt, or copies from it: what to read scores
    /// against.
    /// </summary>
    public abstract double Chance(int level);

    /// <summary>How many different items the level has, all splits together; null: more than anyone draws.</summary>
    public virtual long? Size(int level) => null;

    /// <summary>How many questions they are, one in another dress counted once; null where that does not make them few.</summary>
    public virtual long? Questions(int level) => null;

    /// <summary>Answers can be checked without a key: <see cref="Check"/> may guide a search at test time.</summary>
    public virtual bool HasCheck => false;

    /// <summary>
    /// Every answer is one decimal number in its plainest writing, 145 or -0.5: what a model of others says in words is read as
    /// such. Rewards do not depend on it.
    /// </summary>
    public virtual bool AnswersAreNumbers => false;

    /// <summary>The answer of a reply in words, as the verifier wants it; null: it says none.</summary>
    internal virtual string? AnswerIn(string prompt, string said) => Answers.Of(said, AnswersAreNumbers);

    /// <summary>
    /// The item with this index. Equal arguments, equal item; the same content may come again under another index.
    /// </summary>
    /// <param name="level">1 … <see cref="Levels"/></param> <param name="index">from 0, below 2⁴⁸</param>
    public virtual TaskItem Make(Split split, int level, long index, ulong seed)
    {
        CheckLevel(level);
        for (int draw = 0; draw < MaxDraws; draw++)
        {
            var rng = RandomUse.TaskItem.Open(StreamOf(split, level, seed), draw, index);
            if (Draw(level, ref rng) is { } drawn && SplitOf(ContentOf(drawn.Prompt)) == split)
                return new(Name, level, drawn.Prompt, drawn.Key);
        }
        throw new ConfigException($"{Name}, level {level}: {MaxDraws} draws gave no item for the " +
            $"{split.ToString().ToLowerInvariant()} split: its questions are too few, those in another dress counted once; " +
            "take another level, or make more of them");
    }

    /// <summary>The right answer, found from the prompt alone: what solving costs.</summary>
    public abstract string Solve(TaskItem item);

    /// <summary>
    /// 1 if the reply is well formed and its answer right, else 0, or between where a family grades. May use the key: for
    /// training and measuring only.
    /// </summary>
    public double Reward(TaskItem item, string reply) => Reply.Parse(reply) is { } parsed ? Score(item, parsed) : 0;

    /// <summary>
    /// Longest time for a verdict on one reply: without one by then it scores 0, and is counted. Infinite: the family keeps its
    /// own time, and what it throws ends the run.
    /// </summary>
    public virtual TimeSpan VerdictLimit => TimeSpan.FromSeconds(2);

    /// <summary>Whether an answer is right, judged by the prompt alone.</summary>
    /// <exception cref="InvalidOperationException">The family has no such check: <see cref="HasCheck"/>.</exception>
    public bool Check(TaskItem item, string answer)
    {
        if (!HasCheck) throw new InvalidOperationException($"{Name}: answers cannot be checked without the key");
        return answer.Length <= Reply.MaxAnswer && Fulfils(item.Prompt, answer);
    }

    /// <summary>Steps of a thought that are false, judged by the prompt alone; only where <see cref="HasCheck"/>.</summary>
    public int FalseSteps(TaskItem item, string thought) =>
        HasCheck ? Slips(item, thought) : throw new InvalidOperationException($"{Name}: steps cannot be checked without the key");

    /// <summary>
    /// Answers that an ideal random search draws from without repeating itself; <see cref="Chance"/> of them are right. Null: so
    /// many that repeating does not matter.
    /// </summary>
    public virtual long? Candidates(int level) => null;

    /// <summary>A whole reply that scores 1, to be learnt from.</summary>
    public string Demonstrate(TaskItem item, TraceForm form, ref Rng rng)
    {
        if (form == TraceForm.Direct) return $"{Reply.Say}{Solve(item)}";
        (string thought, string answer) = Derive(item, form == TraceForm.Monologue, ref rng);
        return form == TraceForm.AnswerFirst ? $"{Reply.Think}{answer}{Marks.Said}{thought}{Reply.Say}{answer}"
            : $"{Reply.Think}{thought}{Reply.Say}{answer}";
    }

    /// <summary>What a reply does, counted.</summary>
    public Behaviour Observe(TaskItem item, string reply)
    {
        if (Reply.Parse(reply) is not { } parsed) return default;
        Behaviour seen = Behaviour.Of(parsed);
        return seen with
        {
            Slips = parsed.Thought.Length == 0 ? 0 : Slips(item, parsed.Thought[(parsed.Thought.IndexOf(Marks.Said) + 1)..]),
            FalseSolved = parsed.Thought.Contains(Marks.Solved) && !IsRight(item, parsed.Answer),
        };
    }

    // ---- what a family writes -------------------------------------------------------------------------------------------------

    /// <summary>Characters of prompts, thoughts and answers, in any order, also twice.</summary>
    protected abstract string Symbols { get; }

    /// <summary>A question of this level; null: this draw came to nothing, draw again.</summary>
    protected abstract Draft? Draw(int level, ref Rng rng);

    /// <summary>The way to a right answer.</summary>
    /// <param name="item">what is asked</param>
    /// <param name="explore">a search as it goes, with <see cref="Marks"/>; else the clean derivation</param>
    /// <param name="rng">choices</param>
    protected abstract Derivation Derive(TaskItem item, bool explore, ref Rng rng);

    /// <summary>
    /// Judges an answer by the prompt alone; only where <see cref="HasCheck"/>. Must end soon, whatever it is given.
    /// </summary>
    protected virtual bool Fulfils(string prompt, string answer) => false;

    /// <summary>Judges an answer. Unless overridden: by <see cref="Fulfils"/>, else the key to the letter.</summary>
    protected virtual bool IsRight(TaskItem item, string answer) => HasCheck ? Fulfils(item.Prompt, answer) : answer == item.Key;

    /// <summary>
    /// Grades a well-formed reply, 0 to 1; 1 is right. Unless overridden: 1 or 0, by <see cref="IsRight"/>. Who overrides it says
    /// the same of what is right.
    /// </summary>
    protected virtual double Score(TaskItem item, Reply reply) => IsRight(item, reply.Answer) ? 1 : 0;

    /// <summary>
    /// Steps of a thought, without an answer said before it, that are false. Unless overridden: equations between whole numbers
    /// that do not hold.
    /// </summary>
    protected virtual int Slips(TaskItem item, string thought) => Equations.CountFalse(thought);

    /// <summary>
    /// What a prompt asks, however it is written: <c>2+3</c> and <c>3+2</c>, a board and its mirror image, other names. The split
    /// is decided by it. docs/thinking.md says what each family takes for the same.
    /// </summary>
    protected virtual string ContentOf(string prompt) => prompt;

    /// <summary>Where a level has few contents: another number deals them out anew, so that no split is empty.</summary>
    internal virtual int Deal => 0;

    /// <summary>Refuses a level that is not there.</summary>
    protected void CheckLevel(int level)
    {
        if (level < 1 || level > Levels) throw new ConfigException($"{Name}: level={level} must be from 1 to {Levels}");
    }

    /// <summary>What of a user's decides the items and verdicts: its name, and a hash of what it holds; null: ours.</summary>
    internal virtual (string Name, string Hash)? Origin => null;

    // ---- splits ---------------------------------------------------------------------------------------------------------------

    /// <summary>Which split a prompt belongs to, at every level and seed.</summary>
    internal Split SplitOfPrompt(string prompt) => SplitOf(ContentOf(prompt));

    /// <summary>For tests.</summary>
    internal string ContentFor(string prompt) => ContentOf(prompt);

    /// <summary>Where a content belongs.</summary>
    protected Split SplitOf(string content) =>
        (Hash($"{Name}\n{content}", Deal) % 10) switch { 0 => Split.Valid, 1 => Split.Test, _ => Split.Train };

    /// <summary>A stream's seed: nothing is shared between families, levels, splits and neighbouring seeds.</summary>
    protected ulong StreamOf(Split split, int level, ulong seed) => Hash($"{Name}/{level}/{(int)split}", (long)seed);

    static ulong Hash(string text, long seed = 0) =>
        XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()), seed);
}
