using System.Globalization;
using Isoflop.Lab.Laws;

namespace Isoflop.Cli;

/// <summary>What a law says of another table's runs, for readers.</summary>
static class ForetoldText
{
    /// <summary>Rows are printed one by one up to so many; JSON has all.</summary>
    const int Most = 24;

    /// <param name="path">of the table</param> <param name="surface">rows have N and D, else an x</param>
    public static void Write(TextWriter output, Foretold f, string path, bool surface)
    {
        Line("predicted", I($"{f.Rows.Count} rows of {path}, {f.Measured} with a measurement"));
        if (f.Rows.Count <= Most)
        {
            string[] where = surface ? ["N", "D"] : ["x"];
            List<string[]> table = [["  ", "row", .. where, "said", "95 %", "measured", "error"]];
            foreach (ForetoldRow r in f.Rows)
            {
                string[] at = surface ? [I($"{r.N:0.###e0}"), I($"{r.D:0.###e0}")] : [LawText.Number(r.X)];
                table.Add(["  ", r.Name, .. at, LawText.Number(r.Said.Value), LawText.Ends(r.Said),
                    double.IsNaN(r.Measured) ? "-" : LawText.Number(r.Measured),
                    double.IsNaN(r.Error) ? "-" : Signed(r.Error) + (double.IsNaN(r.Said.Low) || r.Inside ? "" : " outside")]);
            }
            TextTable.Write(output, table, 0, 1, surface ? 5 : 4, surface ? 7 : 6);
        }
        else if (f.Measured > 0)
            TextTable.Write(output, [["  ", "C", "n", "mean error", "mean size", "inside 95 %"], .. f.Rows
                .Where(r => double.IsFinite(r.Error)).GroupBy(r => (int)Math.Floor(Math.Log10(r.C))).OrderBy(g => g.Key)
                .Select(g => (string[])["  ", I($"1e{g.Key}"), I($"{g.Count()}"), Signed(g.Average(r => r.Error)),
                    I($"{100 * g.Average(r => Math.Abs(r.Error)):0.00} %"),
                    g.Any(r => double.IsFinite(r.Said.Low)) ? I($"{g.Count(r => r.Inside)}") : "-"])], 0, 1);
        int extrapolated = f.Rows.Count(r => r.Extrapolated);
        if (extrapolated > 0)
            Line("range", I($"{extrapolated} of {f.Rows.Count} rows lie outside of the fitted points in ") +
                (surface ? "N or D" : "x") + ": extrapolated");
        if (f.Refused.Count > 0)
            Line("left out", $"{f.Refused.Count} rows that the law does not reach; {f.Refused[0].Name}: {f.Refused[0].Reason}");
        if (f.Measured == 0) return;
        Line("errors", I($"{Signed(f.Mean)} mean (measured − said), {100 * f.Size:0.00} % mean size, ") +
            I($"{100 * f.Rms:0.00} % rms; {f.Above} of {f.Measured} above, {f.Measured - f.Above} below"));
        Line("coverage", f.Judged == 0 ? "none: this law has no interval"
            : I($"{f.Inside} of {f.Judged} in their 95 % intervals: {100 * f.Coverage.Value:0} % ") +
                I($"(binomial 95 %: {100 * f.Coverage.Low:0}–{100 * f.Coverage.High:0} %; rows of one law are not independent)"));

        void Line(string label, string text) => output.WriteLine($"{label,-11} {text}");
    }

    static string Signed(double x) => I($"{100 * x:+0.00;-0.00} %");

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
