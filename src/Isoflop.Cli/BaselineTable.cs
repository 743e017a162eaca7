using System.Globalization;
using Isoflop.Lab.Baselines;

namespace Isoflop.Cli;

/// <summary>Losses on held-out text beside those of methods without a neural network.</summary>
static class BaselineTable
{
    /// <param name="models">name, nats a token, bits a byte</param>
    public static void Write(TextWriter output, CorpusBaselines baselines, params (string Name, double Nats, double Bits)[] models)
    {
        List<string[]> rows = [["held-out text", "nats/token", "bits/byte"]];
        foreach ((string name, double nats, double bits) in models) rows.Add([name, Number(nats), Number(bits)]);
        foreach (Baseline b in baselines.Rows) rows.Add([b.Name, b.NatsPerToken is { } nats ? Number(nats) : "", Number(b.BitsPerByte)]);
        TextTable.Write(output, rows, 0);
    }

    static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
