using System.Globalization;
using Isoflop.Lab.Baselines;

namespace Isoflop.Cli;

/// <summary>Losses on held-out text beside those of methods without a neural network.</summary>
static class BaselineTable
{
    /// <param name="models">name, nats a token, bits a byte</param>
    public static void Write(TextWriter output, CorpusBaselines baselines,
        params (string Name, double Nats, double Bits)[] models)
    {
        List<string[]> rows = [["held-out text", "nats/token", "bits/byte"]];
        foreach ((string name, double nats, double bits) in models) rows.Add([name, Number(nats), Number(bits)]);
        foreach (Baseline b in baselines.Rows)
            rows.Add([b.Name, b.NatsPerToken is { } nats ? Number(nats) : "", Number(b.BitsPerByte)]);
        TextTable.Write(output, rows, 0);
        Baseline? counts = baselines.Rows.FirstOrDefault(b => b.Name.StartsWith("5-gram", StringComparison.Ordinal));
        string[] behind = [.. models.Where(m => m.Bits > counts?.BitsPerByte).Select(m => m.Name)];
        if (behind.Length > 0)
            output.WriteLine($"the 5-gram is ahead of {string.Join(", ", behind)}: it keeps a count of every five tokens of " +
                $"{Format.Quantity(baselines.TrainTokens, "tokens")}, a model its parameters alone; more FLOPs lower the " +
                "model's loss, and the counts' stays");
    }

    static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
