#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// A family of tasks of your own: taught by demonstrations, then reinforced by its own verdicts.
//   dotnet run samples/own-family.cs
using Isoflop;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Tasks;

var here = new Workspace(Directory.CreateTempSubdirectory("isoflop-family-").FullName);

// Registered, it is found by its name wherever a task is named, and held-out items are told from training items.
TaskFamilies.Register(new Largest());

// 1. A fresh model imitates demonstrations, half of them with a thought. It is stopped early: there is something left to learn.
Teach.Run(new() { Name = "taught", Tasks = ["largest:1"], Items = 700, Think = 0.5, Context = 32, ValidItems = 100 },
    new() { Model = new() { DModel = 32, NLayer = 2 } }, here);

// 2. Reinforcement: replies are drawn in groups, the better of a group are made likelier. The verdict is all that it is told.
RlResult result = Reinforcement.Run(new()
{
    Name = "reinforced",
    From = "taught",
    Tasks = ["largest:1"],
    Steps = 10,
    Prompts = 16,
    Replies = 8,
    MaxNewTokens = 16,
    EvalEvery = 0,                                               // examined at the start and at the end
    EvalItems = 64,
    SkipGate = true,
}, here);
foreach (RlEval e in result.Evals)
    Console.WriteLine($"step {e.Step,2}, {e.Form,-6} {e.PassAt1:0.000} right on held-out items (chance {e.Chance:0.00})");
Directory.Delete(here.Root, recursive: true);

/// <summary>"3 9 4" → "9"; the thought is the running maximum, "3 9 9".</summary>
sealed class Largest : TaskFamily
{
    public override string Name => "largest";
    public override string Summary => "Digits: the largest";
    public override int Levels => 3;
    public override double Chance(int level) => 0.5;             // who always says "9" is right at most so often
    protected override string Symbols => "0123456789 |";         // of prompts, thoughts and answers
    public override string Solve(TaskItem item) => $"{item.Prompt.Max()}";

    protected override Draft? Draw(int level, ref Rng rng)       // a question and its key
    {
        int[] digits = rng.Order(10)[..(2 + level)];
        return new(string.Join(' ', digits), $"{digits.Max()}");
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        char most = '0';
        return new(string.Join(' ', item.Prompt.Split(' ').Select(d => most = d[0] > most ? d[0] : most)), Solve(item));
    }
}
