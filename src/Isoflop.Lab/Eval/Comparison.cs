using System.Text.Json.Serialization;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Eval;

/// <summary>How two models differ on what both answered: a task, all of them, or a measure beside them.</summary>
/// <param name="What">the task; "all"; "bits_per_byte", "milliseconds", "reply_bytes", "format_errors"</param>
/// <param name="Clusters">items of one template count as one</param>
/// <param name="Difference">mean of A less mean of B; of measures beside the tasks less is better</param>
/// <param name="Low">95 %, cluster-robust; null for a single cluster</param>
/// <param name="BootLow">95 %, clusters resampled</param>
/// <param name="OnlyA">items on which A's value is above B's; of scores of 0 and 1: that A alone has right</param>
/// <param name="McNemarP">of scores of 0 and 1, as if items were independent</param>
/// <param name="Test">the test that <paramref name="P"/> and the verdict rest on: McNemar's where items are independent</param>
/// <param name="AdjustedP">Holm's, over the tasks, or over the measures; of "all" P itself</param>
/// <param name="Detectable">the smallest difference that could have been seen: 80 % power at 5 %; null: none</param>
/// <param name="Verdict">"A better", "B better" or "inside the noise"</param>
public sealed record PairedDifference(string What, int Items, int Clusters, double MeanA, double MeanB, double Difference,
    double? Low, double? High, double? BootLow, double? BootHigh, int OnlyA, int OnlyB,
    [property: JsonPropertyName("mcnemar_p")] double? McNemarP, string Test, double P, double AdjustedP, double? Detectable,
    string Verdict);

/// <summary>Items that one side has alone.</summary>
/// <param name="First">the first few, as task/id</param>
public sealed record Unpaired(int Count, IReadOnlyList<string> First);

/// <summary>Where each model is better beyond the noise, over tasks and measures.</summary>
/// <param name="Verdict">"A dominates": better somewhere and nowhere seen to be worse; "B dominates"; "neither"</param>
public sealed record Dominance(IReadOnlyList<string> ABetter, IReadOnlyList<string> BBetter, IReadOnlyList<string> Noise,
    string Verdict);

/// <summary>
/// Two models on the same items, paired one by one. Nothing is ranked inside the noise: a verdict needs an adjusted p below 5 %
/// and an interval without 0.
/// </summary>
public sealed record Comparison
{
    /// <summary>Shown of what is missing.</summary>
    const int Few = 5;

    /// <summary>Verdicts.</summary>
    public const string ABetter = "A better", BBetter = "B better", InsideNoise = "inside the noise";

    /// <summary>Name of A's results.</summary>
    public required string A { get; init; }
    /// <summary>Name of B's results.</summary>
    public required string B { get; init; }
    /// <summary>The score compared.</summary>
    public required string Metric { get; init; }
    /// <summary>Items that both answered.</summary>
    public required int Pairs { get; init; }
    /// <summary>What B lacks.</summary>
    public required Unpaired OnlyInA { get; init; }
    /// <summary>What A lacks.</summary>
    public required Unpaired OnlyInB { get; init; }
    /// <summary>By task, in the order of their names; empty where no item names one.</summary>
    public required IReadOnlyList<PairedDifference> Tasks { get; init; }
    /// <summary>Every pair, each with the same weight.</summary>
    public required PairedDifference All { get; init; }
    /// <summary>Bits a byte of answers, latency, length, format errors, where both sides have them; less is better.</summary>
    public required IReadOnlyList<PairedDifference> Measures { get; init; }
    /// <summary>Why answers' likelihoods are not compared; null: they are, in bits a byte, or neither side has any.</summary>
    public string? LikelihoodRefused { get; init; }
    /// <summary>Over tasks (or all, where there are none) and measures.</summary>
    public required Dominance Dominance { get; init; }
    /// <summary>What a reader should know first.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Pairs two sets by task and id; by id alone where a side has no tasks.</summary>
    /// <param name="draws">of the bootstrap, and of a sign-flip test</param>
    /// <exception cref="DataException">Nothing in common; one id with two questions.</exception>
    public static Comparison Of(ResultSet a, ResultSet b, int draws = 10_000, ulong seed = 0, CancellationToken stop = default)
    {
        List<(ItemResult A, ItemResult B)> pairs = Paired(a, b, out Unpaired onlyA, out Unpaired onlyB);
        long stream = 0;
        PairedDifference all = Scores("all", pairs);
        all = all with { Verdict = Verdict(all, lessIsBetter: false) };
        PairedDifference[] tasks = Adjusted([.. pairs.Where(p => p.A.Task.Length > 0).GroupBy(p => p.A.Task)
            .OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Scores(g.Key, [.. g]))], lessIsBetter: false);
        var measures = new List<PairedDifference>();
        List<(ItemResult A, ItemResult B)> likely = [.. pairs.Where(p => p.A.AnswerNll.HasValue && p.B.AnswerNll.HasValue)];
        string? refused = Unlikely(pairs, likely);
        if (refused is null && likely.Count > 0)
            measures.Add(Differ("bits_per_byte", likely, r => r.AnswerNll!.Value / Math.Log(2), r => r.Bytes));
        Measure("milliseconds", r => r.Milliseconds > 0 ? r.Milliseconds : null);
        Measure("reply_bytes", r => r.Reply is { } reply ? System.Text.Encoding.UTF8.GetByteCount(reply) : null);
        if (a.HasFormatErrors && b.HasFormatErrors)
            Measure("format_errors", r => r.Reply is null ? null : r.FormatError ? 1 : 0);
        PairedDifference[] others = Adjusted(measures, lessIsBetter: true);
        return new()
        {
            A = a.Name,
            B = b.Name,
            Metric = a.Metric == b.Metric ? a.Metric : $"{a.Metric} of A, {b.Metric} of B",
            Pairs = pairs.Count,
            OnlyInA = onlyA,
            OnlyInB = onlyB,
            Tasks = tasks,
            All = all,
            Measures = others,
            LikelihoodRefused = refused,
            Dominance = Dominates([.. tasks.Length > 0 ? tasks : [all], .. others]),
            Warnings = [.. Warn(a, b, pairs, all)],
        };

