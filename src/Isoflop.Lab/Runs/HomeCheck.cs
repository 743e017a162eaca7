using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Runs;

/// <summary>Something that is not as it was written.</summary>
/// <param name="File">below the home</param>
sealed record Finding(string File, string Problem);

/// <summary>What holds of a home's files.</summary>
/// <param name="Sealed">records, row files and checkpoints that fit their hashes</param>
/// <param name="Unsealed">of older programs, which have none: they can be read, and nothing vouches for them</param>
sealed record HomeReport(int Sealed, int Unsealed, IReadOnlyList<Finding> Findings);

/// <summary>Holds every record, every row and every checkpoint of a home against its hash.</summary>
static class HomeCheck
{
    /// <summary>Reads everything; writes nothing.</summary>
    public static HomeReport Of(Workspace here)
    {
        var walk = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
            IgnoreInaccessible = false,
        };
        string[] files = Directory.Exists(here.Root)
            ? [.. Directory.EnumerateFiles(here.Root, "*", walk).Order(StringComparer.Ordinal)] : [];
        List<Finding> findings = [];
        int good = 0, open = 0;
        for (int i = 0; i < files.Length; i++)
        {
            here.Stop.ThrowIfCancellationRequested();
            try
            {
                bool? state = StateOf(files[i]);
                if (state == true) good++;
                else if (state == false) open++;
            }
            catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException)
            {
                string file = Path.GetRelativePath(here.Root, files[i]);
                findings.Add(new(file, e.Message.Replace(files[i] + ": ", "")));
            }
            here.Report("verify", i + 1, files.Length, "files");
        }
        return new(good, open, findings);
    }

    /// <summary>True: fits its hash; false: has none; null: no record.</summary>
    static bool? StateOf(string path)
    {
        string name = Path.GetFileName(path), folder = Path.GetDirectoryName(path)!;
        if (name == FolderLock.LockFile + ".json") return null;
        if (name == Checkpoint.StateFile)
        {
            TrainState state = Checkpoint.Verify(folder);
            Agree(Path.GetDirectoryName(folder)!, state);
            return true;
        }
        return Path.GetExtension(name) switch
        {
            ".jsonl" => JsonLines.Verify(path),
            ".json" => JsonFile.Verify(path),
            ".csv" when File.Exists(Laws.StudyResults.SealOf(path)) => Laws.StudyResults.Verify(path),
            _ => null,
        };
    }

    /// <summary>The rows of a checkpoint's step say what it says.</summary>
    static void Agree(string run, TrainState state)
    {
        List<ValidRow> rows;
        try
        {
            rows = RunFolder.ReadValid(run);
        }
        catch (DataException)
        {
            return;                                                 // said of that file itself
        }
        foreach (ValidRow row in rows)
            if (row.Step == state.Step && row.Whole && state.ValidLoss is { } loss && loss != row.Loss)
                throw new DataException($"{RunFolder.ValidFile} says {row.Loss} of step {row.Step}, the checkpoint {loss}");
    }
}
