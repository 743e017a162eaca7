using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;
using Isoflop.Tasks;
using Spectre.Console;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop chat</c>: a talk with a taught model, a line at a time.</summary>
static class ChatCommand
{
    public static Verb Create()
    {
        var model = new Argument<string>("model")
        {
            Description = "RUN, RUN@STEP or a model folder that was taught chats or tasks",
        };
        var system = new Option<string?>("--system")
        {
            Description = "What sets the scene, a system turn before all else",
            HelpName = "TEXT",
        };
        SamplingOptions sampling = new(tokens: 256);
        var verb = new Verb("chat",
            "Talk with a taught model: each line is a turn, and its reply comes token by token. Ctrl-C stops a reply; /reset " +
            "forgets, /quit or Ctrl-D ends. A file or another program may send the lines.",
            "isoflop chat mine",
            "isoflop chat mine --system \"You are brief.\" --temperature 0",
            "printf '11011111\\n1010\\n' | isoflop chat p          a model taught tasks: every line a question of its own",
            "isoflop chat mine --json < questions.txt            a record a turn")
        { model, system };
        sampling.AddTo(verb);
        verb.Runs(call =>
        {
            using LanguageModel open = LanguageModel.Open(call.Here, call.Parsed.GetValue(model)!);
            using var talk = new Conversation(open, call.Parsed.GetValue(system), sampling.Rule(call), sampling.Tokens(call),
                sampling.Seed(call));
            if (call.In is not null && call.Terminal) WithPerson(call, talk, open.Config.ContextLen);
            else
                for (int turn = 1; Line(call.Lines, call.Stop) is { } line;)
                    if (line.Trim().Length > 0) Turn(call, talk, turn++, line, call.Stop);
            return 0;
        });
        return verb;
    }

    static void WithPerson(Invocation call, Conversation talk, int context)
    {
        call.Err.WriteLine(talk.Remembers ? $"taught chats; {context} tokens of what is said are kept. /help lists commands"
            : "taught tasks: every line is a question of its own, as in the demonstrations. /help lists commands");
        for (int turn = 1; Asked(call) is { } line;)
            switch (line.Trim())
            {
                case "": break;
                case "/quit" or "/exit" or "/bye": return;
                case "/reset":
                    talk.Forget();
                    call.Err.WriteLine("forgotten");
                    break;
                case "/help":
                    call.Err.WriteLine("/reset forgets what was said; /quit, or Ctrl-D, ends; Ctrl-C stops a reply");
                    if (!talk.Remembers) call.Err.WriteLine(TracesCommand.Legend([$"{Reply.Think}{Reply.Say}"], false));
                    break;
                case ['/', .. var command] when command.All(char.IsAsciiLetter):
                    call.Err.WriteLine($"there is no /{command}; /help lists commands");
                    break;
                default:
                    using (CancellationTokenSource part = call.Part())
                        try { Turn(call, talk, turn++, line, part.Token); }
                        catch (ConfigException e) { call.Err.WriteLine(e.Message); }    // the next line may fit
                    call.Stop.ThrowIfCancellationRequested();
                    break;
            }
        call.Err.WriteLine();
    }

    /// <summary>A person's line; null: there is no more, or Ctrl-C was pressed twice.</summary>
    static string? Asked(Invocation call)
    {
        call.Err.Write("> ");
        Task<string?> line = Task.Run(call.Lines.ReadLine);
        for (bool again = false; ; again = true)
        {
            using CancellationTokenSource part = call.Part();
            try
            {
                Task.WaitAny([line], part.Token);
                return line.GetAwaiter().GetResult();
            }
            catch (OperationCanceledException) when (!call.Stop.IsCancellationRequested)
            {
                if (again) return null;
                call.Err.Write("\nonce more ends the chat, as do /quit and Ctrl-D\n> ");
            }
        }
    }

    static string? Line(TextReader lines, CancellationToken stop)
    {
        Task<string?> line = Task.Run(lines.ReadLine, stop);
        Task.WaitAny([line], stop);
        return line.GetAwaiter().GetResult();
    }

    static string Escaped(string text) => Markup.Escape(PlainWriter.Shown(text));

    static void Turn(Invocation call, Conversation talk, int turn, string user, CancellationToken stop)
    {
        IAnsiConsole? colours = TracesCommand.Colours(call);
        bool first = true, thinks = false;
        Said said = talk.Say(user, call.Json ? null : Hear, stop);
        if (call.Json)
            call.Out.WriteLine(JsonSerializer.Serialize(new(turn, user, said.Text, said.Thought, said.Answer, said.Tokens,
                said.LogProb, said.Ended, said.Dropped), ChatJson.Default.ChatRecord));
        else call.Out.WriteLine();
        if (said.Dropped > 0)
            call.Err.WriteLine($"the context is full: the {said.Dropped} oldest turns were dropped from it");
        if (said.Full) call.Err.WriteLine("the reply was cut off: the context is full");
        else if (!said.Ended && !stop.IsCancellationRequested)
            call.Err.WriteLine($"the reply was cut off after {said.Tokens} tokens; --tokens allows more");

        // A model taught tasks writes <thought>answer: the thought is dimmed.
        void Hear(string piece)
        {
            if (colours is null || talk.Remembers)
            {
                call.Out.Write(piece);
                call.Out.Flush();
                return;
            }
            thinks |= first && piece[0] == Reply.Think;
            int end = !thinks ? 0 : piece.IndexOf(Reply.Say) is >= 0 and int at ? at + 1 : piece.Length;
            colours.Markup($"[dim]{Escaped(piece[..end])}[/]{Escaped(piece[end..])}");
            thinks &= !piece[..end].EndsWith(Reply.Say);
            first = false;
        }
    }
}

/// <summary>A turn, as a script sees it. LogProb: sum over the reply's tokens at temperature 1, nats.</summary>
sealed record ChatRecord(int Turn, string User, string Reply, string? Thought, string Answer, int Tokens, double LogProb,
    bool Ended, int Dropped);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChatRecord))]
sealed partial class ChatJson : JsonSerializerContext;
