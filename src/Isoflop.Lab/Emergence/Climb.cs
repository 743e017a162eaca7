using Isoflop.Kernels;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Studies;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Lab.Emergence;

/// <summary>What one rung makes of a prompt.</summary>
/// <param name="Text">its continuation</param> <param name="AnswerNats">−ln p of the answer after the prompt; null: none
/// given</param>
sealed record ClimbedRung(string Run, double Budget, long Parameters, double Loss, string Text, double? AnswerNats);

/// <summary>The next token's distribution at one rung.</summary>
/// <param name="LogProbs">of every token, nats</param> <param name="Entropy">nats</param>
sealed record SharpenedRung(string Run, double Budget, float[] LogProbs, double Entropy);

/// <summary>One prompt through the best model of each budget of a study, small to large.</summary>
static class Climb
{
    /// <summary>The best size of every budget, its first seed.</summary>
    /// <exception cref="ConfigException">No finished run counts.</exception>
    public static IReadOnlyList<StudyResult> Rungs(Study study, Workspace here)
    {
        StudyResult[] rungs = [.. StudyPoints.BestSizes(StudyPoints.Counted(study, here)).Select(s => s[0])];
        return rungs.Length > 0 ? rungs
            : throw new ConfigException($"study '{study.Name}' has no finished run that counts; train it with 'isoflop ladder'");
    }

    /// <summary>Continues the prompt at every rung.</summary>
    /// <param name="temperature">0: the likeliest token each time</param> <param name="answer">how likely is this? empty: not
    /// asked</param>
    public static IEnumerable<ClimbedRung> Continue(IEnumerable<StudyResult> rungs, Workspace here, string prompt, int tokens,
        double temperature, string answer, ulong seed)
    {
        foreach (StudyResult r in rungs)
        {
            using LanguageModel model = LanguageModel.Open(here, r.Run.Name);
            SampledReply reply = model.Continue(prompt, 1, tokens, new SamplingRule((float)temperature), seed)[0];
            double? nats = answer.Length == 0 ? null : Nats(model, prompt, answer);
            yield return new(r.Run.Name, r.Run.Budget, r.Run.Parameters, r.Loss, model.Tokenizer.Decode(reply.Said), nats);
        }
    }

    static double Nats(LanguageModel model, string prompt, string answer)
    {
        List<int> before = model.Tokenizer.Encode(prompt);
        int[] after = LocalTarget.After(model.Tokenizer, before, prompt, answer);
        if (before.Count + after.Length > model.Config.ContextLen)
            throw new ConfigException($"prompt and answer have {before.Count + after.Length} tokens, the model's context is " +
                $"{model.Config.ContextLen}; shorten them");
        return model.Nll([([model.Tokenizer.Beginning, .. before, .. after], before.Count + 1)])[0].Sum(x => (double)x);
    }

    /// <summary>The next token's distribution after a text at every rung. All rungs of a study share their tokens.</summary>
    public static IEnumerable<SharpenedRung> Next(IEnumerable<StudyResult> rungs, Workspace here, string text)
    {
        foreach (StudyResult r in rungs)
        {
            using LanguageModel model = LanguageModel.Open(here, r.Run.Name);
            (float[] next, _, _) = model.Read(text);
            yield return new(r.Run.Name, r.Run.Budget, next, next.Sum(p => -Math.Exp(p) * p));
        }
    }
}
