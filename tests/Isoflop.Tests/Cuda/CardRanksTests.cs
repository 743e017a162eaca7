using System.Diagnostics;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>Ranks whose cards the host plays, under a real mpirun, with a library in NCCL's place that copies by files.</summary>
[Collection(CudaCollection.Name)]
public sealed class CardRanksTests(HostCard card) : IDisposable
{
    readonly TinyHome home = new();
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-cards-").FullName;

    [Fact]
    public void Ranks_on_cards_train_the_run_of_one_card()
    {
        card.Reset(played: true);
        Assert.SkipUnless(File.Exists("/usr/bin/mpirun"), "needs Open MPI (Debian: openmpi-bin)");
        File.Copy(card.Path, Path.Combine(folder, "libcuda.so.1"));
        (int code, string said) = Train("many", 2);
        Assert.Equal(2, code);
        Assert.Contains("there is no libnccl.so.2", said);
        Assert.Equal(0, Run("cc", ["-shared", "-fPIC", "-o", Path.Combine(folder, "libnccl.so.2"),
            Path.Combine(Places.Root, "tests/Isoflop.Tests/Cuda/fake_nccl.c")]).Code);
        foreach ((string name, int ranks) in ((string, int)[])[("one", 1), ("many", 2)])
        {
            (code, said) = Train(name, ranks);
            Assert.True(code == 0, said);
        }
        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
            Assert.Equal(Bytes("one", file), Bytes("many", file));
    }

    byte[] Bytes(string run, string file) => File.ReadAllBytes(Path.Combine(home.RunPath(run), Checkpoint.NameOf(4), file));

    (int, string) Train(string name, int ranks) => Run("/usr/bin/mpirun", ["--allow-run-as-root", "--oversubscribe", "-x", "LD_LIBRARY_PATH",
        "-np", $"{ranks}", "dotnet", Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), "train", "corpus=tiny", $"name={name}", "model.d_model=16",
        "model.n_layer=1", "model.n_head=1", "model.context_len=16", "train.steps=4", "train.batch_tokens=64", "train.shards=4", "eval.tokens=100",
        "--device", "cuda:0", "--peak", "1", "--home", home.Path]);

    (int Code, string Said) Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["LD_LIBRARY_PATH"] = folder;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        return (process.ExitCode, error.Result + output.Result);
    }

    public void Dispose()
    {
        home.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
