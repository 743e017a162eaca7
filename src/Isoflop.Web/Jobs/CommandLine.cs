using System.Text.RegularExpressions;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Train;
using Isoflop.Web.Home;

namespace Isoflop.Web.Jobs;

/// <summary>What a page asks to be started.</summary>
/// <param name="Verb">train, ladder: by their settings; resume: a run; continue: a study</param>
/// <param name="Name">of the run or study</param>
/// <param name="Settings">KEY=VALUE; of a ladder corpus, budgets, per_decade, seeds, sizes, tune</param>
sealed record StartAsked(string Verb, string Name, IReadOnlyList<string>? Settings);

/// <summary>
/// What pages may start: this program's own training, by arguments that are composed here and handed over one by one, without a
/// shell. A page can name settings, no options and no files to run.
/// </summary>
sealed partial class CommandLine(Workspace here, StudyIndex studies)
{
    static readonly string[] ladder = ["corpus", "budgets", "per_decade", "seeds", "sizes", "tune"];

    /// <summary>Arguments behind the program's name.</summary>
    /// <exception cref="ConfigException">What is asked is none of these.</exception>
    public IReadOnlyList<string> Of(StartAsked asked)
    {
        List<string> arguments = asked.Verb switch
        {
            "train" => ["train", $"name={FolderName.Checked("name", asked.Name ?? "")}", .. Settings(asked)],
            "ladder" => ["ladder", FolderName.Checked("study", asked.Name ?? ""), .. Settings(asked).SelectMany(Option), "--yes"],
            "resume" => Resumed(asked.Name ?? ""),
            "continue" => Continued(asked.Name ?? ""),
            _ => throw new ConfigException($"verb='{asked.Verb}' must be train, ladder, resume or continue"),
        };
        return [.. arguments, "--home", here.Root];
    }

    /// <summary>The command as one would type it.</summary>
    public static string Shown(IEnumerable<string> arguments) => "isoflop " + string.Join(' ', arguments.Select(a =>
        Plain().IsMatch(a) ? a : "'" + a.Replace("'", "'\\''", StringComparison.Ordinal) + "'"));

    static IEnumerable<string> Settings(StartAsked asked)
    {
        if (asked.Settings is not { } all) yield break;
        if (all.Count > 200) throw new ConfigException($"{all.Count} settings; 200 at most");
        foreach (string setting in all)
            yield return setting is not null && Setting().IsMatch(setting)
                && !setting.StartsWith("name=", StringComparison.Ordinal) ? setting
                : throw new ConfigException($"'{setting}' is no setting; try flops=1e10");
    }

    static IEnumerable<string> Option(string setting)
    {
        string[] sides = setting.Split('=', 2);
        return ladder.Contains(sides[0]) ? [$"--{sides[0].Replace('_', '-')}", sides[1]]
            : throw new ConfigException($"'{setting}': a ladder is asked for by {string.Join(", ", ladder)}");
    }

    /// <summary>A run goes on by the settings that it was started with.</summary>
    List<string> Resumed(string name)
    {
        string path = here.RunFolder(name);
        if (!Directory.Exists(path)) throw new ConfigException($"{path}: there is no such run any more");
        RunRecord record = RunRecord.Load(path);
        if (studies.Of(name) is { Length: > 0 } study) return Continued(study);
        if (record.Recipe is null && !Directory.Exists(here.CorpusFolder(record.Corpus.Name)))
            throw new ConfigException($"run '{name}' learnt from '{record.Corpus.Name}', which is no corpus of this home: " +
                "repeat the command that began it");
        return [record.Recipe is null ? "train" : "rl", $"name={name}", .. RunViews.SettingsOf(record)
            .Where(s => s.Key != "name").Select(s => $"{s.Key}={s.Value}")];
    }

    /// <summary>A study goes on by its recipe, which is laid beside the home's own files.</summary>
    List<string> Continued(string name)
    {
        StudyRecord record = studies.Record(name) ?? throw new ConfigException($"study '{name}': there is none of that name");
        string file = Path.Combine(here.Root, "web", name + ".json");
        WholeFile.Write(file, record.Recipe.Text());
        return ["ladder", file, "--yes"];
    }

    [GeneratedRegex(@"^[\w./:=,+@%-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex(@"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*=[^\x00-\x1f]{0,500}$")]
    private static partial Regex Setting();
}
