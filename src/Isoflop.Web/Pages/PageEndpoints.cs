using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Isoflop.Store;
using Isoflop.Web.Home;
using Isoflop.Web.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Isoflop.Web.Pages;

/// <summary>What the pages ask for, below /api, and the pages themselves.</summary>
sealed class PageEndpoints : IAsyncDisposable
{
    readonly Workspace here;
    readonly StudyIndex studies;
    readonly RunIndex runs;
    readonly JobList jobs;
    readonly CancellationTokenSource stop;
    readonly Task following;

    PageEndpoints(Workspace workspace, WebOptions options)
    {
        stop = CancellationTokenSource.CreateLinkedTokenSource(workspace.Stop);
        here = workspace with { Stop = stop.Token, Progress = null };
        studies = new(here);
        string version = typeof(WebHost).Assembly.GetName().Version!.ToString(3);
        runs = new(here, studies, () => new(Path.GetFullPath(here.Root), version, options.Program.Count > 0, 0, true, 0, 0,
            [], [], [], Corpora(), jobs!.All()));
        jobs = new(options, () => runs.Touch());
        following = runs.Follow(stop.Token);
    }

    /// <summary>Maps them; dispose of it to stop following the home.</summary>
    public static PageEndpoints Map(IEndpointRouteBuilder to, Workspace here, WebOptions options)
    {
        var pages = new PageEndpoints(here, options);
        pages.MapHome(to);
        pages.MapModels(to);
        pages.MapJobs(to);
        to.Map("/api/{**rest}", call => Answer.Error(call, 404, "there is nothing to be asked there"));
        to.MapMethods("/{**page}", [HttpMethods.Get, HttpMethods.Head], StaticFiles.Send);
        return pages;
    }

    void MapHome(IEndpointRouteBuilder to)
    {
        var series = new SeriesStore(here);
        var views = new RunViews(here, runs);
        var laws = new LawPages(here, studies, runs);
        var workers = new Workers(here);
        var maps = new MapViews(here);
        var thoughts = new Thoughts(here);
        to.MapGet("/api/home", async call =>
        {
            // At the first look the page need not wait for all of thousands.
            await runs.Changed(1, TimeSpan.FromMilliseconds(300), call.RequestAborted).ConfigureAwait(false);
            await Answer.Json(call, runs.Since(Number(call, "since") is { } v ? (long)v : 0), PagesJson.Default.HomeChange)
                .ConfigureAwait(false);
        });
        to.MapGet("/api/live", call => Live.Send(call, runs, stop.Token));
        Get(to, "/api/series", PagesJson.Default.SeriesView, call => series.Of(QueryOf(call)));
        to.MapGet("/run/{name}", call =>
        {
            // Its rows, maybe a million, are read while the browser is busy with the page itself.
            if (call.Request.RouteValues["name"] is string run && FolderName.IsGood(run)) series.Prepare(run);
            return StaticFiles.Send(call);
        });
        Get(to, "/api/run", PagesJson.Default.RunView, call => views.Of(Name(call, "name"))
            ?? throw new ConfigException($"run '{Name(call, "name")}': there is none of that name any more"));
        to.MapGet("/api/laws", call => Guarded(call, async () =>
            await Answer.Json(call, await laws.Of(Name(call, "study")).ConfigureAwait(false), PagesJson.Default.LawPage)
                .ConfigureAwait(false)));
        to.MapGet("/api/laws/picture", call => Guarded(call, async () => await Picture(call,
            await laws.Picture(Name(call, "study"), Text(call, "file"), Flag(call, "narrow")).ConfigureAwait(false))
            .ConfigureAwait(false)));
        Get(to, "/api/workers", PagesJson.Default.IReadOnlyListWorkerLine, call => workers.Of(Name(call, "study")));
        Get(to, "/api/map", PagesJson.Default.MapView, call => maps.Of(Name(call, "study")));
        Get(to, "/api/map/items", PagesJson.Default.IReadOnlyListMapItem,
            call => maps.Items(Name(call, "study"), Text(call, "task"), Number(call, "budget") ?? 0));
        Get(to, "/api/thinking", PagesJson.Default.ThinkingView, call => thoughts.Of(Name(call, "run")));
        to.MapGet("/api/thinking/picture", call => Guarded(call, () => Picture(call,
            thoughts.Picture(Name(call, "run"), (int)(Number(call, "index") ?? -1), Flag(call, "narrow")))));
    }

    void MapModels(IEndpointRouteBuilder to)
    {
        var words = new Words(here);
        Post(to, "/api/next", PagesJson.Default.WordsAsked, PagesJson.Default.NextView, words.Next);
        Post(to, "/api/losses", PagesJson.Default.WordsAsked, PagesJson.Default.IReadOnlyListLossView, words.Losses);
        Post(to, "/api/climb", PagesJson.Default.WordsAsked, PagesJson.Default.IReadOnlyListClimbView, words.Climbed);
    }

