using Isoflop.Kernels;

namespace Isoflop.Store;

/// <summary>
/// Where all work lies, and with what it is done: folders, device, clock, progress and the wish to stop. It is handed to whatever
/// trains, measures or reads. Nothing of it but the folder changes a result.
/// </summary>
/// <param name="Root">folder of all corpora, runs, studies and searches; made when the first is</param>
/// <example><code>
/// var here = new Workspace("./isoflop") { Stop = token };
/// TrainResult result = Trainer.Train(Config.Load(null, "corpus=small", "flops=1e10"), here);
/// </code></example>
public sealed record Workspace(string Root = "./isoflop")
{
    /// <summary>Folder of all runs.</summary>
    public string Runs => Path.Combine(Root, "runs");
    /// <summary>Folder of all corpora.</summary>
    public string Corpora => Path.Combine(Root, "corpus");
    /// <summary>Folder of all studies.</summary>
    public string Studies => Path.Combine(Root, "studies");
    /// <summary>Folder of all searches and curves of thinking.</summary>
    public string Searches => Path.Combine(Root, "thinks");
    /// <summary>Folder of results of models that are no runs of here.</summary>
    public string Evals => Path.Combine(Root, "evals");

    /// <summary>Folder of a run.</summary>
    /// <exception cref="ConfigException">The name leads elsewhere.</exception>
    public string RunFolder(string name) => Within(Runs, "run", name);
    /// <summary>Folder of a corpus.</summary>
    /// <exception cref="ConfigException">The name leads elsewhere.</exception>
    public string CorpusFolder(string name) => Within(Corpora, "corpus", name);
    /// <summary>Folder of a study.</summary>
    /// <exception cref="ConfigException">The name leads elsewhere.</exception>
    public string StudyFolder(string name) => Within(Studies, "study", name);

    static string Within(string folder, string what, string name) => name is "." or ".." || name.AsSpan().ContainsAny("/\\\0")
        ? throw new ConfigException(FolderName.Problem(what, name)!) : Path.Combine(folder, name);

    /// <summary>Name of the device that computes, as <see cref="Devices"/> knows it.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of the host; 0: one a core.</summary>
    /// <exception cref="ConfigException">Below 0, or more than four a core.</exception>
    public int Threads
    {
        get;
        init => field = value >= 0 && value <= 4 * Environment.ProcessorCount ? value
            : throw new ConfigException($"threads={value} must be from 0 to {4 * Environment.ProcessorCount}: four a core; " +
                "0 takes one a core");
    }

    /// <summary>The threads, counted: never 0.</summary>
    public int Cores => Threads > 0 ? Threads : Environment.ProcessorCount;

    /// <summary>
    /// Runs side by side where nothing else is asked for: one a core; on a card, which small models do not fill, more.
    /// </summary>
    internal int SideBySide(int asked) => asked > 0 ? asked : Devices.OnHost(Device) ? Cores : Math.Max(RunsOfCard, Cores);

    const int RunsOfCard = 8;

    /// <summary>What the device does at most, FLOPs a second, for the share in the rows; 0: measured when it is
    /// needed.</summary>
    public double PeakFlops { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Told how far the work is, from any thread.</summary>
    public IProgress<Progress>? Progress { get; init; }

    /// <summary>Asks to stop: what is under way is saved first.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Lets a run go on where arithmetic differs from where it was begun: its bits are then neither's.</summary>
    public bool AllowOtherBits { get; init; }

    /// <summary>This process is one of several workers, and claims what it does; null: it is alone.</summary>
    internal Claims? Claims { get; init; }

    /// <summary>Processes with which one model is trained; null: this one is alone.</summary>
    internal Ranks? Ranks { get; init; }

    /// <summary>The right to write the run that is trained; null: the folder's lock is enough.</summary>
    internal Fence? Fence { get; init; }

    /// <summary>Opens a checkpoint's files; tests fill the disk here.</summary>
    internal Func<string, long, Stream>? CreateFile { get; init; }

    /// <summary>Where steps may be made to fail; null: nowhere.</summary>
    internal Seams? Seams { get; init; }

    /// <summary>Opens the device; dispose of it.</summary>
    /// <exception cref="ConfigException">There is none of that name, or not in this precision.</exception>
    public IDevice OpenDevice(Precision precision = Precision.F32) => Devices.Open(Device, Threads, precision);

    /// <summary>The same with a delegate that is told of progress, at once and on the thread that reports.</summary>
    public Workspace Reporting(Action<Progress> tell) => this with { Progress = new Listener(tell) };

    /// <summary>The same for a part of the work, whose progress is told as that of the whole.</summary>
    public Workspace Part(Func<Progress, Progress> ofWhole) =>
        // Remarks have no stage.
        Progress is { } whole ? Reporting(p => whole.Report(p.Stage.Length == 0 ? p : ofWhole(p))) : this;

    internal void Report(string stage, double done, double total = 1, string unit = "", string note = "",
        object? detail = null) => Progress?.Report(new(stage, done, total, unit, note) { Detail = detail });

    /// <summary>Says something that is worth a line of its own.</summary>
    internal void Remark(string note) => Report("", 0, note: note);
}
