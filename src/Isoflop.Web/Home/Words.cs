using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Studies;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Web.Home;

/// <summary>What is asked of models about a text.</summary>
/// <param name="Study">every rung of it; empty: the models</param> <param name="Models">runs, where no study is given</param>
/// <param name="Answer">how likely is it after the text? empty: not asked</param>
sealed record WordsAsked(string Study, IReadOnlyList<string>? Models, string Text, int? Tokens, double? Temperature,
    string? Answer);

/// <summary>A token and its probability at every model.</summary>
sealed record WordRow(string Token, IReadOnlyList<double> Shares);

/// <summary>A model, small to large.</summary>
/// <param name="Entropy">nats</param>
sealed record WordModel(string Run, double? Budget, long Parameters, double Entropy);

/// <summary>The next token's distributions side by side.</summary>
sealed record NextView(IReadOnlyList<WordModel> Models, IReadOnlyList<WordRow> Rows);

/// <summary>A text coloured by one model's loss.</summary>
sealed record LossView(string Run, double Mean, IReadOnlyList<TokenNats> Tokens);

/// <summary>How one rung goes on.</summary>
sealed record ClimbView(string Run, double? Budget, long Parameters, string Text, double? AnswerNats);

/// <summary>Asks models about texts: one question at a time, since each opens models.</summary>
sealed class Words(Workspace here)
{
    const int Shown = 16, MostModels = 12, MostText = 20_000;

    readonly SemaphoreSlim one = new(1);

    /// <summary>What comes next.</summary>
    public Task<NextView> Next(WordsAsked asked, CancellationToken stop) => Alone(asked, models =>
    {
        List<WordModel> shown = [];
        List<float[]> all = [];
        Func<int, string>? reading = null;
        string? tokens = null;
        foreach ((string run, double? budget) in models)
        {
            stop.ThrowIfCancellationRequested();
            using LanguageModel model = LanguageModel.Open(here, run);
            if (tokens is not null && model.Tokenizer.Hash != tokens)
                throw new ConfigException($"'{run}' has other tokens than '{models[0].Run}': their distributions cannot stand " +
                    "side by side; choose models of one corpus");
            tokens = model.Tokenizer.Hash;
            (float[] next, _, _) = model.Read(asked.Text);
            shown.Add(new(run, budget, model.Parameters, next.Sum(p => -Math.Exp(p) * p)));
            all.Add(next);
            Tokenizer tokenizer = model.Tokenizer;
            reading = t => t >= tokenizer.VocabSize ? "(padding)" : tokenizer.Decode([t]);
        }
        int[] order = [.. Enumerable.Range(0, all[^1].Length).OrderByDescending(i => all[^1][i]).ThenBy(i => i).Take(Shown)];
        int[] others = [.. all.Take(all.Count - 1)
            .SelectMany(p => Enumerable.Range(0, p.Length).OrderByDescending(i => p[i]).Take(2)).Except(order).Take(Shown / 2)];
        return new NextView(shown, [.. order.Concat(others).Select(t => new WordRow(reading!(t),
            [.. all.Select(p => Math.Exp(p[t]))]))]);
    }, stop);

    /// <summary>The text coloured by the loss of each model.</summary>
    public Task<IReadOnlyList<LossView>> Losses(WordsAsked asked, CancellationToken stop) => Alone<IReadOnlyList<LossView>>(asked,
        models => [.. models.Select(m =>
        {
            stop.ThrowIfCancellationRequested();
            using LanguageModel model = LanguageModel.Open(here, m.Run);
            (_, int[] tokens, float[] logProbs) = model.Read(asked.Text);
            return new LossView(m.Run, logProbs.Length > 0 ? -logProbs.Average() : 0,
                LawPages.TokensOf(LossText.Of(model.Tokenizer, tokens, logProbs)));
        })], stop);

    /// <summary>One prompt through every rung.</summary>
    public Task<IReadOnlyList<ClimbView>> Climbed(WordsAsked asked, CancellationToken stop) =>
        Alone<IReadOnlyList<ClimbView>>(asked, _ => asked.Study.Length == 0
            ? throw new ConfigException("a prompt climbs the rungs of a study; choose one")
            : [.. Climb.Continue(Climb.Rungs(Study.Open(here, asked.Study), here), here, asked.Text,
                Math.Clamp(asked.Tokens ?? 24, 1, 200), Math.Clamp(asked.Temperature ?? 0, 0, 2), asked.Answer ?? "", 1)
                .TakeWhile(_ => !stop.IsCancellationRequested)
                .Select(r => new ClimbView(r.Run, r.Budget, r.Parameters, r.Text, r.AnswerNats))], stop);

    async Task<T> Alone<T>(WordsAsked asked, Func<IReadOnlyList<(string Run, double? Budget)>, T> ask, CancellationToken stop)
    {
        if (asked.Text is null || asked.Text.Length > MostText)
            throw new ConfigException($"the text has {asked.Text?.Length ?? 0} characters, {MostText} at most are read");
        await one.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => ask(ModelsOf(asked)), stop).ConfigureAwait(false);
        }
        finally
        {
            one.Release();
        }
    }

    List<(string, double?)> ModelsOf(WordsAsked asked)
    {
        if (asked.Study is { Length: > 0 })
            return [.. Climb.Rungs(Study.Open(here, asked.Study), here).Select(r => (r.Run.Name, (double?)r.Run.Budget))];
        // A model folder elsewhere on the disk is a matter of the command line.
        string[] models = [.. (asked.Models ?? []).Take(MostModels)];
        if (models.Length == 0) throw new ConfigException("choose a study or a model");
        foreach (string model in models) _ = here.RunFolder(model);
        return [.. models.Select(m => (m, (double?)null))];
    }
}
