using System.Globalization;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Eval;
using Xunit;

namespace Isoflop.Tests.Eval;

public sealed class CompareTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-compare-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Write(string name, params string[] lines)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, lines);
        return path;
    }

    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", folder], [CompareCommand.Create()], output, error, terminal: false);
        return (code, output.ToString(), error.ToString());
    }

    JsonElement Json(params string[] args)
    {
        (int code, string output, string error) = Run(["compare", .. args, "--json"]);
        Assert.Equal((0, ""), (code, error));
        return JsonDocument.Parse(output).RootElement;
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Plain lines: items of each task, right below a share.</summary>
    static IEnumerable<string> Plain(params (string Task, int Count, int Right)[] tasks) => tasks.SelectMany(t =>
        Enumerable.Range(0, t.Count).Select(i =>
            $$"""{"id":"{{i}}","task":"{{t.Task}}","correct":{{(i < t.Right ? "true" : "false")}}}"""));

    [Fact]
    public void A_task_is_better_beyond_the_noise_or_not_ranked()
    {
        string a = Write("a.jsonl", [.. Plain(("sums", 50, 40), ("words", 50, 25))]);
        string b = Write("b.jsonl", [.. Plain(("sums", 50, 20), ("words", 50, 22))]);
        JsonElement json = Json(a, b), sums = json.GetProperty("tasks")[0], words = json.GetProperty("tasks")[1];
        Assert.Equal(("sums", "A better"), (sums.GetProperty("what").GetString(), sums.GetProperty("verdict").GetString()));
        Assert.Equal("inside the noise", words.GetProperty("verdict").GetString());
        Assert.Equal((20, 0), (sums.GetProperty("only_a").GetInt32(), sums.GetProperty("only_b").GetInt32()));
        Assert.Equal(0.4, sums.GetProperty("difference").GetDouble(), 1e-12);
        Assert.Equal(2 * Math.Pow(2, -20), sums.GetProperty("p").GetDouble(), 1e-15);
        Assert.Equal(4 * Math.Pow(2, -20), sums.GetProperty("adjusted_p").GetDouble(), 1e-15);
        Assert.Equal(0.25, words.GetProperty("p").GetDouble(), 1e-12);             // three to none
        Assert.Equal("A dominates", json.GetProperty("dominance").GetProperty("verdict").GetString());
        JsonElement turned = Json(b, a);
        Assert.Equal("B dominates", turned.GetProperty("dominance").GetProperty("verdict").GetString());
        Assert.Equal("B better", turned.GetProperty("all").GetProperty("verdict").GetString());
        (int code, string output, _) = Run("compare", a, b);
        Assert.Equal(0, code);
        Assert.Contains("A is better on: sums", output);
        Assert.Contains("inside the noise: words", output);
        Assert.DoesNotContain(output.Split('\n'), l => l.Length > 250);
    }

    [Fact]
    public void Better_here_and_worse_there_dominates_nowhere()
    {
        string a = Write("a.jsonl", [.. Plain(("sums", 50, 40), ("words", 50, 10))]);
        string b = Write("b.jsonl", [.. Plain(("sums", 50, 20), ("words", 50, 40))]);
        JsonElement dominance = Json(a, b).GetProperty("dominance");
        Assert.Equal("neither", dominance.GetProperty("verdict").GetString());
        Assert.Equal("sums", dominance.GetProperty("a_better")[0].GetString());
        Assert.Equal("words", dominance.GetProperty("b_better")[0].GetString());
    }

    [Fact]
    public void Items_of_one_template_are_one_cluster()
    {
        string[] Lines(int right) => ["""{"format_version":1,"suite":"core"}""", .. Enumerable.Range(0, 40).Select(i => I(
            $"{{\"id\":\"i{i}\",\"task\":\"sums\",\"template\":\"t{i / 10}\",\"score\":{(i / 10 < right ? 1 : 0)}}}"))];
        JsonElement all = Json(Write("a.jsonl", Lines(4)), Write("b.jsonl", Lines(0))).GetProperty("all");
        Assert.Equal(4, all.GetProperty("clusters").GetInt32());
        Assert.Equal("sign flip of clusters, exact", all.GetProperty("test").GetString());
        Assert.Equal(2.0 / 16, all.GetProperty("p").GetDouble(), 1e-12);           // McNemar alone would say 2⁻³⁹
        Assert.Equal("inside the noise", all.GetProperty("verdict").GetString());
        Assert.Equal(JsonValueKind.Null, all.GetProperty("detectable").ValueKind);
        Assert.True(all.GetProperty("mcnemar_p").GetDouble() < 1e-9);
    }

    [Fact]
    public void Missing_items_are_counted_and_named()
    {
        string a = Write("a.jsonl", [.. Plain(("sums", 12, 6))]), b = Write("b.jsonl", [.. Plain(("sums", 20, 6)).Skip(2)]);
        JsonElement json = Json(a, b);
        Assert.Equal(10, json.GetProperty("pairs").GetInt32());
        Assert.Equal(2, json.GetProperty("only_in_a").GetProperty("count").GetInt32());
        Assert.Equal("sums/0", json.GetProperty("only_in_a").GetProperty("first")[0].GetString());
        Assert.Equal(8, json.GetProperty("only_in_b").GetProperty("count").GetInt32());
        Assert.Equal(5, json.GetProperty("only_in_b").GetProperty("first").GetArrayLength());
        Assert.Contains("8 only in B, left out: sums/12, sums/13, sums/14, sums/15, sums/16, …", Run("compare", a, b).Out);
    }

    [Fact]
    public void A_side_without_tasks_takes_the_other_sides()
    {
        string a = Write("a.jsonl", [.. Plain(("sums", 8, 8))]);
        string b = Write("b.jsonl", [.. Enumerable.Range(0, 8).Select(i => $$"""{"id":{{i}},"score":0.5}""")]);
        JsonElement json = Json(a, b);
        Assert.Equal("sums", json.GetProperty("tasks")[0].GetProperty("what").GetString());
        Assert.Equal("sign flip, exact", json.GetProperty("all").GetProperty("test").GetString());
        Assert.Equal("correct of A, score of B", json.GetProperty("metric").GetString());
        Assert.Contains("metric=NAME", json.GetProperty("warnings")[0].GetString());
    }

    [Fact]
    public void Letters_and_likelihoods_are_two_metrics()
    {
        string a = Write("a.jsonl", [.. Enumerable.Range(0, 8).Select(i => Ours(i, 1, "\"note\":\"asked by letter\""))]);
        string b = Write("b.jsonl", [.. Enumerable.Range(0, 8).Select(i => Ours(i, 1, "\"note\":\"\""))]);
        Assert.Contains("8 items were asked by letter on one side alone", Run("compare", a, b).Out);
        Assert.DoesNotContain("by letter", Run("compare", a, a).Out);
    }

    static string Ours(int i, double score, string extra) =>
        I($"{{\"id\":\"i{i}\",\"task\":\"sums\",\"score\":{score},{extra}}}");

    [Theory]
    [InlineData("\"answer_nll\":2,\"bytes\":4", "\"answer_nll\":3,\"bytes\":4", null)]
    [InlineData("\"answer_nll\":2", "\"answer_nll\":3,\"bytes\":4", "the answer's bytes are missing for 10 items")]
    [InlineData("\"answer_nll\":2,\"bytes\":4", "\"answer_nll\":3,\"bytes\":5", "the answer has different bytes")]
    [InlineData("\"answer_nll\":2,\"bytes\":4", "\"bytes\":4", "known for 10 items of A and 0 of B, of 10")]
    public void Likelihoods_are_compared_in_bits_a_byte_or_not_at_all(string ofA, string ofB, string? refused)
    {
        string a = Write("a.jsonl", [.. Enumerable.Range(0, 10).Select(i => Ours(i, 1, ofA))]);
        string b = Write("b.jsonl", [.. Enumerable.Range(0, 10).Select(i => Ours(i, 0, ofB))]);
        JsonElement json = Json(a, b);
        Assert.Equal("A better", json.GetProperty("all").GetProperty("verdict").GetString());
        JsonElement[] measures = [.. json.GetProperty("measures").EnumerateArray()];
        if (refused is null)
        {
            Assert.Equal("bits_per_byte", measures[0].GetProperty("what").GetString());
            Assert.Equal(2 / Math.Log(2) / 4, measures[0].GetProperty("mean_a").GetDouble(), 1e-12);
            Assert.Equal("A better", measures[0].GetProperty("verdict").GetString());
        }
        else
        {
            Assert.Empty(measures);
            Assert.Contains(refused, json.GetProperty("likelihood_refused").GetString());
            Assert.Contains(refused, Run("compare", a, b).Out);
        }
    }

    [Fact]
    public void Latency_length_and_format_errors_are_measures_where_both_sides_have_them()
    {
        string Line(int i, int ms, string reply, bool error) => Ours(i, 1,
            $"\"reply\":\"{reply}\",\"format_error\":{(error ? "true" : "false")},\"milliseconds\":{ms + i % 2}");
        string a = Write("a.jsonl", [.. Enumerable.Range(0, 12).Select(i => Line(i, 10, "42", false))]);
        string b = Write("b.jsonl", [.. Enumerable.Range(0, 12).Select(i => Line(i, 5, "it is 42", true))]);
        JsonElement json = Json(a, b);
        Dictionary<string, string> verdicts = json.GetProperty("measures").EnumerateArray()
            .ToDictionary(m => m.GetProperty("what").GetString()!, m => m.GetProperty("verdict").GetString()!);
        Assert.Equal(new()
        {
            ["milliseconds"] = "B better",
            ["reply_bytes"] = "A better",
            ["format_errors"] = "A better",
        }, verdicts);
        Assert.Equal("neither", json.GetProperty("dominance").GetProperty("verdict").GetString());
    }

    static string Choice(int doc, int target, double first, double second, bool text = true) => text
        ? I($$$"""{"doc_id":{{{doc}}},"doc":{"q":"?"},"target":"{{{target}}}","arguments":{"gen_args_0":{"arg_0":"Q:","arg_1":" no"},"gen_args_1":{"arg_0":"Q:","arg_1":" café"}},"resps":[[["{{{first}}}","False"]],[["{{{second}}}","True"]]],"filtered_resps":[["{{{first}}}","False"],["{{{second}}}","True"]],"filter":"none","metrics":["acc","acc_norm"],"doc_hash":"h{{{doc}}}","acc":{{{(first > second == (target == 0) ? 1 : 0)}}},"acc_norm":0.0}""")
        : I($$$"""{"doc_id":{{{doc}}},"doc":{"q":"?"},"target":{{{target}}},"arguments":[["Q:"," no"],["Q:"," café"]],"resps":[[[{{{first}}},false]],[[{{{second}}},true]]],"filtered_resps":[[{{{first}}},false],[{{{second}}},true]],"acc":{{{(first > second == (target == 0) ? 1 : 0)}}},"acc_norm":0.0}""");

    static string Reply(int doc, string filter, string reply, int match) =>
        $$$$"""{"doc_id":{{{{doc}}}},"doc":{},"target":"7","arguments":{"gen_args_0":{"arg_0":"Q","arg_1":{"until":["\n"]}}},"resps":[["{{{{reply}}}}"]],"filtered_resps":["{{{{reply}}}}"],"filter":"{{{{filter}}}}","metrics":["exact_match"],"exact_match":{{{{match}}}}}""";

    [Theory, InlineData(true), InlineData(false)]
    public void Sample_logs_of_the_harness_are_read(bool text)
    {
        string file = Write("samples_arc_easy_2026-01-02T03-04-05.678901.jsonl", Choice(0, 1, -3.5, -1.25, text),
            Choice(1, 0, -3.5, -1.25, text));
        ResultSet set = ResultSet.Read(file);
        Assert.Equal("acc", set.Metric);
        Assert.Equal([("arc_easy", "0", 1.0), ("arc_easy", "1", 0.0)], set.Items.Select(i => (i.Task, i.Id, i.Score)));
        Assert.Equal((1.25, 6), (set.Items[0].AnswerNll, set.Items[0].Bytes));     // " café" is six bytes
        Assert.Equal((3.5, 3), (set.Items[1].AnswerNll, set.Items[1].Bytes));
        Assert.Equal([0.0, 0.0], ResultSet.Read(file, "acc_norm").Items.Select(i => i.Score));
    }

    [Fact]
    public void A_folder_of_the_harness_gives_its_newest_logs_and_one_filter()
    {
        Write("model/samples_arc_2026-01-01T00-00-00.000001.jsonl", Choice(0, 0, -3, -1));
        Write("model/samples_arc_2026-02-01T00-00-00.000001.jsonl", Choice(0, 1, -3, -1));
        Write("model/samples_gsm8k_2026-01-01T00-00-00.000001.jsonl", Reply(0, "strict-match", "[invalid]", 0),
            Reply(0, "flexible-extract", "7", 1));
        string path = Path.Combine(folder, "model");
        ResultSet set = ResultSet.Read(path);
        Assert.Equal([("arc", 1.0), ("gsm8k", 0.0)], set.Items.Select(i => (i.Task, i.Score)));
        Assert.Equal(["arc has 2 logs; the newest is taken, samples_arc_2026-02-01T00-00-00.000001.jsonl",
            "gsm8k has several filters; strict-match is taken, filter=NAME takes flexible-extract"], set.Warnings);
        string file = Path.Combine(path, "samples_gsm8k_2026-01-01T00-00-00.000001.jsonl");
        ItemResult loose = Assert.Single(ResultSet.Read(file, filter: "flexible-extract").Items);
        Assert.Equal((1.0, "7"), (loose.Score, loose.Reply));
        Assert.Contains("there are: strict-match, flexible-extract",
            Assert.Throws<DataException>(() => ResultSet.Read(file, filter: "x")).Message);
    }

    [Fact]
    public void Logs_lie_in_a_folder_of_their_model_below_the_one_that_is_named()
    {
        const string Name = "samples_arc_2024-11-08T10-20-30.1.jsonl";
        Write($"one/org__m/{Name}", Choice(0, 1, -3, -1));
        Write("one/org__m/results_2024-11-08T10-20-30.1.json", "{}");
        Assert.Equal(1, Json(Path.Combine(folder, "one"), Path.Combine(folder, "one", "org__m")).GetProperty("pairs").GetInt32());
        Write($"deep/a/b/{Name}", Choice(0, 1, -3, -1));
        Assert.Single(ResultSet.Read(Path.Combine(folder, "deep")).Items);
        Write($"one/org__n/{Name}", Choice(0, 1, -3, -1));
        string message = Assert.Throws<DataException>(() => ResultSet.Read(Path.Combine(folder, "one"))).Message;
        Assert.Contains("holds logs in 2 folders; name one: ", message);
        Assert.Contains("org__n", message);
        Write($"one/{Name}", Choice(1, 1, -3, -1));                                 // those of the folder itself come first
        Assert.Equal("1", Assert.Single(ResultSet.Read(Path.Combine(folder, "one")).Items).Id);
        Directory.CreateDirectory(Path.Combine(folder, "empty"));
        Assert.Contains("no samples_TASK_DATE.jsonl in this folder or below", Assert.Throws<DataException>(() => ResultSet.Read(Path.Combine(folder, "empty"))).Message);
    }

    [Theory]
    [InlineData(".jsonl", "[\n {\"doc_id\": 0,\n  \"acc\": 1.0},\n {\"doc_id\": 1, \"acc\": 0.0}\n]"), InlineData(".json", """[{"doc_id":0,"acc":1},{"doc_id":1,"acc":0}]""")]
    [InlineData(".jsonl", "{\"doc_id\":0,\"acc\":true}\n{\"doc_id\":1,\"acc\":false}"), InlineData(".jsonl", "{\"doc_id\":0,\"acc,none\":1}\n{\"doc_id\":1,\"acc,none\":0}")]
    [InlineData(".json", """{"results":{},"samples":{"t":[{"doc_id":0,"acc":1},{"doc_id":1,"acc":0}]}}"""), InlineData(".json", """[{"doc_id":0,"metrics":{"acc":1}},{"doc_id":1,"metrics":{"acc":0}}]""")]
    [InlineData(".jsonl", "{\"doc_id\":0,\"t\":{\"acc\":1}}\n{\"doc_id\":1,\"t\":{\"acc\":0}}"), InlineData(".jsonl", "{\"doc_id\":0,\"acc\":[1]}\n{\"doc_id\":1,\"acc\":[0]}")]
    [InlineData(".jsonl", "{\"doc_id\":2,\"acc\":NaN}\n{\"doc_id\":0,\"acc\":1}\n{\"doc_id\":1,\"acc\":0,\"x\":Infinity}")]
    public void Logs_of_all_versions_are_read(string ending, string text)
    {
        ResultSet set = ResultSet.Read(Write($"samples_t_2024-02-20T10-00-00.1{ending}", text));
        Assert.Equal([("t", "0", 1.0), ("t", "1", 0.0)], set.Items.Select(i => (i.Task, i.Id, i.Score)));
        Assert.Equal(text.Contains("NaN") ? 1 : 0, set.Warnings.Count(w => w.Contains("1 rows have no value of acc, the first at ")));
    }

    [Fact]
    public void A_metric_of_several_filters_is_the_one_asked_for()
    {
        string file = Write("samples_t.jsonl", """{"doc_id":0,"exact_match,strict-match":0,"exact_match,flexible-extract":1,"filtered_resps":[["7"]]}""");
        Assert.Equal(0, ResultSet.Read(file).Items[0].Score);
        Assert.Equal((1.0, "7"), (ResultSet.Read(file, filter: "flexible-extract").Items[0].Score, ResultSet.Read(file).Items[0].Reply));
        Assert.Equal(1, ResultSet.Read(file, "exact_match,flexible-extract").Items[0].Score);
    }

    [Fact]
    public void Replies_without_a_score_are_read_against_their_answers()
    {
        string a = Write("a.jsonl", """{"id":"0","answer":"145","reply":"<think>7</think>The answer is 145.0."}""", """{"id":"1","answer":"145","reply":"145 or 146"}""",
            """{"id":"2","answer":"Paris","reply":"**Paris**"}""", """{"id":"3","answer":"Paris","reply":"<think>Paris"}""");
        string b = Write("b.jsonl", """{"doc_id":0,"target":"so 1 #### 145","resps":[["\\boxed{145}"]]}""", """{"doc_id":1,"target":"#### 145","resps":[["146"]]}""");
        Assert.Equal([1.0, 0, 1, 0], ResultSet.Read(a).Items.Select(i => i.Score));
        Assert.Equal([1.0, 0], ResultSet.Read(b).Items.Select(i => i.Score));
        JsonElement json = Json(a, b);
        Assert.Equal(("reply", 2), (json.GetProperty("metric").GetString(), json.GetProperty("pairs").GetInt32()));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_read()
    {
        string a = Write("a.jsonl", """{"id":"q\ud83d","score":0,"reply":"cut \ud83d"}""");
        Assert.Equal(("q\uFFFD", "cut \uFFFD"), (ResultSet.Read(a).Items[0].Id, ResultSet.Read(a).Items[0].Reply));
        Assert.Equal(1, Json(a, a).GetProperty("pairs").GetInt32());
    }

    [Fact]
    public void Files_of_other_names_are_of_no_task()
    {
        string a = Write("model-a.jsonl", Choice(0, 1, -3, -1)), b = Write("model-b.jsonl", Choice(0, 0, -3, -1));
        Assert.Equal(1, Json(a, b).GetProperty("pairs").GetInt32());
    }

    [Fact]
    public void One_id_with_two_questions_is_refused()
    {
        string a = Write("a/samples_arc.jsonl", Choice(0, 0, -3, -1));
        string b = Write("b/samples_arc.jsonl", Choice(0, 0, -3, -1).Replace("\"h0\"", "\"h9\""));
        (int code, _, string error) = Run("compare", a, b);
        Assert.Equal(2, code);
        Assert.Contains("1 items have one id and two questions (doc_hash): arc/0", error);
    }

    [Theory]
    [InlineData("""{"id":"a","score":1}|{"id":"a","score":0}""", ":2: 'a' is there twice; an item has one result")]
    [InlineData("""{"id":"a","score":1}|{"score":0}""", ":2: no id; each line needs an id")]
    [InlineData("""{"id":"a","score":1}|{"id":"b"}""", ":2: no 'score'; no field is a number")]
    [InlineData("""{"id":"a","mark":1}""", ":1: none of score, correct is there; numbers are mark; --metric NAME names one")]
    [InlineData("""{"id":"a","score":null}""", ":1: none of score, correct is there; no field is a number")]
    [InlineData("""{"id":"a","score":1}|{"id":"b","score":"1"}""", ":2: score is \"1\"; it must be a number or a bool")]
    [InlineData("""{"id":"a","score":1}|{"id":"b","score":1e999}""", ":2: score is 1e999; it must be a number or a bool")]
    [InlineData("""{"id":null,"score":1}""", ":1: id is null; it must be text or a number")]
    [InlineData("""{"id":"a","score":1}|{"id":""", ":2: is not JSON: ")]
    [InlineData("""[1]""", ":1: not a JSON object; each line is one")]
    [InlineData("""[{"id":"a","score":1},{"score":1}]""", ", member 2: no id; each line needs an id")]
    [InlineData("""{"header":1}""", ": no results; each line needs an id and a score")]
    [InlineData("", ": no results; each line needs an id and a score")]
    public void A_bad_file_is_one_line_and_exit_code_2(string lines, string message)
    {
        string bad = Write("bad.jsonl", lines.Split('|')), good = Write("good.jsonl", """{"id":"a","score":1}""");
        foreach (string[] sides in (string[][])[[bad, good], [good, bad]])
        {
            (int code, string output, string error) = Run("compare", sides[0], sides[1]);
            Assert.Equal((2, ""), (code, output));
            Assert.Contains(bad + message, error);
            Assert.Single(error.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void Nothing_in_common_is_refused()
    {
        string a = Write("a.jsonl", """{"id":"a","score":1}"""), b = Write("b.jsonl", """{"id":"b","score":1}""");
        (int code, _, string error) = Run("compare", a, b);
        Assert.Equal(2, code);
        Assert.Contains("have no item in common: A has a, B has b", error);
        (code, _, error) = Run("compare", a, "nowhere");
        Assert.Equal(2, code);
        Assert.StartsWith("nowhere: no such file, and no run of that name", error);
    }

    [Fact]
    public void Runs_are_compared_on_the_newest_file_that_both_have()
    {
        foreach ((string run, int right) in new[] { ("one", 9), ("two", 1) })
        {
            string old = Write($"runs/{run}/evals/old.jsonl", [.. Plain(("old", 10, right))]);
            File.SetLastWriteTimeUtc(old, new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
            Write($"runs/{run}/evals/new.jsonl", [.. Plain(("new", 10, right))]);
        }
        Write("runs/two/evals/only.jsonl", """{"id":"a","score":1}""");
        Write("runs/bare/run.json");
        Assert.Equal("new", Json("one", "two").GetProperty("tasks")[0].GetProperty("what").GetString());
        string file = Write("old.jsonl", [.. Plain(("old", 10, 5))]);
        Assert.Equal("old", Json("one", file).GetProperty("tasks")[0].GetProperty("what").GetString());
        Assert.Equal("old", Json(file, "one").GetProperty("tasks")[0].GetProperty("what").GetString());
        (int code, _, string error) = Run("compare", "bare", "two");
        Assert.Equal(2, code);
        Assert.StartsWith("no evaluation of one name: A has none, B has new, old, only", error);
    }

    [Fact]
    public void Runs_of_other_lengths_are_compared_at_their_last_steps()
    {
        static string[] Suite(string hash, int right) =>
            [$$"""{"format_version":1,"suite":"s","suite_hash":"{{hash}}","target_hash":"x"}""", .. Plain(("sums", 20, right))];
        Write("runs/small/evals/s-000100.jsonl", Suite("a", 1));
        Write("runs/small/evals/s-000200.jsonl", Suite("a", 5));
        Write("runs/large/evals/s-001000.jsonl", Suite("a", 15));
        Write("runs/other/evals/s-000010.jsonl", Suite("b", 15));
        Assert.Equal(-0.5, Json("small", "large").GetProperty("all").GetProperty("difference").GetDouble(), 1e-12);
        Assert.Equal(-0.7, Json("small@100", "large").GetProperty("all").GetProperty("difference").GetDouble(), 1e-12);
        Assert.Empty(Json("small", "large").GetProperty("warnings").EnumerateArray());
        Assert.Contains("two suites", Json("small", "other").GetProperty("warnings")[0].GetString());
        Assert.Equal(2, Run("compare", "small@300", "large").Code);
    }

    [Fact]
    public void Likelihoods_are_compared_where_both_sides_have_them()
    {
        string[] Mixed(double nll) => [.. Enumerable.Range(0, 10).Select(i => Ours(i, 1, i < 4 ? "\"bytes\":4"
            : I($"\"answer_nll\":{nll},\"bytes\":4")))];
        JsonElement json = Json(Write("a.jsonl", Mixed(2)), Write("b.jsonl", Mixed(3))), bits = json.GetProperty("measures")[0];
        Assert.Equal(("bits_per_byte", 6), (bits.GetProperty("what").GetString(), bits.GetProperty("items").GetInt32()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("likelihood_refused").ValueKind);
    }

    [Fact]
    public void The_table_goes_out_as_csv()
    {
        string a = Write("a.jsonl", [.. Plain(("sums", 10, 9))]), b = Write("b.jsonl", [.. Plain(("sums", 10, 1))]);
        string csv = Path.Combine(folder, "out.csv");
        Assert.Equal(0, Run("compare", a, b, "--csv", csv).Code);
        string[] lines = File.ReadAllLines(csv);
        Assert.Equal(3, lines.Length);                                             // names, the task, all
        Assert.StartsWith("a,b,what,items,clusters,mean_a,mean_b,difference,low,high,boot_low", lines[0]);
        Assert.EndsWith("A better", lines[1]);
        Assert.Equal(2, Run("compare", a, b, "--draws", "10").Code);
    }
}
