using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Isoflop.Tests.Rl;
using Isoflop.Web;
using Isoflop.Web.Serving;

namespace Isoflop.Tests.Inference;

/// <summary>The three small models behind a server on a free port; "given" is a folder beside the runs.</summary>
public sealed class ServingFixture : IDisposable
{
    readonly TaughtModels models = new();
    readonly WebHost host;

    public ServingFixture()
    {
        Models = new() { Folders = { ["given"] = Path.Combine(models.Here.Root, "texts") }, Slots = 8, Waiting = 32 };
        host = WebHost.Start(models.Here, new() { Port = 0, Models = Models }).GetAwaiter().GetResult();
        Http = new() { BaseAddress = new(host.Address) };
    }

    internal IsoflopOptions Models { get; }

    internal Isoflop.Store.Workspace Here => models.Here;

    public Uri V1 => new(host.Address + "/v1");

    public HttpClient Http { get; }

    /// <summary>Posts JSON and reads what comes.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Reply)> Post(string path, string json)
    {
        HttpResponseMessage reply = await Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));
        return (reply.StatusCode, await reply.Content.ReadFromJsonAsync<JsonElement>(), reply);
    }

    public void Dispose()
    {
        Http.Dispose();
        host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        models.Dispose();
    }
}
