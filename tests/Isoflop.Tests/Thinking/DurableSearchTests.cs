using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Tests.Rl;
using Xunit;

namespace Isoflop.Tests.Thinking;

public class DurableSearchTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    DurableSearch Open(string name, string model = "taught", string task = "parity:1", ulong seed = 1, Workspace? here = null) =>
        DurableSearch.Open(here ?? new(home.Path), model, task, 0, "", "", seed, name);

    Workspace Until(int rounds, CancellationTokenSource stop) => new Workspace(home.Path).Reporting(p =>
    {
        if (p.Detail is SearchState s && s.Rounds >= rounds) stop.Cancel();
    }) with
    { Stop = stop.Token };

    [Fact]
    public void Stopped_and_called_again_it_has_the_rounds_of_one_that_was_not()
    {
        SearchState Some(string name, int until, int workers)
        {
            using var stop = new CancellationTokenSource();
            using DurableSearch search = Open(name, here: Until(until, stop));
            Assert.Equal("majority", search.Recipe.Strategy);                   // parity cannot be checked: it never stops by itself
            return search.Run(3600, workers);
        }
        string[] Rounds(string name) => [.. File.ReadLines(Path.Combine(home.Path, "thinks", name, "rounds.jsonl"))
            .Select(l => System.Text.Json.JsonSerializer.Deserialize(l, SearchJson.Default.SearchRound)!).OrderBy(r => r.Round)
            .Select(r => $"{r.Round} {r.Tokens} {string.Join(',', r.Answers.OrderBy(a => a.Key).Select(a => $"{a.Key}:{a.Value}"))}")];
        Some("whole", 9, 1);
        Some("pieces", 2, 1);
        // A kill in the middle of a line.
        File.AppendAllText(Path.Combine(home.Path, "thinks", "pieces", "rounds.jsonl"), "{\"round\":2,\"pas");
        SearchState end = Some("pieces", 6, 2);
        // Of two workers one may end its round before the other's earlier one, which is begun anew at the next call.
        string[] whole = Rounds("whole"), pieces = Rounds("pieces");
        Assert.InRange(pieces.Length, 6, whole.Length);
        Assert.All(pieces, round => Assert.Contains(round, whole));
        Assert.True(end.Best is "0" or "1" || end.Distinct > 2);
        Assert.True(end.Votes > 0 && end.Tokens > 0 && end.Flops > 0);
    }

    [Fact]
    public void Parts_of_a_search_play_the_rounds_of_one()
    {
        string[] Rounds(string name) => [.. JsonLines.Read(Path.Combine(home.Path, "thinks", name, "rounds.jsonl"), SearchJson.Default.SearchRound)
            .OrderBy(r => r.Round).Select(r => $"{r.Round} {r.Tokens} {string.Join(',', r.Answers.OrderBy(a => a.Key).Select(a => $"{a.Key}:{a.Value}"))}")];
        void Play(string name, int rounds, int part, int parts)
        {
            using var stop = new CancellationTokenSource();
            using DurableSearch search = DurableSearch.Open(Until(rounds, stop), "taught", "parity:1", 0, "", "", 1, name, part: part, parts: parts);
            search.Run(3600, 1);
        }
        Play("one", 6, 0, 1);
        Play("several", 3, 0, 2);
        Play("several", 3, 1, 2);
        Assert.Equal(Rounds("one"), Rounds("several.1").Concat(Rounds("several.2")).Order(StringComparer.Ordinal));
        // Three go on where two stopped: none plays what is there.
        Play("several", 2, 2, 3);
        Assert.Equal(["8", "11"], Rounds("several.3").Select(r => r.Split(' ')[0]));
        (SearchRecipe of, SearchState all) = DurableSearch.Together(new(home.Path), "several");
        Assert.Equal(("parity:1", 8L), (of.Task, all.Rounds));
        Assert.Contains("no worker", Assert.Throws<ConfigException>(() => DurableSearch.Together(new(home.Path), "none")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_ends_when_an_answer_passes_and_then_says_so_at_once()
    {
        // Twelve numbers may stand for x: a model that has never seen the family finds one, or the time is over and nothing passed.
        using DurableSearch search = Open("check", task: "modular-root:1");
        SearchState state = search.Run(2, 1);
        Assert.Equal(state.Solved, search.Run(2, 1).Solved);
        Assert.True(state.Solved || state.Seconds >= 2);
    }

    [Fact]
    public void Another_models_folder_and_a_second_searcher_are_refused()
    {
        using (DurableSearch search = Open("own"))
        {
            Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", Assert.Throws<ConfigException>(() => Open("own")).Message, StringComparison.Ordinal);
        }
        home.Run("other", "steps=1", "eval_every=0");
        Assert.Contains("another model", Assert.Throws<ConfigException>(() => Open("own", "other")).Message, StringComparison.Ordinal);
        Assert.Contains("something else", Assert.Throws<ConfigException>(() => Open("own", seed: 2)).Message, StringComparison.Ordinal);
        Assert.Contains("one level", Assert.Throws<ConfigException>(() => Open("x", task: "parity:1..2")).Message, StringComparison.Ordinal);
    }

    /// <summary>Its timestamps go backwards, forwards by years, and back.</summary>
    sealed class Jumping : TimeProvider
    {
        long calls;
        public override long GetTimestamp() => base.GetTimestamp() - 1000L * TimestampFrequency * (Interlocked.Increment(ref calls) % 3 == 0 ? 1 : 0);
        public override DateTimeOffset GetUtcNow() => new(1999, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }

    [Fact]
    public void A_clock_that_jumps_back_never_makes_time_negative()
    {
        using var stop = new CancellationTokenSource();
        using DurableSearch search = Open("jumps", here: Until(4, stop) with { Clock = new Jumping() });
        Assert.True(search.Run(1e9, 1).Seconds >= 0);
        Assert.DoesNotContain("-", File.ReadAllText(Path.Combine(home.Path, "thinks", "jumps", "seconds.jsonl")), StringComparison.Ordinal);
    }

    [Fact]
    public void Budgets_follow_Lubys_sequence() => Assert.Equal([1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8],
        Enumerable.Range(1, 15).Select(i => DurableSearch.Luby(i)));

    [Theory]
    [InlineData("90s", 90), InlineData("15m", 900), InlineData("8h", 28800), InlineData("2d", 172800)]
    public void Times_are_read(string text, double seconds) => Assert.Equal(seconds, DurableSearch.ReadSeconds(text));

    [Theory]
    [InlineData(""), InlineData("8"), InlineData("-1h"), InlineData("h"), InlineData("8y")]
    public void What_is_no_time_is_refused(string text) => Assert.Throws<ConfigException>(() => DurableSearch.ReadSeconds(text));
}
