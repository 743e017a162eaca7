using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Laws;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>Published measurements that do not travel with the project, and what an independent program computed from them.</summary>
static class SharedData
{
    static readonly string folder = Places.SharedFolder("data");

    public static string File(string name)
    {
        string path = Path.Combine(folder, name);
        Assert.SkipUnless(System.IO.File.Exists(path), $"published data are not here: {path}");
        return path;
    }

    public static JsonElement Golden() => JsonDocument.Parse(System.IO.File.ReadAllBytes(File("golden.json"))).RootElement;

    public static List<string[]> Rows(string name) =>
        [.. System.IO.File.ReadLines(File(name)).Skip(1).Where(l => l.Length > 0).Select(l => l.Split(','))];

    public static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>The points of Chinchilla's figure 4; 240: without the five largest losses.</summary>
    public static List<Observation> Chinchilla(int count = 240) =>
        [.. Rows("chinchilla/epoch_chinchilla_svg_extracted_data.csv")
            .Select(r => (N: Number(r[3]), C: Number(r[4]), Loss: Number(r[6])))
            .OrderBy(r => r.Loss).Take(count)
            .Select(r => new Observation { N = r.N, D = r.C / (6 * r.N), C = r.C, Loss = r.Loss })];
}
