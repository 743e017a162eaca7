using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Isoflop.Store;
using Isoflop.Web.Pages;
using Isoflop.Web.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Isoflop.Web;

/// <summary>A window on a home: its pages, what they read, and the server of its models. Dispose of it to close it.</summary>
public sealed class WebHost : IAsyncDisposable
{
    readonly WebApplication app;

    readonly PageEndpoints pages;

    WebHost(WebApplication app, PageEndpoints pages, string address) => (this.app, this.pages, Address) = (app, pages, address);

    /// <summary>Where it listens, "http://127.0.0.1:5180".</summary>
    public string Address { get; }

    /// <summary>Opens a window.</summary>
    /// <exception cref="ConfigException">A port that is in use, an address that is none, another than loopback without a
    /// key.</exception>
    public static async Task<WebHost> Start(Workspace here, WebOptions options)
    {
        IPAddress? address = AddressOf(options);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Limit(kestrel.Limits);
            kestrel.AddServerHeader = false;
            if (address is null) kestrel.ListenLocalhost(options.Port);
            else kestrel.Listen(address, options.Port);
        });
        builder.Services.AddIsoflop(here, options.Models);
        Watching.AddTo(builder.Services);
        WebApplication app = builder.Build();
        var guard = new Guard(options);
        app.Use(guard.Watch);
        app.MapIsoflop();
        PageEndpoints pages = PageEndpoints.Map(app, here, options);
        try
        {
            await app.StartAsync(here.Stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await pages.DisposeAsync().ConfigureAwait(false);
            await app.DisposeAsync().ConfigureAwait(false);
            throw new ConfigException($"port={options.Port} of {options.Host} cannot be taken: {Reason(e)}; close what holds " +
                "it, or take another: 0 is any that is free");
        }
        string bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new(app, pages, bound);
    }

    /// <summary>Closes it: what pages started is asked to stop, and requests under way have five seconds to end.</summary>
    public async ValueTask DisposeAsync()
    {
        await pages.DisposeAsync().ConfigureAwait(false);
        await app.StopAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
    }

    static void Limit(KestrelServerLimits limits)
    {
        limits.MaxConcurrentConnections = 1000;
        limits.MaxRequestBodySize = 4 << 20;
        limits.MaxRequestHeadersTotalSize = 16 << 10;
        limits.MaxRequestLineSize = 8 << 10;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
    }

    /// <summary>Null: localhost, in both families.</summary>
    static IPAddress? AddressOf(WebOptions options)
    {
        if (options.Port is < 0 or > 65535)
            throw new ConfigException(string.Create(CultureInfo.InvariantCulture,
                $"port={options.Port} must be from 0 to 65535; 0 takes any that is free"));
        if (options.Key is { } key && (key.Length < 16 || key.Any(c => c is <= ' ' or > '~')))
            throw new ConfigException("the key must have at least 16 characters, letters, digits and signs without blanks; try " +
                Guid.NewGuid().ToString("N"));
        bool local = options.Host == "localhost";
        if (!IPAddress.TryParse(local ? "127.0.0.1" : options.Host, out IPAddress? address))
            throw new ConfigException($"host={options.Host} must be an address of this machine, as in 127.0.0.1, or " +
                "0.0.0.0 for all of them");
        if (!IPAddress.IsLoopback(address) && options.Key is null)
            throw new ConfigException($"host={options.Host} is reached from elsewhere, and pages start runs: give a key of at " +
                "least 16 characters, or listen on 127.0.0.1");
        return local && options.Port > 0 ? null : address;
    }

    static string Reason(Exception e) => (e.InnerException ?? e).Message;
}
