using System.CommandLine;
using System.Globalization;
using Isoflop.Lab.Eval;

namespace Isoflop.Cli.Commands;

/// <summary>How <c>isoflop eval URL</c> and <c>isoflop think URL</c> ask an endpoint.</summary>
sealed class EndpointOptions
{
    static readonly ChatTargetOptions defaults = new();

    readonly Option<string> model = new("--endpoint-model") { Description = "URL: model to ask for", HelpName = "NAME" };
    readonly Option<string> key = new("--key-variable")
    {
        Description = "URL: environment variable that holds the key",
        HelpName = "NAME",
        DefaultValueFactory = _ => defaults.KeyVariable,
    };
    readonly Option<int> concurrency = new("--concurrency")
    {
        Description = "URL: requests under way at once",
        HelpName = "N",
        DefaultValueFactory = _ => defaults.Concurrency,
    };
    readonly Option<double> rate = new("--requests-per-minute") { Description = "URL: at most; 0: any number", HelpName = "N" };
    readonly Option<int> retries = new("--retries")
    {
        Description = "URL: of a request that failed",
        HelpName = "N",
        DefaultValueFactory = _ => defaults.Retries,
    };
    readonly Option<double> timeout = new("--timeout")
    {
        Description = "URL: seconds for one reply",
        HelpName = "S",
        DefaultValueFactory = _ => defaults.Timeout.TotalSeconds,
    };
    readonly Option<int> length = new("--max-tokens")
    {
        Description = "URL: of a reply",
        HelpName = "N",
        DefaultValueFactory = _ => defaults.MaxTokens,
    };
    readonly Option<string?> lengthField = new("--max-tokens-field")
    {
        Description = "URL: name of that limit, max_tokens or max_completion_tokens; default: the one that is not refused",
        HelpName = "NAME",
    };
    readonly Option<string?> temperature = new("--temperature")
    {
        Description = "URL: of replies, where no strategy sets it (0); none: send none; one that is refused is left out",
        HelpName = "T",
    };
    readonly Option<bool> noSystem = new("--no-system")
    {
        Description = "URL: the instruction begins the user's turn; done anyway where a system's is refused",
    };
    readonly Option<bool> stream = new("--stream") { Description = "URL: take replies as streams" };
    readonly Option<double> priceIn = new("--price-in") { Description = "URL: of a million tokens in", HelpName = "X" };
    readonly Option<double> priceOut = new("--price-out") { Description = "URL: of a million tokens out", HelpName = "X" };

    public static bool IsUrl(string text) => text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[model, key, concurrency, rate, retries, timeout, length,
            lengthField, temperature, noSystem, stream, priceIn, priceOut])
            verb.Add(option);
    }

    /// <summary>What was given.</summary>
    public ChatTargetOptions Options(Invocation call)
    {
        double seconds = call.Parsed.GetValue(timeout);
        if (!(seconds > 0 && seconds < 1e6)) throw new ConfigException($"--timeout {seconds} must be positive seconds; try 120");
        return new()
        {
            Model = call.Parsed.GetValue(model) ?? "",
            KeyVariable = call.Parsed.GetValue(key)!,
            Concurrency = call.Parsed.GetValue(concurrency),
            RequestsPerMinute = call.Parsed.GetValue(rate),
            Retries = call.Parsed.GetValue(retries),
            Timeout = TimeSpan.FromSeconds(seconds),
            MaxTokens = call.Parsed.GetValue(length),
            MaxTokensField = call.Parsed.GetValue(lengthField) ?? defaults.MaxTokensField,
            Temperature = TemperatureOf(call.Parsed.GetValue(temperature)),
            SystemTurn = !call.Parsed.GetValue(noSystem),
            Stream = call.Parsed.GetValue(stream),
            PriceIn = call.Parsed.GetValue(priceIn),
            PriceOut = call.Parsed.GetValue(priceOut),
        };
    }

    static double? TemperatureOf(string? text) => text switch
    {
        null => defaults.Temperature,
        "none" => null,
        _ => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) ? value
            : throw new ConfigException($"--temperature {text} must be a number from 0 to 100, or none"),
    };

    /// <summary>Says how an endpoint is asked since it refused to be asked as usual.</summary>
    public static void Tell(Invocation call, IReadOnlyList<string> adapted)
    {
        foreach (string line in adapted) call.Err.WriteLine(line);
    }

    /// <summary>Asks the endpoint; results are kept below home/evals/MODEL@ADDRESS/, so that the same command goes on.</summary>
    public int Eval(Invocation call, string url, EvalSuite suite, int limit, string? csv)
    {
        using ChatTarget target = ChatTarget.Open(url, Options(call));
        string folder = string.Concat($"{call.Parsed.GetValue(model)}@{target.Address}".TrimStart('@')
            .Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '@' ? c : '_'));
        string file = Path.Combine(call.Here.Evals, folder, suite.Name + ".jsonl");
        IReadOnlyList<ItemResult> results;
        try
        {
            results = EvalRun.Ask(target, suite, call.Here, file, limit);
        }
        finally
        {
            Tell(call, target.Adapted);
            call.Err.WriteLine($"{target.Name}: {target.Spent}");              // it was paid for, whatever came of it
        }
        return EvalCommand.Write(call, new EvalReport(results), target.Name, suite, file, csv);
    }
}
