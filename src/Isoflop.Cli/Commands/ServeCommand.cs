using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Web;
using Isoflop.Web.Serving;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop serve</c>: the home in a browser.</summary>
static class ServeCommand
{
    public static Verb Create()
    {
        WebOptions usual = new();
        var port = new Option<int>("--port")
        {
            Description = "The port; 0: any that is free",
            HelpName = "N",
            DefaultValueFactory = _ => usual.Port,
        };
        var host = new Option<string>("--host")
        {
            Description = "The address to listen on; 0.0.0.0: all of this machine's, with --key",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => usual.Host,
        };
        var key = new Option<string?>("--key")
        {
            Description = "What every request must bear; needed for an address that others reach",
            HelpName = "KEY",
        };
        var model = new Option<string[]>("--model")
        {
            Description = "A model folder that is served beside the runs, by a name; may be given several times",
            HelpName = "NAME=FOLDER",
        };
        var endpoint = new Option<string[]>("--endpoint")
        {
            Description = "A model of another OpenAI-compatible server, by its name there; behind a # the environment variable " +
                "that holds the key; may be given several times",
            HelpName = "NAME=URL",
        };
        var verb = new Verb("serve", "Open the home in a browser: runs and studies live, next words, maps, thoughts, chats.",
            "isoflop serve", "isoflop serve --port 8080 --home ~/isoflop",
            "isoflop serve --model theirs=~/models/theirs            beside the runs",
            "isoflop serve --endpoint theirs=http://127.0.0.1:8000/v1    a model elsewhere, to talk with on the same page",
            "isoflop serve --host 0.0.0.0 --key \"$KEY\"               for other machines") { port, host, key, model, endpoint };
        verb.Runs(call =>
        {
            WebOptions options = new()
            {
                Port = call.Parsed.GetValue(port),
                Host = call.Parsed.GetValue(host)!,
                Key = call.Parsed.GetValue(key),
                Program = Launch.Program(),
                Models = ModelsOf(call.Parsed.GetValue(model) ?? [], call.Parsed.GetValue(endpoint) ?? []),
            };
            WebHost window = WebHost.Start(call.Here, options).GetAwaiter().GetResult();
            try
            {
                if (call.Json)
                    call.Out.WriteLine(JsonSerializer.Serialize(new(window.Address), ServeJson.Default.ServeRecord));
                else call.Out.WriteLine(window.Address);
                call.Out.Flush();
                call.Err.WriteLine("Ctrl-C closes it");
                call.Stop.WaitHandle.WaitOne();
            }
            finally
            {
                window.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
            return 0;
        });
        return verb;
    }

    /// <exception cref="ConfigException">A name, a folder or an address is missing.</exception>
    static IsoflopOptions ModelsOf(IEnumerable<string> given, IEnumerable<string> endpoints)
    {
        var options = new IsoflopOptions();
        foreach (string pair in given)
        {
            int at = pair.IndexOf('=');
            if (at < 1 || !Directory.Exists(pair[(at + 1)..]))
                throw new ConfigException($"--model {pair} must be NAME=FOLDER, and the folder must be there; try mine=./model");
            options.Folders[pair[..at]] = pair[(at + 1)..];
        }
        foreach (string pair in endpoints)
        {
            int at = pair.IndexOf('=');
            if (at < 1 || !EndpointOptions.IsUrl(pair[(at + 1)..]))
                throw new ConfigException($"--endpoint {pair} must be NAME=URL, the name of a model and where it is asked; try " +
                    "llama=http://127.0.0.1:8000/v1");
            options.Endpoints[pair[..at]] = pair[(at + 1)..];
        }
        return options;
    }
}

/// <summary>Where the window is, as a script sees it.</summary>
sealed record ServeRecord(string Url);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ServeRecord))]
sealed partial class ServeJson : JsonSerializerContext;
