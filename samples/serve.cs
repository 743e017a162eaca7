#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Isoflop.Web/Isoflop.Web.csproj
// A model of ours inside an ASP.NET application: as an IChatClient, and for others by OpenAI's interface.
//   dotnet run samples/serve.cs            teaches a small model to think, asks it both ways, and ends
//   dotnet run samples/serve.cs HOME RUN   serves a run of yours until Ctrl-C
using System.Text;
using System.Text.Json;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Train;
using Isoflop.Web.Serving;
using Microsoft.Extensions.AI;

string home = args.Length > 0 ? args[0] : Directory.CreateTempSubdirectory("isoflop-serve-").FullName;
string model = args.Length > 1 ? args[1] : "parity";
if (args.Length == 0)
    Teach.Run(new() { Name = model, Tasks = ["parity:1"], Items = 4000, Think = 0.5, Context = 32 },
        Config.Load(null, "model.d_model=32", "model.n_layer=2", "model.n_head=2", "train.learning_rate=0.005"),
        new Workspace(home));

WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddIsoflop(o => (o.Home, o.Model) = (home, model));
WebApplication app = builder.Build();
app.MapIsoflop();
await app.StartAsync();
Console.WriteLine($"{app.Urls.First()}/v1");
if (args.Length > 0)
{
    await app.WaitForShutdownAsync();
    return;
}

// In the process: thought and answer apart, as they come.
IChatClient chat = app.Services.GetRequiredService<IChatClient>();
var options = new ChatOptions { Seed = 1, MaxOutputTokens = 24, Reasoning = new() { Effort = ReasoningEffort.High } };
await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("11011111", options))
    foreach (AIContent content in update.Contents)
        Console.Write(content switch
        {
            TextReasoningContent thought => thought.Text,
            TextContent answer => $" | {answer.Text}",
            UsageContent usage => $" ({usage.Details.ReasoningTokenCount} of {usage.Details.OutputTokenCount} tokens thought)\n",
            _ => "",
        });

// From outside: the same seed, the same bits.
using var http = new HttpClient();
HttpResponseMessage reply = await http.PostAsync($"{app.Urls.First()}/v1/chat/completions", new StringContent($$"""
    {"model": "{{model}}", "messages": [{"role": "user", "content": "11011111"}], "seed": 1, "max_tokens": 24,
     "reasoning_effort": "high"}
    """, Encoding.UTF8, "application/json"));
using JsonDocument body = JsonDocument.Parse(await reply.Content.ReadAsStringAsync());
JsonElement said = body.RootElement.GetProperty("choices")[0].GetProperty("message");
Console.WriteLine($"over HTTP: {said.GetProperty("reasoning_content")} | {said.GetProperty("content")}");
await app.StopAsync();
