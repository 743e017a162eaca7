using System.Globalization;
using System.Text.Json;
using Isoflop.Web.Home;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Isoflop.Web.Pages;

/// <summary>
/// Server-sent events: each time something changed, what is new to this client since its version, at most twice a second. A slow
/// client misses nothing, gets fewer and larger changes, and no queue grows for it.
/// </summary>
static class Live
{
    static readonly TimeSpan sign = TimeSpan.FromSeconds(15), pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Sends until the client or the window goes.</summary>
    public static async Task Send(HttpContext call, RunIndex runs, CancellationToken closing)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted, closing);
        call.Response.ContentType = "text/event-stream";
        call.Response.Headers.CacheControl = "no-store";
        call.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        string? since = call.Request.Query["since"].FirstOrDefault();
        long version = long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out long v) ? v : 0;
        try
        {
            while (true)
            {
                HomeChange change = runs.Since(version);
                bool news = change.Version > version;
                version = change.Version;
                byte[] head = news ? "data: "u8.ToArray() : ":\n\n"u8.ToArray();
                await call.Response.Body.WriteAsync(head, end.Token).ConfigureAwait(false);
                if (news)
                {
                    await JsonSerializer.SerializeAsync(call.Response.Body, change, PagesJson.Default.HomeChange, end.Token)
                        .ConfigureAwait(false);
                    await call.Response.Body.WriteAsync("\n\n"u8.ToArray(), end.Token).ConfigureAwait(false);
                }
                await call.Response.Body.FlushAsync(end.Token).ConfigureAwait(false);
                await Task.Delay(pause, end.Token).ConfigureAwait(false);
                await runs.Changed(version, sign, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested) { }
    }
}
