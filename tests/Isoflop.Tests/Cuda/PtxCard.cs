namespace Isoflop.Tests.Cuda;

/// <summary>A card on the host that runs the kernels' text, which a real card is given, and not their sources: <see cref="PtxOnHost"/>.</summary>
public sealed class PtxCard : HostCard
{
    static string[] Texts => Directory.GetFiles(Under("src/Isoflop.Cuda/Ptx"), "*.ptx");

    private protected override IEnumerable<string> Sources => [.. base.Sources, .. Texts,
        Under("tests/Isoflop.Tests/Cuda/ptx_host.h"), Under("tests/Isoflop.Tests/Cuda/PtxOnHost.cs")];

    private protected override string? Make(string path)
    {
        string folder = Directory.CreateTempSubdirectory("isoflop-ptx-").FullName;
        foreach (string text in Texts)
            File.WriteAllText(System.IO.Path.Combine(folder, System.IO.Path.GetFileNameWithoutExtension(text) + ".cpp"), PtxOnHost.Translate(File.ReadAllText(text)));
        (int code, string said) = Compile(["text", path, folder]);
        Directory.Delete(folder, recursive: true);
        return code == 0 ? null : code == 3 ? "clang-19 is not installed" : throw new InvalidOperationException(said);
    }
}