    void MapJobs(IEndpointRouteBuilder to)
    {
        var lines = new CommandLine(here, studies);
        Post(to, "/api/jobs/command", PagesJson.Default.StartAsked, PagesJson.Default.CommandView,
            (asked, _) => Task.FromResult(new CommandView(CommandLine.Shown(lines.Of(asked)))));
        Post(to, "/api/jobs", PagesJson.Default.StartAsked, PagesJson.Default.JobLine,
            (asked, _) => Task.FromResult(jobs.Start(lines.Of(asked))));
        Post(to, "/api/jobs/stop", PagesJson.Default.StopAsked, PagesJson.Default.JobLine, (asked, _) => Task.FromResult(
            jobs.Stop(asked.Id) ?? throw new ConfigException($"there is no job {asked.Id} any more")));
    }

    IReadOnlyList<string> Corpora() => Directory.Exists(here.Corpora) ? [.. Directory.GetDirectories(here.Corpora)
        .Select(d => Path.GetFileName(d)).Where(n => !n.StartsWith('.')).Order(StringComparer.Ordinal)] : [];

    static SeriesQuery QueryOf(HttpContext call)
    {
        string x = Text(call, "x");
        string[] y = [.. call.Request.Query["y"].Select(v => v ?? "")];
        if (!SeriesStore.Axes.Contains(x))
            throw new ConfigException($"x='{x}' must be {string.Join(", ", SeriesStore.Axes)}");
        if (y.Except(SeriesStore.Quantities).FirstOrDefault() is { } odd)
            throw new ConfigException($"y='{odd}' must be {string.Join(", ", SeriesStore.Quantities)}");
        return new([.. call.Request.Query["run"].Select(v => FolderName.Checked("run", v ?? ""))], x, y,
            Number(call, "from") ?? double.NegativeInfinity, Number(call, "to") ?? double.PositiveInfinity,
            (int)Math.Clamp(Number(call, "pixels") ?? 800, 10, SeriesStore.MostPixels), Flag(call, "log"),
            Math.Clamp(Number(call, "smooth") ?? 0, 0, 0.5));
    }

    /// <summary>A name that leads nowhere but to a folder of its own.</summary>
    static string Name(HttpContext call, string key) => FolderName.Checked(key, Text(call, key));

    static string Text(HttpContext call, string key) =>
        call.Request.Query[key] is { Count: 1 } v && v[0] is { Length: < 1000 } text ? text
            : throw new ConfigException($"{key} must be given, once");

    static bool Flag(HttpContext call, string key) => call.Request.Query[key] == "1";

    static double? Number(HttpContext call, string key) => call.Request.Query[key] is not { Count: > 0 } v ? null
        : double.TryParse(v[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double x) && !double.IsNaN(x) ? x
        : throw new ConfigException($"{key}='{v[0]}' must be a number");

    static Task Picture(HttpContext call, string? svg)
    {
        if (svg is null) return Answer.Error(call, 404, "there is no such picture");
        call.Response.Headers.ContentSecurityPolicy = StaticFiles.PicturePolicy;
        call.Response.Headers.CacheControl = "no-cache";
        call.Response.ContentType = "image/svg+xml";
        return call.Response.WriteAsync(svg, call.RequestAborted);
    }

    static void Get<T>(IEndpointRouteBuilder to, string path, JsonTypeInfo<T> type, Func<HttpContext, T> of) =>
        to.MapGet(path, call => Guarded(call, () => Answer.Json(call, of(call), type)));

    static void Post<TAsked, T>(IEndpointRouteBuilder to, string path, JsonTypeInfo<TAsked> asked, JsonTypeInfo<T> type,
        Func<TAsked, CancellationToken, Task<T>> of) => to.MapPost(path, call => Guarded(call, async () =>
        {
            // A form of another page could send text, but not this type.
            if (!call.Request.HasJsonContentType()) throw new ConfigException("send JSON, as application/json");
            TAsked given = await JsonSerializer.DeserializeAsync(call.Request.Body, asked, call.RequestAborted)
                .ConfigureAwait(false) ?? throw new JsonException("it is null");
            await Answer.Json(call, await of(given, call.RequestAborted).ConfigureAwait(false), type).ConfigureAwait(false);
        }));

    /// <summary>The user's mistakes are 400, files that cannot be used 422, both with their sentence.</summary>
    static async Task Guarded(HttpContext call, Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (ConfigException e)
        {
            await Answer.Error(call, 400, e.Message).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await Answer.Error(call, e.StatusCode, e.Message).ConfigureAwait(false);        // too large, or too slow
        }
        catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException)
        {
            if (!call.Response.HasStarted) await Answer.Error(call, 422, e.Message).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            await Answer.Error(call, 400, $"that is no such request: {e.Message.Split(". Path")[0]}").ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (call.RequestAborted.IsCancellationRequested) { }
    }

    /// <summary>Ends streams, stops what pages started.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await jobs.DisposeAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
        stop.Dispose();
    }
}
