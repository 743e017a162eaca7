using Isoflop.Store;
using Isoflop.Train;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Isoflop.Tests.Window;

/// <summary>The pages in a browser, on real runs.</summary>
public sealed class BrowserTests(WindowHome home) : IClassFixture<WindowHome>
{
    static readonly string axe = Path.Combine(Places.Root, "web", "node_modules", "axe-core", "axe.min.js");

    // Something that stands there once the page has what it shows.
    static readonly (string Path, string There)[] pages =
    [
        ("/runs", ".table tbody a"), ("/run/learns", ".facts"), ("/laws/t", ".verdict"), ("/next", "textarea"), ("/map/t", ".heat button"),
        ("/thinking/learns", ".trace"), ("/chat", ".ask textarea"), ("/talk", ".slide"), ("/nowhere", ".table tbody a"), ("/run/nowhere", ".empty"),
    ];

    [Theory]
    [InlineData(1400, ColorScheme.Light)]
    [InlineData(1400, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Every_page_is_whole_fits_and_can_be_used_by_all(int width, ColorScheme scheme)
    {
        bool held = File.Exists(axe);
        List<string> wrong = [];
        foreach ((string path, string there) in pages)
        {
            await using Looked looked = await home.Look(path, width, scheme);
            await looked.Page.Locator(there).First.WaitForAsync();
            await looked.Page.WaitForLoadStateAsync(LoadState.Load);
            if (await looked.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") is > 0 and var over)
                wrong.Add($"{path}: {over} pixels too wide");
            if (held)
            {
                await looked.Page.EvaluateAsync(await File.ReadAllTextAsync(axe));
                wrong.AddRange((await looked.Page.EvaluateAsync<string[]>("""
                    async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
                        .filter(v => v.impact === "serious" || v.impact === "critical")
                        .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.target + " " + n.failureSummary).join("; ")}`)
                    """)).Select(v => $"{path}: {v}"));
            }
            wrong.AddRange(looked.Errors.Select(e => $"{path}: {e}"));
        }
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.SkipUnless(held, "axe-core is not there: npm ci in web/; the rest held");
    }

    [Fact]
    public async Task A_run_is_started_from_the_page_appears_there_live_and_is_stopped_and_goes_on()
    {
        await using Looked looked = await home.Look("/runs");
        IPage page = looked.Page;
        await page.GetByText("Start a run or a ladder").ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("fromhere");
        await page.GetByLabel("Corpus").SelectOptionAsync("tiny");
        await page.GetByLabel("FLOPs", new() { Exact = true }).FillAsync("1e13");
        await page.GetByLabel("More settings").FillAsync("model.d_model=16 model.n_layer=1 model.n_head=2 model.context_len=32 save.minutes=0");
        ILocator start = page.Locator("form").Filter(new() { HasText = "The command" });
        await Expect(start.Locator(".command code")).ToContainTextAsync("isoflop train name=fromhere corpus=tiny flops=1e13");
        await start.GetByRole(AriaRole.Button, new() { Name = "Start", Exact = true }).ClickAsync();
        // By its own name in the list, alive, with steps that grow.
        ILocator row = page.Locator("tr").Filter(new() { HasText = "fromhere" });
        await Expect(row.Locator(".status.running")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await Expect(page.Locator(".legend, figure").First).ToBeVisibleAsync();
        // It shows as running before its first step is written.
        for (int waits = 0; waits < 2400 && RunFolder.ReadSteps(new Workspace(home.Path).RunFolder("fromhere")).Count == 0; waits++) await Task.Delay(50);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).ClickAsync();
        await Expect(row.Locator(".status.stopped")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        int step = RunFolder.ReadSteps(new Workspace(home.Path).RunFolder("fromhere"))[^1].Step;
        Assert.InRange(step, 1, int.MaxValue);
        // What it saved is there, and the same command goes on from it.
        await row.GetByRole(AriaRole.Link, new() { Name = "fromhere" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on", Exact = true }).ClickAsync();
        await Expect(page.Locator("main .lead .status.running")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        while (RunFolder.ReadSteps(new Workspace(home.Path).RunFolder("fromhere"))[^1].Step <= step) await Task.Delay(50);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).First.ClickAsync();
        await Expect(page.Locator("main .lead .status.stopped")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        Assert.InRange(RunFolder.ReadSteps(new Workspace(home.Path).RunFolder("fromhere"))[^1].Step, step + 1, int.MaxValue);
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task A_ladder_is_started_from_the_page_is_stopped_and_goes_on_to_its_end()
    {
        await using Looked looked = await home.Look("/runs");
        IPage page = looked.Page;
        await page.GetByText("Start a run or a ladder").ClickAsync();
        ILocator start = page.Locator("form").Filter(new() { HasText = "The command" });
        await start.GetByLabel("What").SelectOptionAsync("ladder");
        await start.GetByLabel("Name", new() { Exact = true }).FillAsync("steps");
        await start.GetByLabel("Corpus").SelectOptionAsync("tiny");
        await start.GetByLabel("Budgets, FLOPs").FillAsync("1e9,1e10");
        await start.GetByLabel("More:").FillAsync("seeds=2 sizes=2 tune=0");
        await Expect(start.Locator(".command code")).ToContainTextAsync("isoflop ladder steps --corpus tiny --budgets 1e9,1e10 --seeds 2 --sizes 2");
        await start.GetByRole(AriaRole.Button, new() { Name = "Start", Exact = true }).ClickAsync();
        // Stopped as soon as its first run is alive: something is left to do.
        ILocator study = page.Locator(".study").Filter(new() { HasText = "steps" });
        await Expect(study.Locator(".status.running")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).First.ClickAsync();
        await Expect(study.Locator(".status.stopped")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await study.GetByRole(AriaRole.Button, new() { Name = "go on", Exact = true }).ClickAsync();
        await Expect(study.Locator(".status.done")).ToBeVisibleAsync(new() { Timeout = 240_000 });
        await page.Locator(".study").Filter(new() { HasText = "steps" }).GetByRole(AriaRole.Button, new() { Name = "only its runs below" }).ClickAsync();
        await Expect(page.Locator(".table tbody .status.done").First).ToBeVisibleAsync();
        await Expect(page.Locator(".table tbody .status:not(.done)")).ToHaveCountAsync(0);
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task The_next_word_stands_at_every_rung_and_a_text_is_coloured_by_its_loss()
    {
        await using Looked looked = await home.Look("/next");
        await looked.Page.Locator("textarea").FillAsync("The dog");
        await looked.Page.GetByLabel("Models").SelectOptionAsync("study:t");                // once the home has said that it is there
        await looked.Page.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await Expect(looked.Page.Locator(".words thead th")).ToHaveCountAsync(3);            // the token, two rungs
        await Expect(looked.Page.Locator(".words .token")).Not.ToHaveCountAsync(0);
        await Expect(looked.Page.Locator("h3 + .tokens").First).ToHaveTextAsync("The dog");
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task A_cell_of_the_map_opens_its_items_and_a_prompt_climbs_the_rungs()
    {
        await using Looked looked = await home.Look("/map/t");
        await looked.Page.Locator(".heat button").First.ClickAsync();
        await Expect(looked.Page.Locator("#items tbody tr").First).ToContainTextAsync(new System.Text.RegularExpressions.Regex("right|wrong"));
        await looked.Page.GetByLabel("Prompt").FillAsync("The dog");
        await looked.Page.GetByRole(AriaRole.Button, new() { Name = "Climb" }).ClickAsync();
        await Expect(looked.Page.Locator("[aria-label='Replies of the rungs'] tbody tr")).ToHaveCountAsync(2);
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task Traces_are_shown_with_their_signs_and_filtered()
    {
        await using Looked looked = await home.Look("/thinking/learns");
        IPage page = looked.Page;
        await Expect(page.Locator(".grid-puzzle").First).ToBeVisibleAsync();
        await Expect(page.Locator("figure").First).ToBeVisibleAsync();
        await page.GetByLabel("beside the first policy").UncheckAsync();
        int all = await page.Locator(".trace").CountAsync();
        await page.GetByLabel("Answer").SelectOptionAsync("wrong");
        int wrong = await page.Locator(".trace").CountAsync();
        await page.GetByLabel("Answer").SelectOptionAsync("right");
        int right = await page.Locator(".trace").CountAsync();
        Assert.Equal(all, wrong + right);
        Assert.Empty(looked.Errors);
    }

    /// <summary>The chat's page where one or two models were asked.</summary>
    async Task<Looked> Asked(string prompt, string model, string? beside = null)
    {
        Looked looked = await home.Look("/chat");
        await looked.Page.Locator("main select").First.SelectOptionAsync(model);
        if (beside is not null) await looked.Page.GetByLabel("Beside it").SelectOptionAsync(beside);
        await looked.Page.GetByLabel("Say something").FillAsync(prompt);
        await looked.Page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        return looked;
    }

    [Fact]
    public async Task A_reply_streams_into_the_chat_and_can_be_asked_for_again()
    {
        await using Looked looked = await Asked("2.1. 31.4 13.2 4231", "taught");
        IPage page = looked.Page;
        await Expect(page.Locator(".turn.user")).ToContainTextAsync("2.1. 31.4 13.2 4231");
        await Expect(page.Locator(".turn.assistant .who")).ToContainTextAsync("tokens");
        await page.GetByRole(AriaRole.Button, new() { Name = "retry" }).ClickAsync();
        await Expect(page.Locator(".turn.assistant")).ToHaveCountAsync(1);
        await Expect(page.Locator(".turn.assistant .who")).ToContainTextAsync("tokens");
        await page.GetByRole(AriaRole.Button, new() { Name = "edit" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveCountAsync(0);
        await Expect(page.GetByLabel("Say something")).ToHaveValueAsync("2.1. 31.4 13.2 4231");
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task Two_models_answer_one_prompt_side_by_side()
    {
        await using Looked looked = await Asked("2.1. 31.4 13.2 4231", "taught", "learns");
        IPage page = looked.Page;
        await Expect(page.Locator(".chats > *")).ToHaveCountAsync(2);
        ILocator replies = page.Locator(".turn.assistant .who");
        await Expect(replies).ToContainTextAsync(["taught", "learns"]);
        await Expect(replies.First).ToContainTextAsync("tokens");
        await Expect(replies.Last).ToContainTextAsync("tokens");
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task The_keyboard_reaches_pages_and_reads_charts()
    {
        await using Looked looked = await home.Look("/run/learns");
        IPage page = looked.Page;
        await page.Locator(".plot .u-over").First.WaitForAsync();
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".skip")).ToBeFocusedAsync();
        await page.Locator(".plot").First.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page.Locator(".hover b").First).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("+");
        await Expect(page.GetByText("show all", new() { Exact = true }).First).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByText("show all", new() { Exact = true })).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Link, new() { Name = "Laws" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/laws$"));
        Assert.Empty(looked.Errors);
    }

    [Fact]
    public async Task A_run_whose_name_is_markup_is_shown_as_text()
    {
        const string Hostile = "<img src=x onerror=alert(1)>";
        string folder = Path.Combine(home.Path, "runs", Hostile);
        Directory.CreateDirectory(folder);
        try
        {
            await using Looked looked = await home.Look("/runs");
            await Expect(looked.Page.GetByText(Hostile).First).ToBeVisibleAsync();
            Assert.Equal(0, await looked.Page.Locator("main img[src=x]").CountAsync());
            Assert.Empty(looked.Errors);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    [Fact]
    public async Task A_browser_without_events_is_told_by_asking()
    {
        await using Looked looked = await home.Look("about:blank");
        await looked.Page.AddInitScriptAsync("delete window.EventSource");
        await looked.Page.GotoAsync("/runs");
        await Expect(looked.Page.GetByText("asked every 3 s").First).ToBeVisibleAsync();
        await Expect(looked.Page.Locator(".table tbody a").First).ToBeVisibleAsync();
        Assert.Empty(looked.Errors);
    }
}
