#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
using Isoflop.Lab.Laws;
using Isoflop.Lab.Worlds;
using Isoflop.Store;
using Isoflop.Train;

var here = new Workspace("./four-sizes");                        // of all corpora and runs; what is done is not done again
WorldCorpus.Build(new() { Name = "world", Bytes = 2_000_000, Vocab = 512 }, here);
List<Observation> runs = [];
foreach (int width in (int[])[16, 24, 32, 48])
{
    var model = new ModelSettings { DModel = width, NLayer = 2, NHead = 1 };
    var config = new RunConfig { Corpus = "world", Model = model, Train = new() { Tokens = 300_000 } };
    Plan plan = Trainer.PlanOf(config, here);                    // its size and price, before it starts
    TrainResult run = Trainer.Train(config, here);
    runs.Add(new() { N = plan.ParametersWithoutEmbedding, D = plan.Tokens, Loss = run.ValidLoss });
    Console.WriteLine($"width {width}: {runs[^1].N,6} parameters without the embedding, {run.ValidLoss:0.000} nats/token");
}
Law law = Law.Fit(LawForms.KaplanN, runs);
Console.WriteLine($"{law.Formula}: {law.Verdict.Text}");
