using Isoflop.Cli;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Tests.Emergence;
using Isoflop.Tests.Rl;
using Isoflop.Web;
using Microsoft.Playwright;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>
/// A home with a ladder, its map, a taught model and one that learnt from rewards, a window on it, and a browser that looks in.
/// </summary>
public sealed class WindowHome : IAsyncLifetime
{
    WorldLadder ladder = null!;
    WebHost host = null!;
    IPlaywright? driver;

    /// <summary>Null: there is none on this machine.</summary>
    public IBrowser? Browser { get; private set; }
    public string Path
    {
        get
        {
            SkipWithoutBrowser();
            return ladder.Home;
        }
    }

    public string Address => host.Address;

    /// <summary>Where Debian, and others, put it.</summary>
    static string? Chromium => Environment.GetEnvironmentVariable("CHROMIUM") ?? ((string[])["/usr/bin/chromium", "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists);

    static void SkipWithoutBrowser() => Assert.SkipWhen(Chromium is null, "there is no Chromium: apt-get install chromium, or set CHROMIUM");

    public async ValueTask InitializeAsync()
    {
        if (Chromium is null) return;
        ladder = new();
        using var output = new StringWriter();
        Assert.Equal(0, App.Run(["map", "t", "--items", "4", "--home", Path], Verbs.All(), output, output));
        Isoflop.Lab.Teaching.Teach.Run(TeachRecipe.Load(null, ["name=taught", "tasks=sudoku4:1", "think=1", "items=400", "valid_items=20", "context=256"]),
            new() { Model = new() { DModel = 16, NLayer = 1, NHead = 2 }, Train = new() { BatchTokens = 2048, LearningRate = 0.01 } },
            new(Path) { Threads = 1, PeakFlops = 1e11 });
        Reinforcement.Run(RlRecipe.Load(null, ["name=learns", "from=taught", "tasks=sudoku4:1", "steps=6", "prompts=2", "replies=4",
            "max_new_tokens=60", "eval_items=6", "eval_replies=2", "eval_every=2", "redraws=1", "skip_gate=true", "learning_rate=0.003"]),
            new(Path) { Threads = 1 });
        host = await WebHost.Start(new(Path), new()
        {
            Port = 0,
            Program = ["dotnet", System.IO.Path.Combine(AppContext.BaseDirectory, "isoflop.dll")],
        });
        Assertions.SetDefaultExpectTimeout(90_000);               // of a machine that has other work, too
        driver = await Playwright.CreateAsync();
        Browser = await driver.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null) await Browser.CloseAsync();
        driver?.Dispose();
        if (host is not null) await host.DisposeAsync();
        ladder?.Dispose();
    }

    /// <summary>A page in a browser of its own, whose every error is a failure of the test.</summary>
    internal async Task<Looked> Look(string path, int width = 1400, ColorScheme scheme = ColorScheme.Light)
    {
        SkipWithoutBrowser();
        IBrowserContext context = await Browser!.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = width > 600 ? 900 : 844 },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
            BaseURL = Address,
        });
        context.SetDefaultTimeout(90_000);
        IPage page = await context.NewPageAsync();
        var looked = new Looked(context, page);
        page.PageError += (_, e) => looked.Errors.Add(e);
        page.Console += (_, m) =>
        {
            if (m.Type == "error" && !m.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)) looked.Errors.Add(m.Text);
        };
        page.Response += (_, r) =>
        {
            if (r.Status >= 400) looked.Errors.Add($"{r.Status} {r.Url}");
        };
        page.Dialog += async (_, d) =>
        {
            looked.Errors.Add("a dialog: " + d.Message);
            await d.DismissAsync();
        };
        await page.GotoAsync(path);
        return looked;
    }
}

/// <summary>A page that is looked at.</summary>
sealed record Looked(IBrowserContext Context, IPage Page) : IAsyncDisposable
{
    public List<string> Errors { get; } = [];

    public async ValueTask DisposeAsync() => await Context.CloseAsync();
}
