using Isoflop.Lab.Eval;
using Xunit;

namespace Isoflop.Tests.Eval;

public class EvalSuiteTests
{
    const string Good = """{"id":"a","task":"t","prompt":"1 + 1 =","choices":[" 2"," 3"],"answer":" 2"}""";

    static EvalSuite Read(params string[] lines)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("isoflop-test-").FullName, "sums.jsonl");
        try
        {
            File.WriteAllLines(path, lines);
            return EvalSuite.Read(path);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void What_a_line_leaves_out_has_its_default()
    {
        EvalSuite suite = Read(Good, "", """{"answer":"7","task":"w","id":"b"}""");
        Assert.Equal(("sums", 2), (suite.Name, suite.Items.Count));
        EvalItem item = suite.Items[1];
        Assert.Equal((1, "", "", 0), (item.Level, item.Template, item.Prompt, item.Choices.Count));
    }

    [Fact]
    public void A_list_is_its_members_and_half_a_surrogate_pair_is_read()
    {
        Assert.Equal(Read(Good).Hash, Read("[", $"  {Good.Replace(",\"", ",\n    \"")}", "]").Hash);
        Assert.Equal("cut \uFFFD", Read("""{"id":"a","task":"t","prompt":"cut \ud83d","answer":"7"}""").Items[0].Prompt);
        Assert.Contains("sums.jsonl, member 2: no 'task'", Assert.Throws<DataException>(() => Read($"[{Good},", """{"id":"b"}]""")).Message);
    }

    [Theory]
    [InlineData("the cat", "sees", "finds", "no space stands between the prompt and its choices"), InlineData("the cat", " sees", " finds", "")]
    [InlineData("the cat ", "sees", "finds", "the prompt ends with a space"), InlineData("the cat ", " sees", " finds", "the prompt ends with a space")]
    [InlineData("the cat", " sees", "finds", ""), InlineData("the cat:", "sees", "finds", ""), InlineData("", "sees", "finds", ""), InlineData("the cat", ".", "!", "")]
    [InlineData("the cat\n", "sees", "finds", "")]
    public void A_space_that_is_missing_or_too_much_is_noted(string prompt, string a, string b, string note)
    {
        string said = new EvalItem { Id = "a", Task = "t", Prompt = prompt, Choices = [a, b], Answer = a }.Caution();
        Assert.Equal(note, said[..Math.Min(note.Length, said.Length)]);
        Assert.Equal(note.Length == 0, said.Length == 0);
    }

    [Fact]
    public void The_hash_is_that_of_the_items()
    {
        string hash = Read(Good).Hash;
        Assert.Equal(hash, Read("  " + Good.Replace(",", " , "), "").Hash);
        Assert.Equal(hash, new EvalSuite("other", Read(Good).Items).Hash);
        Assert.NotEqual(hash, Read(Good.Replace("1 + 1", "1 + 2")).Hash);
        Assert.NotEqual(hash, Read(Good, Good.Replace("\"a\"", "\"b\"")).Hash);
    }

    [Theory]
    [InlineData("sums.jsonl:2: no 'answer'", """{"id":"b","task":"t"}""")]
    [InlineData("sums.jsonl:2: item 'b': 'answer' is empty", """{"id":"b","task":"t","answer":" "}""")]
    [InlineData("sums.jsonl:2: item 'b': 'answer' is empty", """{"id":"b","task":"t","choices":[" 2"," 3"],"answer":""}""")]
    [InlineData("sums.jsonl:2: item 'b': 'answer' has several lines", """{"id":"b","task":"t","answer":"1\n2"}""")]
    [InlineData("sums.jsonl:2: id 'a' was used at", """{"id":"a","task":"t","answer":"1"}""")]
    [InlineData("'answer' '2' is not among the choices ' 2', ' 3'; repeat one", """{"id":"b","task":"t","choices":[" 2"," 3"],"answer":"2"}""")]
    [InlineData("sums.jsonl:2: item 'b': choice 2 is empty: no token", """{"id":"b","task":"t","choices":[" 2",""],"answer":" 2"}""")]
    [InlineData("sums.jsonl:2: item 'b': choice 1 is empty: no token", """{"id":"b","task":"t","choices":[null," 2"],"answer":" 2"}""")]
    [InlineData("choices 1 and 2 are ' 2'", """{"id":"b","task":"t","choices":[" 2"," 2"],"answer":" 2"}""")]
    [InlineData("sums.jsonl:2: item 'b': 'choices' holds one only", """{"id":"b","task":"t","choices":[" 2"],"answer":" 2"}""")]
    [InlineData("sums.jsonl:2: no key 'answr'; an item has: id, task, level,", """{"id":"b","task":"t","answr":" 2"}""")]
    [InlineData("sums.jsonl:2: 'level' has a value of the wrong kind", """{"id":"b","task":"t","answer":"2","level":"two"}""")]
    [InlineData("sums.jsonl:2: 'prompt' has a value of the wrong kind", """{"id":"b","task":"t","answer":"2","prompt":null}""")]
    [InlineData("sums.jsonl:2: item 'b': 'level' is 0", """{"id":"b","task":"t","answer":"2","level":0}""")]
    [InlineData("sums.jsonl:2: item 'b': 'task' is empty", """{"id":"b","task":"","answer":"2"}""")]
    [InlineData("sums.jsonl:2: 'id' is empty", """{"id":"","task":"t","answer":"2"}""")]
    [InlineData("sums.jsonl:2: is no JSON object", """["a"]""")]
    [InlineData("sums.jsonl:2: is not JSON:", """{"id":"b","task":""")]
    [InlineData("sums.jsonl:2: is not JSON:", """{"id":"b","id":"c","task":"t","answer":"2"}""")]
    public void A_mistake_in_a_line_is_named_with_its_place_and_rule(string message, string line)
    {
        DataException e = Assert.Throws<DataException>(() => Read(Good, line));
        Assert.Contains(message, e.Message);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Contains("sums.jsonl", e.Message);
    }

    [Fact]
    public void Without_items_there_is_no_suite()
    {
        Assert.Contains("no item", Assert.Throws<DataException>(() => Read("", " ")).Message);
        Assert.Contains("no item", Assert.Throws<DataException>(() => new EvalSuite("made", [])).Message);
        Assert.Contains("no such file", Assert.Throws<ConfigException>(() => EvalSuite.Read("none.jsonl")).Message);
    }
}
