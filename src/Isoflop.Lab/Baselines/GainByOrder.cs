using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Baselines;

/// <summary>A run's held-out loss between the models that count words, pairs and fives.</summary>
/// <param name="Loss">nats a token, like all others</param>
sealed record GainByOrder(string Run, double Loss, double Unigram, double Bigram, double FiveGram)
{
    /// <summary>
    /// Of what the model gains over word frequencies, the share beyond what pairs of words give: negative where it has not yet
    /// learnt as much as pairs tell; NaN where it is no better than the frequencies.
    /// </summary>
    public double BeyondPairs => Loss < Unigram ? (Bigram - Loss) / (Unigram - Loss) : double.NaN;

    /// <summary>The same beyond fives.</summary>
    public double BeyondFives => Loss < Unigram ? (FiveGram - Loss) / (Unigram - Loss) : double.NaN;

    /// <summary>Of a finished run, on all held-out text of its corpus; the counts are made once and kept.</summary>
    /// <exception cref="DataException">There is no such run, it is not done, or its corpus is not the one it was trained
    /// on.</exception>
    public static GainByOrder Of(Workspace here, string run)
    {
        string path = here.RunFolder(run);
        RunRecord record = RunRecord.Load(path);
        ValidRow end = RunFolder.ReadValid(path).LastOrDefault(v => v.Whole);
        if (!end.Whole) throw new DataException($"{path}: not done; the same 'isoflop train' goes on with it");
        using Corpus corpus = Corpus.Open(here.CorpusFolder(record.Corpus.Name));
        if (!record.Corpus.SameText(CorpusFacts.Of(corpus)))
            throw new DataException($"{corpus.Folder}: built anew since {path} was trained; train it again");
        CorpusBaselines counted = CorpusBaselines.Of(corpus, here);
        return new(run, end.Loss, Nats("unigram"), Nats("bigram"), Nats("5-gram"));

        double Nats(string name) => counted.Rows.FirstOrDefault(b => b.Name.StartsWith(name, StringComparison.Ordinal))
            ?.NatsPerToken ?? throw new DataException($"{corpus.Folder}: no {name} was counted");
    }
}
