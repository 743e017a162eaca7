using Isoflop.Data;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Studies;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Lab.Pages;

/// <summary>One passage of held-out text through the best model of the smallest and of the largest budget.</summary>
static class ColouredText
{
    const int MostTokens = 160, LeastTokens = 12;

    static readonly LossText Key = new([.. Enumerable.Range(0, 7).Select(n => ($" {n} ", (double)n))]);

    /// <summary>A heading and the text; nothing where the models have no weights left to ask.</summary>
    public static void Write(List<PageBlock> page, Study study, Workspace here, IReadOnlyList<StudyResult> results)
    {
        IReadOnlyList<StudyResult>[] best = [.. StudyPoints.BestSizes(results)];
        StudyResult[] asked = best.Length > 1 ? [best[0][0], best[^1][0]] : [best[0][0]];
        try
        {
            string text = Passage(here.CorpusFolder(study.Record.Recipe.Corpus), here, asked[0]);
            if (text.Length == 0) return;
            LossText[] coloured = [.. asked.Select(r => Of(text, r, here))];
            page.Add(new HeadingBlock("Easy and hard words"));
            page.Add(new WordsBlock("Held-out text, each token coloured by its loss in nats:"));
            page.Add(new TokensBlock(Key));
            foreach ((StudyResult r, LossText one) in asked.Zip(coloured))
            {
                page.Add(new WordsBlock(FormattableString.Invariant($"{r.Run.Budget:0.##e0} FLOPs, ") +
                    FormattableString.Invariant($"{one.Pieces.Average(p => p.Nats):0.00} nats a token:")));
                page.Add(new TokensBlock(one));
            }
        }
        catch (Exception e) when (e is DataException or ConfigException)
        {
            // Weights or corpus were deleted: the report tells what is left.
        }
    }

    static LossText Of(string text, StudyResult of, Workspace here)
    {
        using LanguageModel model = LanguageModel.Open(here, of.Run.Name);
        (_, int[] tokens, float[] logProbs) = model.Read(text);
        return LossText.Of(model.Tokenizer, tokens, logProbs);
    }

    /// <summary>The beginning of the first held-out document that is long enough to say something.</summary>
    static string Passage(string folder, Workspace here, StudyResult smallest)
    {
        using LanguageModel model = LanguageModel.Open(here, smallest.Run.Name);
        using Corpus corpus = Corpus.Open(folder);
        // Text may come to a few tokens more when it is read anew.
        int most = Math.Min(MostTokens, model.Config.ContextLen * 3 / 4);
        int[] tokens = new int[Math.Min(corpus.Valid.Count, 20 * MostTokens)];
        corpus.Valid.Read(0, tokens);
        for (int from = 0; from < tokens.Length;)
        {
            int end = Array.IndexOf(tokens, corpus.EndOfText, from);
            if (end < 0) end = tokens.Length;
            if (end - from >= LeastTokens) return corpus.Tokenizer.Decode(tokens[from..Math.Min(end, from + most)]);
            from = end + 1;
        }
        return "";
    }
}
