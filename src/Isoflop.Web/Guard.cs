using System.Net;
using System.Security.Cryptography;
using System.Text;
using Isoflop.Web.Serving;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Isoflop.Web;

/// <summary>
/// Who may ask. Names in the request must be of this machine while it listens on loopback alone, so that no other name can be
/// made to lead here; what a page of another site sends is refused; elsewhere than on loopback every request but those for the
/// empty pages bears the key, in its header or in a cookie that <see cref="KeyPath"/> gives.
/// </summary>
sealed class Guard(WebOptions options)
{
    /// <summary>Takes the key once and answers with a cookie.</summary>
    public const string KeyPath = "/api/key";

    const string Cookie = "isoflop-key", Bearer = "Bearer ";

    // No script but ours, no inline style, nothing from elsewhere, no frames.
    const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    readonly bool loopback = options.Host == "localhost" || IPAddress.IsLoopback(IPAddress.Parse(options.Host));
    readonly byte[]? key = options.Key is { } k ? Encoding.UTF8.GetBytes(k) : null;

    /// <summary>Refuses, or lets through with the headers that every answer has.</summary>
    public async Task Watch(HttpContext call, RequestDelegate next)
    {
        IHeaderDictionary headers = call.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (Refusal(call.Request) is not (var status and > 0, var why))
        {
            if (call.Request.Path == KeyPath && HttpMethods.IsPost(call.Request.Method)) await Give(call).ConfigureAwait(false);
            else await next(call).ConfigureAwait(false);
            return;
        }
        if (status == 401) headers.WWWAuthenticate = "Bearer";
        await (call.Request.Path.StartsWithSegments("/v1") ? new ApiException(status, why, null, "invalid_api_key").Write(call)
            : Answer.Error(call, status, why)).ConfigureAwait(false);
    }

    (int Status, string Why) Refusal(HttpRequest request)
    {
        if (loopback && !IsOwnName(request.Host.Host))
            return (403, $"'{request.Host.Host}' is no name of this machine; open http://127.0.0.1:{request.Host.Port ?? 80}");
        bool data = IsData(request.Path);
        if (data && IsForeign(request)) return (403, "a page of another site may not ask");
        return data && key is not null && request.Path != KeyPath && !Bears(request)
            ? (401, "the key is missing or wrong: send 'Authorization: Bearer KEY'") : default;
    }

    static bool IsOwnName(string host) => host is "localhost" or "127.0.0.1" or "[::1]" || host.EndsWith(".localhost",
        StringComparison.Ordinal);

    /// <summary>Anything but the pages themselves, which hold no data.</summary>
    static bool IsData(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/v1");

    /// <summary>Browsers say so; what is no browser says nothing and sends no cookies of this site.</summary>
    static bool IsForeign(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site != "same-origin" && site != "none") return true;
        return request.Headers.Origin is { Count: > 0 } origin && origin != $"{request.Scheme}://{request.Host}";
    }

    bool Bears(HttpRequest request)
    {
        StringValues given = request.Headers.Authorization;
        string? own = given.Count == 1 && given[0]!.StartsWith(Bearer, StringComparison.Ordinal) ? given[0]![Bearer.Length..]
            : request.Cookies[Cookie];
        return own is not null && Same(own);
    }

    bool Same(string given) => key is not null && CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(key));

    async Task Give(HttpContext call)
    {
        using var reader = new StreamReader(call.Request.Body);
        char[] text = new char[256];
        int length = await reader.ReadBlockAsync(text).ConfigureAwait(false);
        string given = new(text, 0, length);
        if (!Same(given))
        {
            await Answer.Error(call, 401, "that is not the key this window was opened with").ConfigureAwait(false);
            return;
        }
        call.Response.Cookies.Append(Cookie, given, new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
        call.Response.StatusCode = 204;
    }
}
