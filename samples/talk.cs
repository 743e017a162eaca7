#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// One lesson of the talk in ten steps: a budget of compute has a best size of model.
//   dotnet run samples/talk.cs
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Laws;
using Isoflop.Store;
using Isoflop.Train;

// 1. A place for everything.
var here = new Workspace(Directory.CreateTempSubdirectory("isoflop-talk-").FullName);
// 2. Text. Sums are a language that never runs out: no model here can learn it by heart.
string text = Path.Combine(here.Root, "sums.jsonl");
File.WriteAllLines(text, Enumerable.Range(0, 20_000).Select(i => (A: i * 7 % 97, B: i * 13 % 89))
    .Select(s => $$"""{"text": "{{s.A}} plus {{s.B}} makes {{s.A + s.B}}, says {{(s.A > s.B ? "Ann" : "Bob")}}."}"""));
CorpusBuilder.Build(new() { Name = "sums", Sources = [text], Vocab = 256, ValidShare = 0.05 }, here);
// 3. What training costs: about 6 FLOPs for each parameter and token. So one budget buys a large model little text,
//    or a small model much text.
double[] budgets = [3e8, 1e9, 3e9];
int[] widths = [8, 16, 32, 64];
// 4. Every size with every budget; all else by the same rules.
List<Observation> runs = [];
foreach (double budget in budgets)
    foreach (int width in widths)
    {
        var config = new RunConfig
        {
            Corpus = "sums",
            Name = $"d{width}-{budget:0e0}",
            Flops = budget,
            Model = new() { DModel = width, NLayer = 2, ContextLen = 32 },
        };
        Plan plan = Trainer.PlanOf(config, here);                // 5. a run is priced before it starts
        TrainResult run = Trainer.Train(config, here);
        double spent = plan.FlopsByLayer.Total;
        runs.Add(new() { N = plan.Parameters, D = plan.Tokens, C = spent, Loss = run.ValidLoss, Name = run.Name });
    }
// 6. The table: across a row the loss falls and then rises again.
Console.WriteLine("FLOPs    " + string.Join("  ", widths.Select(w => $"width {w,-3}")));
foreach (double budget in budgets)
    Console.WriteLine($"{budget:0e0}      " + string.Join("  ", widths.Select(w => $"{Of(w, budget).Loss,9:0.000}")));
// 7. The best size of each budget.
foreach (double budget in budgets)
    Console.WriteLine($"{budget:0e0} FLOPs: width {widths.MinBy(w => Of(w, budget).Loss)} is best");
// 8. A law through all of them at once.
Law law = Law.Fit(LawForms.Chinchilla, runs, new() { Bootstraps = 100 });
Console.WriteLine($"{law.Formula}: {law.Verdict.Text}");
// 9. What it says of a budget ten times as large: an answer with an interval, or a refusal with its reason.
if (law.Identified)
    Console.WriteLine($"3e10 FLOPs: {law.Optimal(3e10).N.Value:0} parameters, loss {law.PredictAt(3e10).Value:0.000}");
// 10. And the point that would teach most next.
Console.WriteLine($"next: {law.Verdict.Next.Flops:0.0e0} FLOPs, {law.Verdict.Next.Why}");
Directory.Delete(here.Root, recursive: true);

Observation Of(int width, double budget) => runs.First(r => r.Name == $"d{width}-{budget:0e0}");