        void Measure(string name, Func<ItemResult, double?> value)
        {
            List<(ItemResult A, ItemResult B)> both = [.. pairs.Where(p => value(p.A).HasValue && value(p.B).HasValue)];
            if (both.Count > 0) measures.Add(Differ(name, both, r => value(r)!.Value, null));
        }

        PairedDifference Scores(string what, List<(ItemResult, ItemResult)> of) => Differ(what, of, r => r.Score, null);

        PairedDifference Differ(string what, List<(ItemResult A, ItemResult B)> of, Func<ItemResult, double> value,
            Func<ItemResult, double>? weight)
        {
            // A template is of its task; an item without one is a cluster of its own, and cannot be taken for a template.
            var sample = new PairedSample([.. of.Select(p => value(p.A))], [.. of.Select(p => value(p.B))],
                weight is null ? null : [.. of.Select(p => weight(p.A))],
                [.. of.Select(p => p.A.Template.Length > 0 ? $"t{p.A.Task}\n{p.A.Template}" : $"i{p.A.Task}\n{p.A.Id}")]);
            (double p, string test) = sample.Test(draws, seed, stream, stop);
            (double Low, double High)? interval = sample.Interval(), boot = sample.Bootstrap(draws, seed, stream++, stop);
            return new(what, sample.Items, sample.Clusters, sample.MeanA, sample.MeanB, sample.Difference, interval?.Low,
                interval?.High, boot?.Low, boot?.High, sample.OnlyA, sample.OnlyB,
                sample.Binary ? PairedSample.McNemar(sample.OnlyA, sample.OnlyB) : null, test, p, p, sample.Detectable(),
                InsideNoise);
        }
    }

    static List<(ItemResult, ItemResult)> Paired(ResultSet a, ResultSet b, out Unpaired onlyA, out Unpaired onlyB)
    {
        bool byId = !a.HasTasks || !b.HasTasks;
        Dictionary<string, ItemResult> left = Keyed(a), right = Keyed(b);
        var pairs = new List<(ItemResult, ItemResult)>();
        var changed = new List<string>();
        foreach ((string key, ItemResult x) in left)
        {
            if (!right.TryGetValue(key, out ItemResult? y)) continue;
            if (a.Questions.TryGetValue(ResultSet.Key(x), out string? p)
                && b.Questions.TryGetValue(ResultSet.Key(y), out string? q) && p != q) changed.Add(key);
            // What one side leaves out of an item's description is taken from the other.
            pairs.Add((x with
            {
                Task = x.Task.Length > 0 ? x.Task : y.Task,
                Template = x.Template.Length > 0 ? x.Template : y.Template,
            }, y));
        }
        if (changed.Count > 0)
            throw new DataException($"{changed.Count} items have one id and two questions (doc_hash): {Named(changed)}; " +
                "compare logs of the same data");
        if (pairs.Count == 0)
            throw new DataException($"{a.Name} and {b.Name} have no item in common: A has {Named(left.Keys)}, " +
                $"B has {Named(right.Keys)}; compare results on the same items");
        onlyA = Alone(left, right);
        onlyB = Alone(right, left);
        return pairs;

        Dictionary<string, ItemResult> Keyed(ResultSet set)
        {
            var keyed = new Dictionary<string, ItemResult>();
            foreach (ItemResult item in set.Items)
                if (!keyed.TryAdd(byId ? item.Id : ResultSet.Key(item), item))
                    throw new DataException($"{set.Name}: '{item.Id}' is an id in two tasks, and the other side names no task; " +
                        "ids must be unique");
            return keyed;
        }

        static Unpaired Alone(Dictionary<string, ItemResult> here, Dictionary<string, ItemResult> there)
        {
            List<string> alone = [.. here.Keys.Where(k => !there.ContainsKey(k))];
            return new(alone.Count, [.. alone.Take(Few)]);
        }
    }

    static string Named(IReadOnlyCollection<string> keys) =>
        string.Join(", ", keys.Take(Few)) + (keys.Count > Few ? ", …" : "");

    /// <summary>Why likelihoods cannot be compared. Tokens of two tokenizers are not; bytes are.</summary>
    static string? Unlikely(List<(ItemResult A, ItemResult B)> pairs, List<(ItemResult A, ItemResult B)> likely)
    {
        int ofA = pairs.Count(p => p.A.AnswerNll.HasValue), ofB = pairs.Count(p => p.B.AnswerNll.HasValue);
        if (ofA + ofB > 0 && likely.Count == 0)
            return $"the answer's likelihood is known for {ofA} items of A and {ofB} of B, of {pairs.Count}: for none of both";
        int without = likely.Count(p => p.A.Bytes <= 0 || p.B.Bytes <= 0);
        if (without > 0) return $"the answer's bytes are missing for {without} items, and nats of two tokenizers are no unit";
        int unequal = likely.Count(p => p.A.Bytes != p.B.Bytes);
        return unequal > 0 ? $"the answer has different bytes on the two sides for {unequal} items: another text" : null;
    }

    static PairedDifference[] Adjusted(IReadOnlyList<PairedDifference> all, bool lessIsBetter)
    {
        double[] p = PairedSample.Holm([.. all.Select(d => d.P)]);
        PairedDifference[] adjusted = [.. all.Select((d, i) => d with { AdjustedP = p[i] })];
        return [.. adjusted.Select(d => d with { Verdict = Verdict(d, lessIsBetter) })];
    }

    static string Verdict(PairedDifference d, bool lessIsBetter)
    {
        if (d.AdjustedP >= 0.05 || d.Low is not { } low || d.High is not { } high || (low <= 0 && high >= 0)) return InsideNoise;
        return d.Difference > 0 != lessIsBetter ? ABetter : BBetter;
    }

    static Dominance Dominates(IReadOnlyList<PairedDifference> all)
    {
        string[] a = Of(ABetter), b = Of(BBetter);
        return new(a, b, Of(InsideNoise), a.Length > 0 && b.Length == 0 ? "A dominates"
            : b.Length > 0 && a.Length == 0 ? "B dominates" : "neither");

        string[] Of(string verdict) => [.. all.Where(d => d.Verdict == verdict).Select(d => d.What)];
    }

    static IEnumerable<string> Warn(ResultSet a, ResultSet b, List<(ItemResult A, ItemResult B)> pairs, PairedDifference all)
    {
        foreach (ResultSet set in (ResultSet[])[a, b])
            foreach (string warning in set.Warnings) yield return $"{set.Name}: {warning}";
        if (a.SuiteHash is { } ofA && b.SuiteHash is { } ofB && ofA != ofB)
            yield return "the results are of two suites: one id may be two questions";
        if (a.Metric != b.Metric) yield return $"A is scored by {a.Metric}, B by {b.Metric}; --metric names one for both";
        int lettered = pairs.Count(p => p.A.Note.Contains(ChatTarget.ByLetter) != p.B.Note.Contains(ChatTarget.ByLetter));
        if (lettered > 0) yield return $"{lettered} items were asked by letter on one side alone: two metrics in one column";
        if (all.Clusters < PairedSample.MinClusters)
            yield return $"{all.Clusters} clusters: no test can reach 5 % with fewer than {PairedSample.MinClusters}";
    }
}
