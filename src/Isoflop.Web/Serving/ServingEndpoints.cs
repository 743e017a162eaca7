using Isoflop.Lab.Inference;
using Isoflop.Lab.Teaching;
using Isoflop.Train;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Isoflop.Web.Serving;

/// <summary>The models of a home as OpenAI's interface offers them, below /v1.</summary>
static class ServingEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ModelPool pool, RemoteModels remote)
    {
        routes.MapGet("/v1/models", (RequestDelegate)(http => Safely(http, () =>
            http.Response.WriteAsJsonAsync(new ModelList("list", [.. All()]), ServingJson.Default.ModelList))));
        routes.MapGet("/v1/models/{**id}", (RequestDelegate)(http => Safely(http, () =>
        {
            string id = (string?)http.GetRouteValue("id") ?? "";
            return http.Response.WriteAsJsonAsync(All().FirstOrDefault(m => m.Id == id) ?? throw pool.Unknown(id),
                ServingJson.Default.ModelBody);
        })));
        routes.MapPost("/v1/chat/completions", (RequestDelegate)(http => new ChatCall(http, pool, remote).Run()));
        routes.MapPost("/v1/completions", (RequestDelegate)(http => new TextCall(http, pool, remote).Run()));
        routes.Map("/v1/{**rest}", (RequestDelegate)(http => new ApiException(StatusCodes.Status404NotFound,
            $"there is no {http.Request.Method} {http.Request.Path}; there are GET /v1/models, POST /v1/chat/completions and " +
            "POST /v1/completions").Write(http)));

        // A folder of the same name as an endpoint's model is not asked, and so not listed.
        IEnumerable<ModelBody> All() => pool.List().Where(m => !remote.Has(m.Name)).Select(m => BodyOf(m.Name, m.Folder))
            .Concat(remote.List().Select(m => new ModelBody(m.Name, "model", 0, m.Address, "endpoint")));
    }

    static async Task Safely(HttpContext http, Func<Task> answer)
    {
        try
        {
            await answer().ConfigureAwait(false);
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            await ApiException.Of(e, "model").Write(http).ConfigureAwait(false);
        }
    }

    static ModelBody BodyOf(string name, string folder) => new(name, "model",
        new DateTimeOffset(Directory.GetCreationTimeUtc(folder)).ToUnixTimeSeconds(), "isoflop", TaughtOf(folder));

    static string TaughtOf(string folder)
    {
        try
        {
            string model = Checkpoint.StepsIn(folder) is [.., int newest]
                ? Path.Combine(folder, Checkpoint.NameOf(newest)) : folder;
            return ChatFormat.TaughtTo(model).ToString().ToLowerInvariant();
        }
        catch (Exception e) when (e is DataException or IOException)
        {
            return "unknown";                                      // what is wrong with it is said when it is asked
        }
    }
}
