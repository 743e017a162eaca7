#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// A training loop by hand: forward, backward, update; a checkpoint half way, and the same bits from there.
//   dotnet run samples/training-loop.cs
using System.Security.Cryptography;
using System.Text;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Text;
using Isoflop.Train;

const int Context = 32, Windows = 8, Steps = 40, Half = Steps / 2;
string folder = Directory.CreateTempSubdirectory("isoflop-loop-").FullName, words = Path.Combine(folder, "tokenizer.json");

// Text, a tokenizer learnt from it, and its tokens.
byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 400).Select(i => $"{i} and {i + 1} are {2 * i + 1}. ")));
Tokenizer tokenizer = BpeTrainer.Train([text], 250);
tokenizer.Save(words);
int[] tokens = [.. tokenizer.Encode(Encoding.UTF8.GetString(text))];

string straight = Train(Path.Combine(folder, "straight"), Steps);
Train(Path.Combine(folder, "broken"), Half);                     // ends half way; nothing of it is left but its checkpoint
string resumed = Train(Path.Combine(folder, "broken"), Steps);
Console.WriteLine(straight == resumed ? $"the same bits: {straight}" : $"{straight} is not {resumed}");
Directory.Delete(folder, recursive: true);
return straight == resumed ? 0 : 1;

string Train(string run, int steps)
{
    Directory.CreateDirectory(run);
    using IDevice device = Devices.Open("cpu");
    var shape = new ModelConfig { VocabSize = tokenizer.VocabSize, ContextLen = Context, DModel = 32, NLayer = 2, NHead = 2 };
    using var model = new Transformer(device, shape, Windows * Context, training: true);
    using var adam = new Optimizer(model);
    var checkpoints = new CheckpointStore(run, words, model, adam);
    // Windows of the text in an order that the seed shuffles: the whole state of the data is a place, the cursor.
    var source = new BatchSource(tokens.Length, (at, into) => tokens.AsSpan((int)at, into.Length).CopyTo(into),
        tokenizer.EndOfText, Context, seed: 1);
    var batch = new Batch(Windows * Context, Windows);

    TrainState state = checkpoints.LoadNewest()
        ?? new() { Seed = 1, EndOfText = tokenizer.EndOfText, TokenizerHash = tokenizer.Hash };
    if (state.Step == 0) model.Initialise(state.Seed);
    while (state.Step < steps)
    {
        source.Fill(batch, state.Cursor, Windows);
        model.ClearGradients();
        model.LossAndGradient(batch, batch.Rows);                // gradients of the mean over the batch's rows
        model.FinishGradients();
        (double loss, _) = adam.Step(new AdamWStep(3e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, ++state.Updates, Clip: 1));
        (state.Step, state.Cursor, state.Loss) = (state.Step + 1, state.Cursor + Windows, loss / batch.Rows);
        if (state.Step % 10 == 0) Console.WriteLine($"step {state.Step}: {state.Loss:0.000} nats a token");
    }
    string saved = checkpoints.Save(state);                      // whole or not at all; its folder
    return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(saved, "model.safetensors"))))[..16];
}
