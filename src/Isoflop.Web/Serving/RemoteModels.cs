using System.Net;
using System.Text.Json;
using Isoflop.Store;
using Microsoft.AspNetCore.Http;
using Endpoint = Isoflop.Lab.Eval.Endpoint;

namespace Isoflop.Web.Serving;

/// <summary>
/// Models of other OpenAI-compatible endpoints, which whoever opened the server named: what they are asked goes there as it came,
/// and what they say comes back so. No request can name an address, so nothing else is reached from here.
/// </summary>
sealed class RemoteModels : IDisposable
{
    const int RefusalLength = 1 << 16, PieceLength = 1 << 14;

    static readonly string[] forms = ["application/json", "text/event-stream"];

    // A key must not go along with a redirection.
    readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(10),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    readonly SortedDictionary<string, Endpoint> endpoints = new(StringComparer.Ordinal);

    readonly TimeSpan silence;

    /// <param name="addresses">http://host:8000/v1 by the models' names there; behind a '#' the environment variable that holds
    /// the key</param>
    /// <param name="silence">so long may an endpoint say nothing; null: two minutes</param>
    /// <exception cref="ConfigException">An address is none, or its key.</exception>
    public RemoteModels(IEnumerable<KeyValuePair<string, string>> addresses, TimeSpan? silence = null)
    {
        this.silence = silence ?? TimeSpan.FromMinutes(2);
        foreach ((string name, string address) in addresses)
        {
            string[] parts = address.Split('#', 2);
            string? key = parts.Length == 1 ? null : Endpoint.KeyOf(parts[1]) ?? throw new ConfigException(
                $"{name}={parts[0]}: the environment variable '{parts[1]}' is to hold its key, and is not set; set it, or " +
                "leave the part behind # out");
            endpoints[name] = new(parts[0], key);
        }
    }

    /// <summary>What there is, and where.</summary>
    public IEnumerable<(string Name, string Address)> List() => endpoints.Select(e => (e.Key, e.Value.Address));

    /// <summary>Whether a model is one of these.</summary>
    public bool Has(string name) => endpoints.ContainsKey(name);

    /// <summary>Asks one, and hands its answer on as it comes.</summary>
    /// <param name="path">"/chat/completions"</param> <param name="body">the request as it came</param>
    /// <exception cref="ApiException">It cannot be reached, says nothing, or something that is no answer.</exception>
    public async Task Forward(HttpContext call, string name, string path, byte[] body)
    {
        Endpoint endpoint = endpoints[name];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted);
        patience.CancelAfter(silence);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Of(path))
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new(forms[0]) } },
            };
            endpoint.Sign(request);
            using HttpResponseMessage reply = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead,
                patience.Token).ConfigureAwait(false);
            await using Stream said = await reply.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
            if (!reply.IsSuccessStatusCode)
                throw await Refusal(endpoint, reply, said, patience.Token).ConfigureAwait(false);
            // Nothing else: a page that came from there would be one of ours.
            string form = reply.Content.Headers.ContentType?.MediaType ?? "nothing";
            if (!forms.Contains(form))
                throw Bad(502, $"{endpoint.Address} answers with {endpoint.Clean(form)}, which is no reply");
            call.Response.ContentType = form;
            call.Response.Headers.CacheControl = "no-store";
            byte[] piece = new byte[PieceLength];
            for (int n; (n = await said.ReadAsync(piece, patience.Token).ConfigureAwait(false)) > 0;)
            {
                patience.CancelAfter(silence);
                await call.Response.Body.WriteAsync(piece.AsMemory(0, n), call.RequestAborted).ConfigureAwait(false);
                await call.Response.Body.FlushAsync(call.RequestAborted).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!call.RequestAborted.IsCancellationRequested)
        {
            if (call.Response.HasStarted) call.Abort();
            else throw Bad(504, $"{endpoint.Address} says nothing for {silence.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !call.RequestAborted.IsCancellationRequested)
        {
            if (call.Response.HasStarted) call.Abort();            // cut off there, cut off here
            else throw Bad(502, $"{endpoint.Address} cannot be reached: {endpoint.Clean(e.Message)}");
        }
    }

    /// <summary>What it said to it, as far as it is of OpenAI's shape, without our key.</summary>
    static async Task<ApiException> Refusal(Endpoint endpoint, HttpResponseMessage reply, Stream said, CancellationToken stop)
    {
        byte[] text = new byte[RefusalLength];
        int length = await said.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, stop).ConfigureAwait(false);
        string why = "";
        try
        {
            JsonElement error = ForeignJson.Parse(text.AsMemory(0, length), "the answer");
            foreach (string name in (string[])["error", "message"])
                if (error.ValueKind == JsonValueKind.Object && error.TryGetProperty(name, out JsonElement inner)) error = inner;
            if (error.ValueKind == JsonValueKind.String) why = ": " + endpoint.Clean(error.GetString()!);
        }
        catch (DataException) { }                                  // the status alone, then
        int status = (int)reply.StatusCode;
        return Bad(status is >= 400 and < 500 and not 401 and not 403 ? status : 502, $"{endpoint.Address} answers {status}{why}",
            reply.Headers.RetryAfter?.Delta);
    }

    static ApiException Bad(int status, string message, TimeSpan? retryAfter = null) =>
        new(status, message, null, "endpoint", status < 500 ? "invalid_request_error" : "server_error", retryAfter);

    public void Dispose() => http.Dispose();
}
