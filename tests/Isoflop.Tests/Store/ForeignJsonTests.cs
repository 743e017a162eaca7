using System.Text;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class ForeignJsonTests : IDisposable
{
    readonly string path = Path.Combine(Directory.CreateTempSubdirectory("isoflop-foreign-").FullName, "rows.jsonl");

    static string Fault(Action act) => Assert.Throws<DataException>(act).Message;

    string[] Rows(string text)
    {
        File.WriteAllText(path, text);
        return [.. ForeignJson.Rows(path).Select(row => $"{row.Place[path.Length..]} {row.Value.GetProperty("a")}")];
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    [Theory]
    [InlineData("""["\ud83d"]""", "\uFFFD")]
    [InlineData("""["\ud83d\ude00"]""", "\ud83d\ude00")]
    [InlineData("""["\ude00\ud83d"]""", "\uFFFD\uFFFD")]
    [InlineData("""["\\ud83d \uDE00"]""", "\\ud83d \uFFFD")]            // escaped backslash: text, not half a pair
    [InlineData("""["\ud83dx\ud83d\ud83d\ude00"]""", "\uFFFDx\uFFFD\ud83d\ude00")]
    [InlineData("""["NaN \ud83d"]""", "NaN \uFFFD")]
    [InlineData("""[NaN]""", null)]
    [InlineData("""[-Infinity]""", null)]
    [InlineData("""[ Infinity ]""", null)]
    public void What_JSON_does_not_have_is_read_as_its_writers_mean_it(string text, string? value) =>
        Assert.Equal(value, ForeignJson.Parse(text, "x")[0].GetString());

    [Theory]
    [InlineData("""{"a":1,"a":2}""", "x:1: is not JSON: Duplicate property 'a'")]
    [InlineData("""{"a":1""", "x:1: is not JSON: ")]
    [InlineData("nothing", "x:1: is not JSON: ")]
    [InlineData("""["\ud8""", "x:1: is not JSON: ")]
    public void A_fault_is_one_line_that_names_its_place(string text, string start)
    {
        string message = Fault(() => ForeignJson.Parse(text, "x:1"));
        Assert.StartsWith(start, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_refused() =>
        Assert.StartsWith("x: is not UTF-8", Fault(() => ForeignJson.Parse(new byte[] { (byte)'"', 0xFF, (byte)'"' }, "x")));

    [Fact]
    public void Depth_of_hundreds_is_read() =>
        Assert.Equal(1, ForeignJson.Parse(new string('[', 900) + new string(']', 900), "x").GetArrayLength());

    [Fact]
    public void Rows_are_lines_or_the_members_of_a_list()
    {
        Assert.Equal([":1 1", ":3 2"], Rows("\uFEFF{\"a\":1}\r\n\n {\"a\":2} "));
        Assert.Equal([", member 1 1", ", member 2 2"], Rows("[{\"a\":1},{\"a\":2}]\n"));
        Assert.Equal([", member 1 1", ", member 2 2"], Rows("\uFEFF[\n  {\n    \"a\": 1},\n  {\"a\": 2}\n]\n"));
        Assert.Equal([" 1"], Rows("{\n  \"a\": 1\n}"));
        Assert.Empty(Rows(" \n\n"));
        Assert.Contains(":2: is not JSON: ", Fault(() => Rows("{\"a\":1}\n{\"a\":2")));
        Assert.Contains(":1: is not JSON", Fault(() => Rows("{\"a\":\n{\"a\":2}\n")));
    }

    [Fact]
    public void Long_lines_are_read_whole_and_endless_ones_refused()
    {
        string text = new('x', 300_000);
        File.WriteAllText(path, $"[\"{text}\"]\n[\"b\"]\n[\"{text}\"]");
        Assert.Equal([text, "b", text], ForeignJson.Rows(path).Select(row => row.Value[0].GetString()));
        using (var file = new FileStream(path, FileMode.Create)) file.SetLength(3L << 30);
        Assert.Contains("line 1 is longer than 64 MB", Fault(() => ForeignJson.Rows(path).Count()));
    }

    [Fact]
    public void Every_cut_and_every_changed_byte_is_read_or_refused_in_one_line()
    {
        byte[] whole = Encoding.UTF8.GetBytes("""{"a":"\ud83d\ude00é","b":[NaN,-Infinity,1e9,{"c":null}]}""");
        for (int at = 0; at < whole.Length; at++)
            foreach (byte value in (byte[])[0, (byte)'"', (byte)'\\', (byte)'u', (byte)'N', 0xFF])
            {
                byte[] changed = [.. whole];
                changed[at] = value;
                Try(changed);
                Try(whole[..at]);
            }

        static void Try(byte[] text)
        {
            try
            {
                foreach (System.Text.Json.JsonProperty property in ForeignJson.Parse(text, "x").EnumerateObject())
                    _ = property.Name + property.Value.ToString();
            }
            catch (DataException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (InvalidOperationException e)
            {
                Assert.Contains("'Object'", e.Message);                             // a value of another kind: read, only not an object
            }
        }
    }
}
