#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// Trains a model on text of your own and lets it write.
//   dotnet run samples/train.cs                  on sentences that are made here
//   dotnet run samples/train.cs FILE-OR-FOLDER   on yours: .txt, .md, .jsonl, .parquet, packed or not
using Isoflop.Kernels;
using Isoflop.Lab.Corpora;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;

// Everything lies below one folder: corpora, runs, studies. The command line's is ./isoflop.
var here = new Workspace(Directory.CreateTempSubdirectory("isoflop-train-").FullName);

// 1. Text becomes a corpus: a tokenizer is learnt from it, one document in ten is held out.
string source = args.Length > 0 ? args[0] : Sentences(Path.Combine(here.Root, "sentences.jsonl"));
CorpusBuild corpus = CorpusBuilder.Build(new() { Name = "own", Sources = [source], Vocab = 280, ValidShare = 0.1 }, here);
Console.WriteLine($"{corpus.Info.Train.Tokens} tokens to learn from, {corpus.Info.Valid.Tokens} held out");

// 2. A run. All settings are those of `isoflop train`; what is not given follows from the dial, the FLOPs.
var config = new RunConfig { Corpus = "own", Name = "first", Flops = 1e9, Model = new() { ContextLen = 64 } };
TrainResult result = Trainer.Train(config, here);
Console.WriteLine($"{result.Steps} steps: {result.ValidLoss:0.00} nats a token on held-out text, " +
    $"{result.BitsPerByte:0.00} bits a byte");

// 3. The same call finds the run done: killed at any moment and called again, it would end with the same bits.
Console.WriteLine(Trainer.Train(config, here).AlreadyDone ? "done already" : "trained again?");

// 4. The model writes. One seed, one text.
using LanguageModel model = LanguageModel.Open(here, "first");
SampledReply said = model.Continue("the cat", count: 1, maxTokens: 24, new SamplingRule(Temperature: 0.7f), seed: 7)[0];
Console.WriteLine($"{model.Parameters:N0} parameters say: the cat{model.Tokenizer.Decode(said.Tokens)}");
if (args.Length == 0) Directory.Delete(here.Root, recursive: true);

static string Sentences(string file)
{
    string[] who = ["the cat", "the dog", "the old man", "a child"], does = ["sees", "follows", "calls"],
        how = ["", " again", " at last"];
    var rng = new Isoflop.Rng(1, Isoflop.RandomPurpose.Generate);
    string One() => $"{who[rng.NextInt(4)]} {does[rng.NextInt(3)]} {who[rng.NextInt(4)]}{how[rng.NextInt(3)]}.";
    File.WriteAllLines(file, Enumerable.Range(0, 1500).Select(_ => $$"""{"text": "{{One()}} {{One()}} {{One()}}"}"""));
    return file;
}
