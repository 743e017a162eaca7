using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>A run's loss token by token: what a sum over all held-out text cannot tell apart.</summary>
static class TokenLosses
{
    /// <summary>
    /// Nats of every held-out token of a corpus but the first, [tokens − 1], by the run's newest checkpoint: in windows of its
    /// context, as training takes the loss.
    /// </summary>
    /// <exception cref="DataException">No checkpoint, a damaged one, or one of another tokenizer.</exception>
    public static float[] Of(Workspace here, string run, Corpus corpus)
    {
        const int PassTokens = 1024;
        string path = here.RunFolder(run);
        if (Checkpoint.StepsIn(path) is not [.., int newest])
            throw new DataException($"{path} has no checkpoint; train it first");
        string folder = Path.Combine(path, Checkpoint.NameOf(newest));
        TrainState state = Checkpoint.Verify(folder);
        if (state.TokenizerHash != corpus.Info.TokenizerHash)
            throw new DataException($"{folder}: trained with tokenizer {state.TokenizerHash}, {corpus.Folder} has " +
                $"{corpus.Info.TokenizerHash}; give a corpus of the run's own");
        ModelConfig config = ModelFolder.LoadConfig(folder);
        using IDevice device = here.OpenDevice();
        int windows = Math.Max(1, PassTokens / config.ContextLen), rows = windows * config.ContextLen;
        var model = new Transformer(device, config, rows, training: false);
        ModelFolder.LoadParams(folder, device, model.Table, model.Params);
        model.RepackWeights();
        var source = new EvalSource(corpus.Valid.Read, corpus.EndOfText, config.ContextLen);
        var batch = new Batch(rows, rows);
        var nats = new float[corpus.Valid.Count - 1];
        for (long at = 0, next; at < nats.Length; at = next)
        {
            next = source.Fill(batch, at, nats.Length, windows);
            model.Nll(batch, nats.AsSpan((int)at));
        }
        return nats;
    }
}
