using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Web.Home;

/// <summary>One quantity of one run, as a chart draws it.</summary>
/// <param name="Points">as measured, thinned</param> <param name="Smooth">means of the rows around; null: not asked for</param>
/// <param name="Rows">there are</param>
sealed record SeriesLine(string Run, string Y, int Rows, Curve Points, Curve? Smooth);

/// <summary>Curves of runs on one axis.</summary>
/// <param name="Missing">runs that are not there, or cannot be read, and why</param>
/// <param name="More">there are rows that were not read yet; ask again</param>
sealed record SeriesView(string X, IReadOnlyList<SeriesLine> Lines, IReadOnlyList<string> Missing, bool More);

/// <summary>What curves are wanted.</summary>
/// <param name="X">step, tokens, flops, seconds</param> <param name="Pixels">columns of the screen</param>
/// <param name="Smooth">width of the window as a share of all rows; 0: none</param>
sealed record SeriesQuery(IReadOnlyList<string> Runs, string X, IReadOnlyList<string> Y, double From, double To, int Pixels,
    bool Log, double Smooth);

/// <summary>Curves of runs; columns of the runs that were looked at last are kept.</summary>
sealed class SeriesStore(Workspace here)
{
    /// <summary>Limits of a question.</summary>
    public const int MostRuns = 40, MostPixels = 4000;

    const int MostRows = 6_000_000, MostKept = 200;
    const string ValidLoss = "valid_loss", BitsPerByte = "bits_per_byte";

    /// <summary>What can be an x, and what a y.</summary>
    public static readonly string[] Axes = ["step", "tokens", "flops", "seconds"],
        Quantities = ["loss", ValidLoss, BitsPerByte, "grad_norm", "learning_rate", "tokens_per_second", "peak_share", "entropy"];

    sealed class Kept(string path)
    {
        public readonly RunColumns Columns = new(path);
        public readonly Tail<ValidRow> Tail = RunFolder.Follow(path).Valid;
        public readonly List<ValidRow> Valid = [];
        public long Used;
    }

    readonly Dictionary<string, Kept> kept = new(StringComparer.Ordinal);
    long clock;

    /// <summary>The curves.</summary>
    public SeriesView Of(SeriesQuery query)
    {
        List<SeriesLine> lines = [];
        List<string> missing = [];
        bool more = false;
        foreach (string run in query.Runs.Take(MostRuns))
        {
            Kept k;
            lock (kept)
            {
                string path = here.RunFolder(run);
                if (!Directory.Exists(path))
                {
                    missing.Add($"{run}: there is no such run any more");
                    kept.Remove(run);
                    continue;
                }
                if (!kept.TryGetValue(run, out Kept? there)) kept.Add(run, there = new(path));
                k = there;
                k.Used = ++clock;
            }
            try
            {
                lock (k) more |= Add(lines, run, k, query);
            }
            catch (DataException e)
            {
                missing.Add(e.Message);
            }
        }
        lock (kept)
            while (kept.Count > 1 && (kept.Count > MostKept || kept.Values.Sum(c => (long)c.Columns.Count) > MostRows))
                kept.Remove(kept.MinBy(c => c.Value.Used).Key);
        return new(query.X, lines, missing, more);
    }

    /// <summary>Reads a run in the background, for a question that is about to come.</summary>
    public void Prepare(string run) => _ = Task.Run(() =>
    {
        while (Of(new([run], Axes[0], [], 0, 0, 1, false, 0)).More) ;
    });

    static bool Add(List<SeriesLine> lines, string run, Kept k, SeriesQuery q)
    {
        bool more = k.Columns.Look();
        (IReadOnlyList<ValidRow> rows, bool anew) = k.Tail.Next();
        if (anew) k.Valid.Clear();
        k.Valid.AddRange(rows);
        var found = new SeriesLine?[q.Y.Count];
        Parallel.For(0, found.Length, i => found[i] = LineOf(run, k, q, q.Y[i]));
        lines.AddRange(found.OfType<SeriesLine>());
        return more;
    }

    static SeriesLine? LineOf(string run, Kept k, SeriesQuery q, string y)
    {
        if (y is ValidLoss or BitsPerByte)
        {
            (double[] vx, double[] vy) = ValidOf(k, q.X, y == ValidLoss);
            return new(run, y, vx.Length, Thinning.Of(vx, vy, q.From, q.To, q.Pixels, q.Log), null);
        }
        ReadOnlySpan<double> x = k.Columns[q.X], values = k.Columns[y];
        // Runs that learn from rewards write rates of 0: they are not measured there.
        return values.IndexOfAnyExcept(double.NaN) < 0 || values.IndexOfAnyExcept(0.0) < 0 ? null
            : new(run, y, k.Columns.Count, Thinning.Of(x, values, q.From, q.To, q.Pixels, q.Log), q.Smooth > 0
                ? Thinning.Smooth(x, values, q.From, q.To, Math.Min(q.Pixels, 600), q.Log, q.Smooth) : null);
    }

    /// <summary>Held-out losses where the run was when they were measured.</summary>
    static (double[] X, double[] Y) ValidOf(Kept k, string axis, bool loss)
    {
        ReadOnlySpan<double> steps = k.Columns["step"], x = k.Columns[axis];
        List<double> vx = [], vy = [];
        foreach (ValidRow row in k.Valid)
        {
            int at = steps.BinarySearch((double)row.Step);
            if (at < 0) continue;
            vx.Add(x[at]);
            vy.Add(loss ? row.Loss : row.BitsPerByte);
        }
        return ([.. vx], [.. vy]);
    }
}
