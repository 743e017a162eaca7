using System.ClientModel;
using System.Diagnostics;
using Isoflop.Sample;
using Isoflop.Text;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace Isoflop.Tests.Inference;

/// <summary>The server as the clients see it that people have: OpenAI's for .NET and for JavaScript, Microsoft.Extensions.AI.</summary>
public sealed class ForeignClientTests(ServingFixture server) : IClassFixture<ServingFixture>
{
    OpenAIClient Client => new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = server.V1 });

    string Expected(int most, ulong seed, float temperature)
    {
        using LanguageModel model = LanguageModel.Open(server.Here, "chat");
        int[] prompt = new Lab.Teaching.ChatFormat(model.Tokenizer).Prompt(new(Lab.Teaching.Role.System, "s"), new(Lab.Teaching.Role.User, "5"));
        return model.Tokenizer.Decode(model.Continue(prompt, 1, most, new(temperature), seed)[0].Said);
    }

    [Fact]
    public async Task OpenAIs_client_for_dotnet_asks_streams_scores_and_reads_errors()
    {
        ChatClient chat = Client.GetChatClient("chat");
        OpenAI.Chat.ChatMessage[] messages = [new SystemChatMessage("s"), new UserChatMessage("5")];
#pragma warning disable OPENAI001 // its seed is marked as experimental
        ChatCompletionOptions Options() => new() { Temperature = 1.5f, MaxOutputTokenCount = 20, Seed = 4, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
#pragma warning restore OPENAI001
        OpenAI.Chat.ChatCompletion whole = await chat.CompleteChatAsync(messages, Options());
        Assert.Equal(Expected(20, 4, 1.5f), whole.Content[0].Text);
        Assert.Equal(whole.Usage.OutputTokenCount, whole.ContentTokenLogProbabilities.Count);
        Assert.All(whole.ContentTokenLogProbabilities, t => Assert.Equal(2, t.TopLogProbabilities.Count));
        Assert.Equal(whole.Usage.InputTokenCount + whole.Usage.OutputTokenCount, whole.Usage.TotalTokenCount);
        string streamed = "";
        int? reasoning = null;
        OpenAI.Chat.ChatFinishReason? finish = null;
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(messages, Options()))
        {
            streamed += string.Concat(update.ContentUpdate.Select(c => c.Text));
            finish = update.FinishReason ?? finish;
            reasoning = update.Usage?.OutputTokenDetails.ReasoningTokenCount ?? reasoning;
        }
        Assert.Equal((whole.Content[0].Text, whole.FinishReason, 0), (streamed, finish!.Value, reasoning));
        ClientResultException lost = await Assert.ThrowsAsync<ClientResultException>(() => Client.GetChatClient("none").CompleteChatAsync(messages));
        Assert.Equal(404, lost.Status);
        Assert.Contains("there are: chat, given, tasks", lost.Message);
        Assert.Equal(["chat", "given", "tasks"], (await Client.GetOpenAIModelClient().GetModelsAsync()).Value.Select(m => m.Id));
    }

    [Fact]
    public async Task Microsofts_chat_client_over_it_asks_and_streams()
    {
        using IChatClient client = Client.GetChatClient("chat").AsIChatClient();
        Microsoft.Extensions.AI.ChatMessage[] messages = [new(ChatRole.System, "s"), new(ChatRole.User, "5")];
        ChatOptions options = new() { Temperature = 1.5f, MaxOutputTokens = 20, Seed = 4, StopSequences = ["\u0001"] };
        ChatResponse whole = await client.GetResponseAsync(messages, options);
        Assert.Equal(Expected(20, 4, 1.5f), whole.Text);
        ChatResponse streamed = await client.GetStreamingResponseAsync(messages, options).ToChatResponseAsync();
        Assert.Equal((whole.Text, whole.FinishReason, whole.Usage!.OutputTokenCount), (streamed.Text, streamed.FinishReason, streamed.Usage!.OutputTokenCount));
    }

    [Fact]
    public async Task OpenAIs_client_for_JavaScript_asks_streams_and_reads_errors()
    {
        string room = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "isoflop-openai-js")).FullName;
        if (!Directory.Exists(Path.Combine(room, "node_modules", "openai")))
        {
            if (await Run("npm", room, "install", "--no-audit", "--no-fund", "--silent", "openai@" + JavaScriptVersion) is not (0, _))
                Assert.Skip($"node or npm is not installed, or the package openai@{JavaScriptVersion} cannot be had");
        }
        File.WriteAllText(Path.Combine(room, "client.mjs"), """
            import OpenAI from "openai";
            const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
            const messages = [{ role: "system", content: "s" }, { role: "user", content: "5" }];
            const asked = { model: "chat", messages, temperature: 1.5, max_tokens: 20, seed: 4 };
            const whole = await client.chat.completions.create(asked);
            let text = "", usage;
            for await (const chunk of await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } })) {
              text += chunk.choices[0]?.delta?.content ?? "";
              usage = chunk.usage ?? usage;
            }
            const scored = await client.completions.create({ model: "chat", prompt: "17", echo: true, logprobs: 1, max_tokens: 1, temperature: 0 });
            const thought = await client.chat.completions.create({ model: "tasks", messages: messages.slice(1), reasoning_effort: "xhigh", max_tokens: 20, temperature: 3, seed: 1 });
            let refused = "";
            try { await client.chat.completions.create({ ...asked, model: "none" }); } catch (e) { refused = `${e.status} ${e.code}`; }
            const models = []; for await (const model of client.models.list()) models.push(model.id);
            console.log(JSON.stringify({ whole: whole.choices[0].message.content, text, same: JSON.stringify(usage) === JSON.stringify(whole.usage),
              scored: scored.choices[0].logprobs.tokens.length, thought: thought.choices[0].message.reasoning_content ?? "", counted: thought.usage.completion_tokens_details.reasoning_tokens, refused, models }));
            """);
        (int code, string output) = await Run("node", room, "client.mjs", server.V1.ToString());
        Assert.True(code == 0, output);
        System.Text.Json.JsonElement said = System.Text.Json.JsonDocument.Parse(output).RootElement;
        Assert.Equal(Expected(20, 4, 1.5f), said.GetProperty("whole").GetString());
        Assert.Equal(said.GetProperty("whole").GetString(), said.GetProperty("text").GetString());
        Assert.True(said.GetProperty("same").GetBoolean());
        using (LanguageModel model = LanguageModel.Open(server.Here, "chat"))
            Assert.Equal(model.Tokenizer.Encode("17").Count + 1, said.GetProperty("scored").GetInt32());
        Assert.Equal(said.GetProperty("counted").GetInt32() > 0, said.GetProperty("thought").GetString()!.Length > 0);
        Assert.Equal("404 model_not_found", said.GetProperty("refused").GetString());
        Assert.Equal(["chat", "given", "tasks"], said.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
    }

    const string JavaScriptVersion = "7.59.0";

    static async Task<(int Code, string Output)> Run(string program, string room, params string[] words)
    {
        try
        {
            using Process child = Process.Start(new ProcessStartInfo(program, words)
            {
                WorkingDirectory = room,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> error = child.StandardError.ReadToEndAsync();
            string output = await child.StandardOutput.ReadToEndAsync();
            await child.WaitForExitAsync();
            return (child.ExitCode, child.ExitCode == 0 ? output : output + await error);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }
}
