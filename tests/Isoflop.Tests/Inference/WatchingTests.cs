using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Isoflop.Tests.Rl;
using Xunit;

namespace Isoflop.Tests.Inference;

/// <summary>Where OpenTelemetry's variables name a collector, the server's metrics and spans come there unasked.</summary>
public sealed class WatchingTests
{
    [Fact]
    public async Task A_collector_gets_metrics_and_spans_of_the_models()
    {
        using var models = new TaughtModels();
        var got = new ConcurrentDictionary<string, string>();
        int port = FreePort();
        using var collector = new HttpListener { Prefixes = { $"http://127.0.0.1:{port}/" } };
        collector.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                HttpListenerContext call = await collector.GetContextAsync();
                using var body = new MemoryStream();
                await call.Request.InputStream.CopyToAsync(body);
                // Protobuf holds its strings as they are.
                got.AddOrUpdate(call.Request.Url!.AbsolutePath, Encoding.Latin1.GetString(body.ToArray()), (_, said) => said + Encoding.Latin1.GetString(body.ToArray()));
                call.Response.Close();
            }
        });
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), "serve", "--port", "0", "--home", models.Here.Root])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{port}",
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
                ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
                ["OTEL_SERVICE_NAME"] = "watched",
            },
        };
        using Process server = Process.Start(start)!;
        try
        {
            _ = server.StandardError.ReadToEndAsync();
            string address = (await server.StandardOutput.ReadLineAsync())!;
            using var client = new HttpClient();
            using HttpResponseMessage reply = await client.PostAsync(address + "/v1/completions",
                new StringContent("""{"model": "chat", "prompt": "a", "max_tokens": 4}""", Encoding.UTF8, "application/json"));
            Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync());
            string[] metrics = ["gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.client.token.usage", "http.server.request.duration", "watched"];
            string[] spans = ["text_completion chat", "gen_ai.request.model", "watched"];
            bool Came(string path, string[] words) => got.TryGetValue(path, out string? said) && words.All(w => said.Contains(w, StringComparison.Ordinal));
            while (!Came("/v1/metrics", metrics) || !Came("/v1/traces", spans))
            {
                Assert.False(server.HasExited);
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    static int FreePort()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }
}
