using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Pages;

/// <summary>The front end, from inside of the assembly: nothing on the disk is ever asked for.</summary>
static class StaticFiles
{
    /// <summary>What a picture may do.</summary>
    public const string PicturePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

    const string Svg = "image/svg+xml";

    sealed record Whole(byte[] Bytes, string Type, string Tag);

    static readonly Dictionary<string, Whole> files = Read();

    /// <summary>A file by its name; every other path is a page, which the script draws.</summary>
    public static async Task Send(HttpContext call)
    {
        string name = call.Request.Path.Value!.TrimStart('/');
        if (!files.TryGetValue(name, out Whole? file))
        {
            bool page = name.Contains('/') || !name.Contains('.');       // names of runs have dots; files lie at the root
            if (!page || !files.TryGetValue("index.html", out file))
            {
                await Answer.Error(call, 404, "there is no such file").ConfigureAwait(false);
                return;
            }
        }
        call.Response.Headers.CacheControl = "no-cache";
        call.Response.Headers.ETag = file.Tag;
        call.Response.ContentType = file.Type;
        // A picture is a document of its own, shown as an image: its styles are its own, and nothing in it runs.
        if (file.Type == Svg) call.Response.Headers.ContentSecurityPolicy = PicturePolicy;
        if (call.Request.Headers.IfNoneMatch == file.Tag)
        {
            call.Response.StatusCode = 304;
            return;
        }
        call.Response.ContentLength = file.Bytes.Length;
        if (HttpMethods.IsGet(call.Request.Method)) await call.Response.Body.WriteAsync(file.Bytes).ConfigureAwait(false);
    }

    static Dictionary<string, Whole> Read()
    {
        const string Prefix = "web/";
        Assembly own = typeof(StaticFiles).Assembly;
        var all = new Dictionary<string, Whole>(StringComparer.Ordinal);
        foreach (string name in own.GetManifestResourceNames())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            using Stream stream = own.GetManifestResourceStream(name)!;
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            string tag = Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
            all.Add(name[Prefix.Length..], new(bytes, TypeOf(name), $"\"{tag}\""));
        }
        return all;
    }

    static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => Svg,
        _ => "application/octet-stream",
    };
}
