using Isoflop.Lab.Inference;
using Isoflop.Store;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Isoflop.Web.Serving;

/// <summary>Which models a program serves, and how much they may take.</summary>
public sealed record IsoflopOptions
{
    /// <summary>The home whose runs are served.</summary>
    public string Home { get; set; } = "./isoflop";

    /// <summary>Model folders beside them, by the names they are to have.</summary>
    public IDictionary<string, string> Folders { get; } = new Dictionary<string, string>();

    /// <summary>Models of other OpenAI-compatible endpoints: http://host:8000/v1 by the name of the model there. Behind a '#' may
    /// stand the environment variable that holds the key: https://host/v1#THEIR_KEY.</summary>
    public IDictionary<string, string> Endpoints { get; } = new Dictionary<string, string>();

    /// <summary>The model that <see cref="IChatClient"/> asks where a call names none: a run, RUN@STEP or one of the
    /// folders.</summary>
    public string? Model { get; set; }

    /// <summary>Threads of each model; 0: one a core.</summary>
    public int Threads { get; set; }

    /// <summary>Replies that a model writes at once.</summary>
    public int Slots { get; set; } = 64;

    /// <summary>Replies that wait for a model at most; who asks for more is told to come later.</summary>
    public int Waiting { get; set; } = 256;

    /// <summary>Bytes of weights and caches of all models together; 0: half of the memory there is.</summary>
    public long Bytes { get; set; }
}

/// <summary>Isoflop in a .NET application.</summary>
public static class IsoflopServices
{
    /// <summary>
    /// Models as a service: an <see cref="IChatClient"/> in this process. With <see cref="MapIsoflop"/>, others ask them too.
    /// </summary>
    /// <example><code>
    /// builder.Services.AddIsoflop(o => o.Model = "mine");
    /// app.MapIsoflop();
    /// </code></example>
    public static IServiceCollection AddIsoflop(this IServiceCollection services, Action<IsoflopOptions>? configure = null)
    {
        var options = new IsoflopOptions();
        configure?.Invoke(options);
        return services.AddIsoflop(new Workspace(options.Home) { Threads = options.Threads }, options);
    }

    internal static IServiceCollection AddIsoflop(this IServiceCollection services, Workspace here, IsoflopOptions options)
    {
        // The container disposes of what it made.
        services.AddSingleton(_ => new ModelPool(here, new Dictionary<string, string>(options.Folders),
            new(options.Bytes, new(options.Slots, options.Waiting))));
        services.AddSingleton(_ => new RemoteModels(options.Endpoints));
        services.AddSingleton<IChatClient>(s => new IsoflopChatClient(s.GetRequiredService<ModelPool>(), options.Model ?? ""));
        return services;
    }

    /// <summary>OpenAI's interface to the models, below /v1.</summary>
    public static IEndpointRouteBuilder MapIsoflop(this IEndpointRouteBuilder routes)
    {
        ServingEndpoints.Map(routes, routes.ServiceProvider.GetRequiredService<ModelPool>(),
            routes.ServiceProvider.GetRequiredService<RemoteModels>());
        return routes;
    }
}
