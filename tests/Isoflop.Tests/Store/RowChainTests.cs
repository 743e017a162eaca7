using System.Text;
using System.Text.Json;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class RowChainTests : IDisposable
{
    readonly string path = Path.Combine(Directory.CreateTempSubdirectory("isoflop-rows-").FullName, "events.jsonl");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    void Append(params int[] steps)
    {
        using var file = new JsonLines(path);
        foreach (int step in steps)
        {
            Utf8JsonWriter json = file.Begin();
            json.WriteString("event"u8, "x");
            json.WriteNumber("step"u8, step);
            file.End();
        }
    }

    string Read()
    {
        try
        {
            return string.Join(' ', JsonLines.Read(path, RunJson.Default.RunEvent).Select(r => r.Step));
        }
        catch (DataException e)
        {
            return e.Message[(path.Length + 2)..].Split(" was")[0];
        }
    }

    [Fact]
    public void Every_changed_byte_and_every_lost_row_but_the_last_is_named()
    {
        Append(1, 2);
        Append(3);                                                      // goes on with the hash that it finds
        Assert.Equal("1 2 3", Read());
        Assert.True(JsonLines.Verify(path));
        byte[] whole = File.ReadAllBytes(path);
        for (int at = 0; at < whole.Length - 1; at++)
            foreach (byte bit in (byte[])[1, 2, 16])
            {
                byte[] changed = [.. whole];
                changed[at] ^= bit;
                if (changed[at] == '\n' || whole[at] == '\n') continue;             // other rows: below
                File.WriteAllBytes(path, changed);
                Assert.StartsWith("line ", Read());
            }
        string[] lines = Encoding.UTF8.GetString(whole).TrimEnd('\n').Split('\n');
        foreach (string[] rows in (string[][])[lines[1..], [lines[0], lines[2]], [lines[1], lines[0], lines[2]], [.. lines, lines[0]]])
        {
            File.WriteAllLines(path, rows);
            Assert.StartsWith("line ", Read());
            Assert.Throws<DataException>(() => JsonLines.Verify(path));
        }
    }

    [Fact]
    public void Rows_of_older_programs_have_no_hash_and_are_covered_by_the_first_that_has()
    {
        File.WriteAllText(path, "{\"event\":\"x\",\"step\":1}\n{\"event\":\"x\",\"step\":2}\n");
        Assert.Equal("1 2", Read());
        Assert.False(JsonLines.Verify(path));
        Append(3);
        Assert.Equal("1 2 3", Read());
        Assert.True(JsonLines.Verify(path));
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"step\":1", "\"step\":7"));
        Assert.Equal("line 3", Read());
    }

    [Fact]
    public void A_torn_or_garbled_end_behind_the_checkpoint_is_dropped_and_a_lost_row_before_it_is_named()
    {
        Append(1, 2, 3, 4);
        File.AppendAllText(path, "\0\0\0\0\n{\"event\":\"x\",\"st");
        using (var file = new JsonLines(path)) file.DropAfter(4, last: true);
        Assert.Equal("1 2 3 4", Read());
        using (var file = new JsonLines(path)) file.DropAfter(2, last: true);
        Append(3);
        Assert.Equal("1 2 3", Read());
        using (var file = new JsonLines(path))
            Assert.Contains("the last is of step 3, the checkpoint of 5",
                Assert.Throws<DataException>(() => file.DropAfter(5, last: true)).Message);
    }

    [Fact]
    public void A_changed_digit_in_a_run_is_found_by_whoever_rests_on_it()
    {
        using var home = new TinyHome();
        home.Train();
        Assert.Empty(Lab.Runs.HomeCheck.Of(home.Here).Findings);
        foreach (string name in (string[])["run.json", "metrics.jsonl", "valid.jsonl", "events.jsonl"])
        {
            string file = Path.Combine(home.RunPath(), name), text = File.ReadAllText(file);
            int digit = text.IndexOfAny([.. "123456789"], text.Length / 2);
            File.WriteAllText(file, text[..digit] + (char)(text[digit] ^ 1) + text[(digit + 1)..]);
            Assert.Equal(name, Path.GetFileName(Assert.Single(Lab.Runs.HomeCheck.Of(home.Here).Findings,
                f => f.Problem.Contains("altered")).File));
            File.WriteAllText(file, text);
        }
        Assert.Empty(Lab.Runs.HomeCheck.Of(home.Here).Findings);
    }
}
