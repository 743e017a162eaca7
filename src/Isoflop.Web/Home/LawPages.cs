using System.Collections.Concurrent;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Web.Home;

/// <summary>A block of a study's page.</summary>
/// <param name="Kind">heading, words, verdict, table, chart, drawn, tokens</param>
/// <param name="Text">`code` between backticks, what matters between **two asterisks**; of a chart its title</param>
/// <param name="File">of a picture, to be asked for</param>
sealed record LawBlock(string Kind, string Text, IReadOnlyList<string> Heads, IReadOnlyList<string[]> Rows, string File,
    IReadOnlyList<TokenNats> Tokens);

/// <summary>A token and its loss.</summary>
sealed record TokenNats(string Token, double Nats);

/// <summary>What a study says, as its report.html does.</summary>
/// <param name="Problem">why there is nothing yet; empty: there is</param>
sealed record LawPage(string Study, IReadOnlyList<LawBlock> Blocks, string Problem);

/// <summary>The reports of studies: fitted when they are asked for, again where results were added.</summary>
sealed class LawPages(Workspace here, StudyIndex studies, RunIndex runs)
{
    sealed record Kept(string Stamp, Task<IReadOnlyList<PageBlock>> Blocks)
    {
        /// <summary>By name and width, once drawn.</summary>
        public ConcurrentDictionary<(string File, bool Narrow), string> Drawn { get; } = new();
    }

    readonly Dictionary<string, Kept> kept = new(StringComparer.Ordinal);

    /// <summary>The page.</summary>
    public async Task<LawPage> Of(string study)
    {
        try
        {
            return new(study, [.. (await Fitted(study).Blocks.ConfigureAwait(false)).Select(Shown)], "");
        }
        catch (Exception e) when (e is DataException or ConfigException)
        {
            return new(study, [], e.Message);
        }
    }

    /// <summary>A picture of the page as SVG; null: there is none of that name.</summary>
    /// <param name="narrow">for a telephone</param>
    public async Task<string?> Picture(string study, string file, bool narrow)
    {
        Kept there = Fitted(study);
        foreach (PageBlock block in await there.Blocks.ConfigureAwait(false))
        {
            if (block is ChartBlock chart && chart.File == file)
                return there.Drawn.GetOrAdd((file, narrow), _ => narrow ? chart.Chart.Svg(390, 380) : chart.Chart.Svg());
            if (block is DrawnBlock drawn && drawn.File == file)
                return await File.ReadAllTextAsync(Path.Combine(here.StudyFolder(study), file)).ConfigureAwait(false);
        }
        return null;
    }

    Kept Fitted(string study)
    {
        string folder = here.StudyFolder(study);
        string stamp = string.Join(' ', runs.All().Count(r => r.Study == study && r.Status == "done"),
            string.Join(',', new[] { Study.RecordFile, "forecast.json", "score.json", "map.svg" }
                .Select(f => File.GetLastWriteTimeUtc(Path.Combine(folder, f)).Ticks)));
        lock (kept)
        {
            if (kept.TryGetValue(study, out Kept? there) && there.Stamp == stamp && !there.Blocks.IsFaulted) return there;
            _ = studies.Record(study) ?? throw new ConfigException($"study '{study}': there is none of that name");
            var blocks = Task.Run(() => StudyReport.Read(Study.Open(here, study), here));
            return kept[study] = new(stamp, blocks);
        }
    }

    static LawBlock Shown(PageBlock block) => block switch
    {
        HeadingBlock h => Block("heading", h.Text),
        WordsBlock w => Block(w.IsVerdict ? "verdict" : "words", w.Text),
        TableBlock t => Block("table", "") with { Heads = t.Heads, Rows = t.Rows },
        ChartBlock c => Block("chart", $"{c.Chart.Title}. {c.Chart.Subtitle}") with { File = c.File },
        DrawnBlock d => Block("drawn", "Tasks against rungs") with { File = d.File },
        TokensBlock t => Block("tokens", "") with { Tokens = TokensOf(t.Text) },
        _ => Block("words", ""),
    };

    static LawBlock Block(string kind, string text) => new(kind, text, [], [], "", []);

    /// <summary>Pieces of a coloured text.</summary>
    public static IReadOnlyList<TokenNats> TokensOf(LossText text) => [.. text.Pieces.Select(p => new TokenNats(p.Token,
        double.IsFinite(p.Nats) ? p.Nats : 0))];
}
