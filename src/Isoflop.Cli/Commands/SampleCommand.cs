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
        var tokens = new Option<int>("--tokens")
        {
            Description = "Tokens of a reply at most",
            HelpName = "N",
            DefaultValueFactory = _ => 120,
        };
        var temperature = new Option<float>("--temperature")
        {
            Description = "0 takes the most probable token",
            HelpName = "X",
            DefaultValueFactory = _ => 0.8f,
        };
        var topK = new Option<int>("--top-k") { Description = "Draw from the K most probable; 0: from all", HelpName = "K" };
        var topP = new Option<float>("--top-p")
        {
            Description = "Draw from the most probable that hold this mass",
            HelpName = "X",
            DefaultValueFactory = _ => 1,
        };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Same seed, same text",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var chat = new Option<bool>("--chat")
        {
            Description = "The prompt is what a user says, the reply what the assistant does: of a model taught chats",
        };
        var verb = new Verb("sample", "Continue a text with a trained model.",
            "isoflop sample my-run \"Gets the number of\"",
            "isoflop sample my-run@500 \"Returns\" --count 4 --temperature 0",
            "isoflop sample mine \"What is the sum?\" --chat")
        { model, prompt, count, tokens, temperature, topK, topP, seed, chat };
        verb.Runs(call =>
        {
            int replies = Positive(call.Parsed.GetValue(count), "--count");
            int most = Positive(call.Parsed.GetValue(tokens), "--tokens");
            var rule = new SamplingRule(
                call.Parsed.GetValue(temperature), call.Parsed.GetValue(topK), call.Parsed.GetValue(topP));
            if (!(rule.Temperature >= 0))
                throw new ConfigException($"--temperature {rule.Temperature} must be 0 or more; try 0.8");
            if (rule.TopP is not (> 0 and <= 1))
                throw new ConfigException($"--top-p {rule.TopP} must be above 0 and at most 1; try 0.95");
            if (rule.TopK < 0) throw new ConfigException($"--top-k {rule.TopK} must be 0 or more; try 50");
            string text = call.Parsed.GetValue(prompt)!;
            using LanguageModel open = LanguageModel.Open(call.Here, call.Parsed.GetValue(model)!);
            ChatFormat? format = call.Parsed.GetValue(chat) ? ChatFormat.Of(open) : null;
            ulong drawn = call.Parsed.GetValue(seed);
            IReadOnlyList<SampledReply> all = format is null ? open.Continue(text, replies, most, rule, drawn)
                : open.Continue(format.Prompt(text), replies, most, rule, drawn);
            foreach (SampledReply reply in all)
            {
                string reading = open.Tokenizer.Decode(reply.Said);
                if (call.Json)
                    call.Out.WriteLine(JsonSerializer.Serialize(
                        new(text, reading, reply.Said.Length, reply.LogProbs[..reply.Said.Length].ToArray().Sum(p => (double)p)),
                        SampleJson.Default.SampleRecord));
                else
                    call.Out.WriteLine((replies > 1 && reply != all[0] ? "---\n" : "") + (format is null ? text : "") + reading);
            }
            return 0;
        });
        return verb;
    }

    static int Positive(int value, string option) =>
        value > 0 ? value : throw new ConfigException($"{option} {value} must be positive; try 1");
}

/// <summary>One reply, as a script sees it. LogProb: sum over its tokens at temperature 1, nats.</summary>
sealed record SampleRecord(string Prompt, string Reply, int Tokens, double LogProb);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SampleRecord))]
sealed partial class SampleJson : JsonSerializerContext;
