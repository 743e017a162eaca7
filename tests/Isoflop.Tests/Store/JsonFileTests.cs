using System.Text.Json.Nodes;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Store;

public class JsonFileTests
{
    [Fact]
    public void A_record_says_what_it_is_and_another_kind_or_a_newer_format_is_refused()
    {
        using var home = new TinyHome();
        home.Train();
        string path = Path.Combine(home.RunPath(), RunRecord.FileName), text = File.ReadAllText(path);
        JsonObject tree = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(["kind", "format_version"], tree.Take(2).Select(p => p.Key));
        Assert.Equal("run", (string?)tree["kind"]);
        RunRecord record = RunRecord.Load(home.RunPath());

        Assert.Contains("format version 4; this program reads up to 3; update it", Refused("\"format_version\": 3", "\"format_version\": 4"));
        Assert.Contains("is of kind 'study', not 'run'", Refused("\"kind\": \"run\"", "\"kind\": \"study\""));
        Assert.Contains("was altered after it was written", Refused("\"tokens\": ", "\"tokens\": 9"));
        Assert.Contains("was altered after it was written", Refused("\"hash\"", "\"hush\""));
        text = TinyHome.Unsealed(text);
        Assert.Contains("novelty", Refused("\"tokens\":", "\"novelty\": 1, \"tokens\":"));     // what is not known may decide bits
        File.WriteAllText(path, text.Replace("\"kind\": \"run\",", ""));                       // as it was before there were kinds
        Assert.Equal(record.Config, RunRecord.Load(home.RunPath()).Config);

        string Refused(string had, string has)
        {
            Assert.Contains(had, text);
            File.WriteAllText(path, text.Replace(had, has));
            return Assert.Throws<DataException>(() => RunRecord.Load(home.RunPath())).Message;
        }
    }

    [Fact]
    public void A_checkpoint_older_than_kinds_is_read_and_one_of_another_kind_is_not()
    {
        using var home = new TinyHome();
        home.Train("save.every=4");
        TinyHome.Reseal(home.StepPath(4), s => s with { Kind = null });
        Assert.DoesNotContain("\"kind\"", File.ReadAllText(Path.Combine(home.StepPath(4), Checkpoint.StateFile)));
        Assert.Equal(4, Checkpoint.Verify(home.StepPath(4)).Step);
        TinyHome.Reseal(home.StepPath(8), s => s with { Kind = "law" });
        Assert.Contains("of kind 'law', not 'checkpoint'", Assert.Throws<DataException>(() => Checkpoint.Verify(home.StepPath(8))).Message);
    }

    [Fact]
    public void A_folder_is_held_by_one_who_is_named_and_gives_signs_of_life()
    {
        using var home = new TinyHome();
        string folder = Path.Combine(home.Path, "held");
        using (FolderLock held = FolderLock.Take(folder, TimeProvider.System))
        {
            held.Step = 7;
            Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}",
                Assert.Throws<ConfigException>(() => FolderLock.Take(folder, TimeProvider.System)).Message);
            for (int i = 0; i < 600 && FolderLock.HolderOf(folder)?.Step != 7; i++) Thread.Sleep(100);
            Holder holder = FolderLock.HolderOf(folder)!;
            Assert.Equal(7, holder.Step);
            Assert.True(holder.Beat > holder.Started && holder.IsAlive(TimeProvider.System));
            using FolderLock other = FolderLock.Take(folder, TimeProvider.System, "forecast.lock");       // a folder may have two
        }
        Assert.Null(FolderLock.HolderOf(folder));
        FolderLock.Take(folder, TimeProvider.System).Dispose();
    }
}
