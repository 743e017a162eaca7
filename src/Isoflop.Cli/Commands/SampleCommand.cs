using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop sample</c>: text from a trained model.</summary>
static class SampleCommand
{
    public static Verb Create()
    {
        var model = new Argument<string>("model") { Description = "RUN, RUN@STEP or a model folder" };
        var prompt = new Argument<string>("prompt")
        {
            Description = "Text to continue; empty starts a document",
            DefaultValueFactory = _ => "",
        };
        var count = new Option<int>("--count") { Description = "Replies", HelpName = "N", DefaultValueFactory = _ => 1 };
        var plain = new Option<bool>("--plain")
        {
            Description = "Continue the text as it stands, also with a model taught chats. Without it the prompt is what a " +
                "user says to such a model, and the reply what the assistant does",
        };
        SamplingOptions sampling = new(tokens: 120);
        var verb = new Verb("sample", "Continue a text with a trained model.",
            "isoflop sample my-run \"Gets the number of\"",
            "isoflop sample my-run@500 \"Returns\" --count 4 --temperature 0",
            "isoflop sample mine \"What is the sum?\"                       a model taught chats: its template is used")
        { model, prompt, count, plain };
        sampling.AddTo(verb);
        verb.Runs(call =>
        {
            int replies = SamplingOptions.Positive(call.Parsed.GetValue(count), "--count");
            SamplingRule rule = sampling.Rule(call);
            int most = sampling.Tokens(call);
            string text = call.Parsed.GetValue(prompt)!;
            using LanguageModel open = LanguageModel.Open(call.Here, call.Parsed.GetValue(model)!);
            bool chat = !call.Parsed.GetValue(plain) && ChatFormat.TaughtTo(open) == Taught.Chats;
            if (chat && text.Length == 0)
                throw new ConfigException($"{open.Folder} was taught chats: give what a user says to it, or --plain to begin a " +
                    "document");
            ulong drawn = sampling.Seed(call);
            IReadOnlyList<SampledReply> all = !chat ? open.Continue(text, replies, most, rule, drawn)
                : open.Continue(new ChatFormat(open.Tokenizer).Prompt(new Turn(Role.User, text)), replies, most, rule, drawn);
            foreach (SampledReply reply in all)
            {
                string reading = open.Tokenizer.Decode(reply.Said);
                if (call.Json)
                    call.Out.WriteLine(JsonSerializer.Serialize(
                        new(text, reading, reply.Said.Length, reply.LogProbs[..reply.Said.Length].ToArray().Sum(p => (double)p)),
                        SampleJson.Default.SampleRecord));
                else
                    call.Out.WriteLine((replies > 1 && reply != all[0] ? "---\n" : "") + (chat ? "" : text) + reading);
            }
            return 0;
        });
        return verb;
    }
}

/// <summary>One reply, as a script sees it. LogProb: sum over its tokens at temperature 1, nats.</summary>
sealed record SampleRecord(string Prompt, string Reply, int Tokens, double LogProb);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SampleRecord))]
sealed partial class SampleJson : JsonSerializerContext;
