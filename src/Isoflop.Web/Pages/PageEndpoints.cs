using System.Text.Json.Serialization;
using Isoflop.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Isoflop.Web.Pages;

/// <summary>A home, in a line.</summary>
/// <param name="Root">its folder</param> <param name="CanStart">pages can start runs</param>
sealed record HomeLine(string Root, string Version, int Runs, int Studies, bool CanStart);

/// <summary>What the pages ask for, below /api, and the pages themselves.</summary>
static class PageEndpoints
{
    public static void Map(IEndpointRouteBuilder to, Workspace here, WebOptions options)
    {
        to.MapGet("/api/home", call => Answer.Json(call, new(Path.GetFullPath(here.Root),
            typeof(WebHost).Assembly.GetName().Version!.ToString(3), CountOf(here.Runs), CountOf(here.Studies),
            options.Program.Count > 0), PagesJson.Default.HomeLine));
        to.Map("/api/{**rest}", call => Answer.Error(call, 404, "there is nothing to be asked there"));
        to.MapMethods("/{**page}", [HttpMethods.Get, HttpMethods.Head], StaticFiles.Send);
    }

    static int CountOf(string folder) => Directory.Exists(folder) ? Directory.GetDirectories(folder).Length : 0;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HomeLine))]
sealed partial class PagesJson : JsonSerializerContext;
