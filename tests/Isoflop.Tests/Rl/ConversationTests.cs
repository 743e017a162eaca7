using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Kernels;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Rl;

/// <summary>Three small models: "chat" was taught chats, "tasks" parity, "texts" nothing.</summary>
public sealed class TaughtModels : IDisposable
{
    internal Workspace Here { get; } = new(Directory.CreateTempSubdirectory("isoflop-test-").FullName) { Threads = 1, PeakFlops = 1e9 };

    public TaughtModels()
    {
        string file = Path.Combine(Directory.CreateDirectory(Here.Root).FullName, "chat.jsonl");
        File.WriteAllLines(file, Enumerable.Range(0, 40).Select(i =>
            $$"""{"messages":[{"role":"user","content":"{{i}}"},{"role":"assistant","content":"{{i % 7}} é"}]}"""));
        RunConfig shape = Config.Load(null, "model.d_model=16", "model.n_layer=1", "model.n_head=1", "train.batch_tokens=64");
        Teach.Run(new() { Name = "chat", Chat = file, Context = 64 }, shape, Here);
        Teach.Run(new() { Name = "tasks", Tasks = ["parity:1"], Items = 50, ValidItems = 2, Context = 64 }, shape, Here);
        using (LanguageModel model = LanguageModel.Open(Here, "tasks"))
            foreach (string path in Directory.GetFiles(model.Folder))
            {
                string name = Path.GetFileName(path), texts = Directory.CreateDirectory(Path.Combine(Here.Root, "texts")).FullName;
                if (name is not (ModelFolder.TokenizerConfigFile or Checkpoint.StateFile)) File.Copy(path, Path.Combine(texts, name));
            }
    }

    public void Dispose() => Directory.Delete(Here.Root, recursive: true);
}

public sealed class ConversationTests(TaughtModels models) : IClassFixture<TaughtModels>
{
    static readonly SamplingRule rule = new(0.8f, 0, 1);

    Workspace Here => models.Here;

    (int Code, string Out, string Err) Run(string? person, string? piped, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", Here.Root, "--threads", "1"], [ChatCommand.Create(), SampleCommand.Create(), EvalCommand.Create()],
            output, error, terminal: person is not null, input: person is null ? null : new StringReader(person),
            piped: piped is null ? null : new StringReader(piped));
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void The_first_reply_is_what_sample_says_and_the_next_follows_from_all_that_was_said()
    {
        using LanguageModel model = LanguageModel.Open(Here, "chat");
        var format = new ChatFormat(model.Tokenizer);
        using var talk = new Conversation(model, null, rule, 8, seed: 3);
        Said first = talk.Say("5"), second = talk.Say("6");
        Assert.Equal(model.Tokenizer.Decode(model.Continue(format.Prompt(new Turn(Role.User, "5")), 1, 8, rule, 3)[0].Said), first.Text);
        int[] prompt = format.Prompt(new(Role.User, "5"), new(Role.Assistant, first.Text), new(Role.User, "6"));
        SampledReply expected = model.Draw([new(prompt, 8, 1, null, prompt.Length)], rule, 3)[0];
        Assert.Equal(model.Tokenizer.Decode(expected.Said), second.Text);
        Assert.Equal((0, expected.Said.Length), (second.Dropped, second.Tokens));
    }

    [Fact]
    public void What_is_heard_is_the_reply_in_whole_characters()
    {
        using LanguageModel model = LanguageModel.Open(Here, "chat");
        using var talk = new Conversation(model, null, new(3, 0, 1), 40, seed: 3);     // hot: bytes that are half a character
        for (int i = 0; i < 20; i++)
        {
            List<string> pieces = [];
            talk.Forget();
            Assert.Equal(talk.Say($"{i}", pieces.Add).Text, string.Concat(pieces));
            Assert.All(pieces, p => Assert.NotEmpty(p));
        }
    }

    [Fact]
    public void A_full_context_drops_the_oldest_turns_and_says_how_many_and_the_scene_stays()
    {
        using LanguageModel model = LanguageModel.Open(Here, "chat");
        using var talk = new Conversation(model, "S", new(0, 0, 1), 16, seed: 1);
        int dropped = Enumerable.Range(0, 12).Sum(i => talk.Say($"question {i}").Dropped);
        Assert.InRange(dropped, 2, 22);
        string message = Assert.Throws<ConfigException>(() => talk.Say(new string('x', 70))).Message;
        Assert.Matches("this has \\d+ tokens with all that belongs to it, the model's context is 64; say it shorter", message);
        Assert.Equal(0, talk.Say("a").Dropped % 2);                                  // and the talk goes on
    }

    [Fact]
    public void A_stopped_reply_stays_said_as_far_as_it_came()
    {
        using LanguageModel model = LanguageModel.Open(Here, "chat");
        using var talk = new Conversation(model, null, new(3, 0, 1), 30, seed: 5);
        using var stop = new CancellationTokenSource();
        Said cut = talk.Say("1", _ => stop.Cancel(), stop.Token);
        Assert.False(cut.Ended || cut.Full);
        Assert.InRange(cut.Tokens, 1, 4);
        int[] prompt = new ChatFormat(model.Tokenizer).Prompt(new(Role.User, "1"), new(Role.Assistant, cut.Text), new(Role.User, "2"));
        SampledReply expected = model.Draw([new(prompt, 30, 1, null, prompt.Length)], new(3, 0, 1), 5)[0];
        Assert.Equal(model.Tokenizer.Decode(expected.Said), talk.Say("2").Text);
    }

