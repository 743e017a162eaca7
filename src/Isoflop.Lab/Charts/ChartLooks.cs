using OxyPlot;

namespace Isoflop.Lab.Charts;

/// <summary>How a thing of a picture is drawn.</summary>
/// <param name="Dashes">drawn and left free in turn, pixels; none: solid</param>
readonly record struct ChartLook(OxyColor Colour, MarkerType Mark, double[] Dashes);

/// <summary>
/// How each name of a picture looks. It is the same in all panels, so that a quantity is found again by its colour; names that
/// never stand in one panel may look alike.
/// </summary>
sealed class ChartLooks
{
    /// <summary>
    /// Told apart by readers with any colour vision, after Okabe &amp; Ito 2008, and each at least 3 : 1 against white and black.
    /// </summary>
    internal static readonly OxyColor[] Colours =
    [
        OxyColor.Parse("#0072B2"), OxyColor.Parse("#D1402A"), OxyColor.Parse("#00946B"), OxyColor.Parse("#B45FA0"),
        OxyColor.Parse("#A67C00"), OxyColor.Parse("#1C97C2"), OxyColor.Parse("#777777"), OxyColor.Parse("#8A5A3C"),
    ];

    /// <summary>Through several hues, so that neighbours differ; no end is lost on a white or a black page.</summary>
    internal static readonly OxyColor[] Shades =
        [OxyColor.Parse("#B98500"), OxyColor.Parse("#D4503F"), OxyColor.Parse("#AA44A0"), OxyColor.Parse("#5B62D6")];

    /// <summary>Of a line that is to be broken.</summary>
    public static double[] Broken { get; } = [5, 3];

    /// <summary>Names beyond the colours there are have the next of these: no two of a panel look alike.</summary>
    static readonly double[][] Dashes = [[], Broken, [2, 3], [6, 3, 2, 3]];

    static readonly MarkerType[] Marks = [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond];

    readonly Dictionary<string, ChartLook> looks = [];

    /// <param name="panels">of one picture</param>
    public ChartLooks(IReadOnlyList<Chart> panels)
    {
        List<ChartSeries> all = [.. panels.SelectMany(p => p.Series)];
        double[] shades = [.. all.Where(s => s.Shade > 0).Select(s => Math.Log(s.Shade!.Value))];
        foreach (ChartSeries s in all.Where(s => s.Shade > 0))
            looks.TryAdd(s.Name, new(Shade(shades.Max() > shades.Min()
                ? (Math.Log(s.Shade!.Value) - shades.Min()) / (shades.Max() - shades.Min()) : 1), Marks[0], []));
        foreach (ChartSeries s in all.Where(s => s.Kind == SeriesKind.Contours))
            looks.TryAdd(s.Name, new(Shade(0.7), MarkerType.None, []));
        Dictionary<string, int> places = Places(s => s.Kind is not (SeriesKind.AtX or SeriesKind.AtY)),
            marks = Places(s => s.IsMarked);
        foreach ((string name, int place) in places)
            looks.Add(name, new(Colours[place % Colours.Length], Marks[marks.GetValueOrDefault(name) % Marks.Length],
                Dashes[place / Colours.Length % Dashes.Length]));

        // Each name has the first place that none beside it has.
        Dictionary<string, int> Places(Func<ChartSeries, bool> which)
        {
            var found = new Dictionary<string, int>();
            string[][] names = [.. panels.Select(p => p.Series.Where(which).Select(s => s.Name)
                .Where(n => !looks.ContainsKey(n)).Distinct().ToArray())];
            foreach (string name in names.SelectMany(n => n).Distinct())
            {
                HashSet<int> beside = [.. names.Where(n => n.Contains(name)).SelectMany(n => n)
                    .Select(n => found.GetValueOrDefault(n, -1))];
                int place = 0;
                while (beside.Contains(place)) place++;
                found.Add(name, place);
            }
            return found;
        }
    }

    /// <summary>
    /// Of a line that lies on so many others: each leaves free half of what the one below it shows, and so all are seen.
    /// </summary>
    public static double[] Upon(int others) => others == 0 ? [] : [12 / Math.Pow(2, others), 12 - 12 / Math.Pow(2, others)];

    public ChartLook this[string name] => looks[name];

    /// <summary>Of a quantity: light to dark, 0 to 1.</summary>
    public static OxyColor Shade(double share)
    {
        double at = Math.Clamp(share, 0, 1) * (Shades.Length - 1);
        int i = Math.Min((int)at, Shades.Length - 2);
        return OxyColor.Interpolate(Shades[i], Shades[i + 1], at - i);
    }
}
