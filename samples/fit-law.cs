#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// Fits a scaling law to a table of runs, whoever trained them.
//   dotnet run samples/fit-law.cs                    a table that is made here
//   dotnet run samples/fit-law.cs runs.csv N D LOSS  yours, by its columns: parameters, tokens, loss
using Isoflop.Lab.Laws;

string file = args.Length == 4 ? args[0] : Made();
TableColumns columns = args.Length == 4 ? new() { N = args[1], D = args[2], Loss = args[3] }
    : new() { N = "parameters", D = "tokens", Loss = "loss" };

// A row a run. A duplicate, a negative loss, a table of one size: whatever cannot be fitted is refused by name, not fitted badly.
List<Observation> runs = new ObservationTable(file).Observations(columns);
Law law = Law.Fit(LawForms.Chinchilla, runs, new() { Bootstraps = 200 });

// Parameters come with intervals: runs are drawn again and fitted again, 200 times.
Console.WriteLine(law.Formula);
foreach (LawParameter p in law.Parameters)
    Console.WriteLine($"  {p.Name,-6} {p.Estimate.Value,10:G4}   95 %: {p.Estimate.Low:G4} … {p.Estimate.High:G4}");
Console.WriteLine(law.Verdict.Text);
if (!law.Identified) return;                                     // then it predicts nothing

// A law is worth what it says of runs that are not in the table: here those above a cut, held out.
if (law.HeldOut is { } h)
    Console.WriteLine($"{h.Trained} runs predict {h.Tested} larger ones with a mean error of {100 * h.MeanRelativeError:0.0} %");

// The best split of a budget into parameters and tokens, and the loss to expect there.
Optimum best = law.Optimal(1e19);
Console.WriteLine($"1e19 FLOPs: {best.N.Value:0.0e0} parameters, {best.D.Value:0.0e0} tokens, " +
    $"loss {best.Loss.Value:0.000} ({best.Loss.Low:0.000} … {best.Loss.High:0.000})");

// L = 1.7 + 400/N^.34 + 900/D^.3, with a little noise: what the fit should find again.
static string Made()
{
    var rng = new Isoflop.Rng(1, Isoflop.RandomPurpose.Test);
    List<string> rows = ["parameters,tokens,loss"];
    for (double n = 1e5; n < 1e8; n *= 3)
        foreach (int ratio in (int[])[5, 20, 80])
        {
            double d = ratio * n, loss = 1.7 + 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3);
            rows.Add(FormattableString.Invariant($"{n},{d},{loss * (1 + 0.002 * rng.NextNormal())}"));
        }
    string file = Path.Combine(Path.GetTempPath(), $"isoflop-runs-{Environment.ProcessId}.csv");
    File.WriteAllLines(file, rows);
    return file;
}