    [Fact]
    public void A_model_taught_tasks_is_asked_each_question_by_itself_and_its_thought_stands_apart()
    {
        (int code, string output, _) = Run(null, "0101\n\n0101\n", "chat", "tasks", "--json", "--temperature", "0", "--tokens", "30");
        Assert.Equal(0, code);
        JsonElement[] turns = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal([1, 2], turns.Select(t => t.GetProperty("turn").GetInt32()));
        string reply = turns[0].GetProperty("reply").GetString()!;
        Assert.Equal(reply, turns[1].GetProperty("reply").GetString());
        Assert.Equal(Reply.Parse(reply) is { Thinks: true } r ? r.Thought : null, turns[0].GetProperty("thought").GetString());
        using LanguageModel model = LanguageModel.Open(Here, "tasks");
        Assert.Equal(model.Tokenizer.Decode(model.Continue("0101", 1, 30, new(0, 0, 1), 1)[0].Said), reply);
    }

    [Fact]
    public void Lines_of_a_file_are_turns_and_replies_are_lines()
    {
        (int code, string output, string error) = Run(null, "5\n/reset\n6\n", "chat", "chat", "--tokens", "4", "--temperature", "0");
        Assert.Equal((0, 4), (code, output.Split('\n').Length));                     // /reset is what somebody says, too
        Assert.DoesNotContain("> ", error);
    }

    [Fact]
    public void A_person_is_asked_and_has_commands()
    {
        (int code, string output, string error) =
            Run("/help\n5\n/what\n" + new string('x', 80) + "\n/reset\n5\n/quit\n5\n", null, "chat", "chat", "--tokens", "4", "--temperature", "0");
        string[] replies = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((0, 2), (code, replies.Length));
        Assert.Equal(replies[0], replies[1]);                                        // forgotten
        foreach (string said in (string[])["taught chats; 64 tokens", "/quit, or Ctrl-D, ends", "there is no /what", "say it shorter", "forgotten"])
            Assert.Contains(said, error);
    }

    [Theory]
    [InlineData("was taught neither chats nor tasks", "chat", "{0}/texts")]
    [InlineData("--system … must be left out", "chat", "tasks", "--system", "x")]
    [InlineData("give what a user says to it, or --plain", "sample", "chat")]
    public void A_model_that_cannot_be_talked_to_that_way_says_so_and_what_to_do(string message, params string[] args)
    {
        (int code, string output, string error) = Run(null, "5\n", [.. args.Select(a => a.Replace("{0}", Here.Root))]);
        Assert.Equal((2, "", 1), (code, output, error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.Contains(message, error);
    }

    [Fact]
    public void Sample_speaks_by_the_template_to_a_model_taught_chats_unless_it_is_told_not_to()
    {
        using LanguageModel model = LanguageModel.Open(Here, "chat");
        string Says(int[] prompt) => model.Tokenizer.Decode(model.Continue(prompt, 1, 6, rule, 1)[0].Said);
        string chat = Says(new ChatFormat(model.Tokenizer).Prompt(new Turn(Role.User, "5"))),
            plain = Says([model.Tokenizer.Beginning, .. model.Tokenizer.Encode("5")]);
        Assert.NotEqual(chat, plain);
        foreach ((string says, string[] more) in ((string, string[])[])[(chat, []), (plain, ["--plain"])])
        {
            (_, string output, _) = Run(null, null, ["sample", "chat", "5", "--tokens", "6", "--json", .. more]);
            Assert.Equal(says, JsonDocument.Parse(output).RootElement.GetProperty("reply").GetString());
        }
    }

    [Fact]
    public void Eval_says_that_it_asks_a_chat_model_without_its_template()
    {
        string suite = Path.Combine(Here.Root, "suite.jsonl");
        File.WriteAllText(suite, """{"id":"a","task":"t","prompt":"5","choices":["1","2"],"answer":"1"}""" + "\n");
        Assert.Contains("was taught chats and is asked here without its template", Run(null, null, "eval", "chat", "--suite", suite).Err);
        Assert.DoesNotContain("taught chats", Run(null, null, "eval", "tasks", "--suite", suite).Err);
    }

    [Fact]
    public void An_interrupt_stops_the_part_under_way_once_and_else_the_command()
    {
        using var stop = new CancellationTokenSource();
        var interrupts = new Interrupts(stop.Token);
        Assert.False(interrupts.StopPart());
        using (CancellationTokenSource part = interrupts.Part())
        {
            Assert.True(interrupts.StopPart());
            Assert.Equal((true, false), (part.IsCancellationRequested, stop.IsCancellationRequested));
            Assert.False(interrupts.StopPart());
        }
        interrupts.Part().Dispose();
        Assert.False(interrupts.StopPart());                                         // it has ended
        using CancellationTokenSource last = interrupts.Part();
        stop.Cancel();
        Assert.True(last.IsCancellationRequested);
    }
}
