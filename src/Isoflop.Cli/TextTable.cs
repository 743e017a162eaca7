namespace Isoflop.Cli;

/// <summary>Columns of plain text, aligned: the first to the left, numbers to the right.</summary>
static class TextTable
{
    /// <param name="left">columns that stand to the left</param>
    public static void Write(TextWriter output, IReadOnlyList<string[]> rows, params int[] left)
    {
        if (rows.Count == 0) return;
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        foreach (string[] row in rows) output.WriteLine(string.Join("  ", row.Select(Aligned)).TrimEnd());

        string Aligned(string cell, int c) => left.Contains(c) ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]);
    }
}
