using System.Diagnostics;
using System.Diagnostics.Metrics;
using Isoflop.Lab.Inference;
using Isoflop.Tests.Rl;
using Microsoft.Extensions.AI;
using Xunit;

namespace Isoflop.Tests.Inference;

public sealed class InferenceCallTests(TaughtModels models) : IClassFixture<TaughtModels>
{
    [Fact]
    public async Task A_call_is_a_span_and_metrics_of_the_conventions_names()
    {
        // Others call at the same time: ours has a model name of its own.
        string model = "chat@" + Isoflop.Train.Checkpoint.StepsIn(models.Here.RunFolder("chat"))[^1];
        var seen = new List<(string Name, double Value, string? Type)>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == InferenceCall.Source) listener.EnableMeasurementEvents(instrument); };
        void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Dictionary<string, object?> all = new(tags.ToArray());
            if (!model.Equals(all["gen_ai.request.model"])) return;
            lock (seen) seen.Add((instrument.Name, value, (string?)all.GetValueOrDefault("gen_ai.token.type")));
        }
        meters.SetMeasurementEventCallback<double>((i, v, t, _) => Record(i, v, t));
        meters.SetMeasurementEventCallback<int>((i, v, t, _) => Record(i, v, t));
        meters.Start();
        Activity? span = null;
        using var spans = new ActivityListener
        {
            ShouldListenTo = s => s.Name == InferenceCall.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => { if (a.DisplayName == "chat " + model) span = a; },
        };
        ActivitySource.AddActivityListener(spans);
        using IsoflopChatClient client = IsoflopChatClient.Open(models.Here, model);
        ChatResponse reply = await client.GetResponseAsync("5", new() { MaxOutputTokens = 12, Temperature = 3, Seed = 2 });
        Assert.Contains(("gen_ai.client.token.usage", (double)reply.Usage!.InputTokenCount!, "input"), seen);
        Assert.Contains(("gen_ai.client.token.usage", (double)reply.Usage.OutputTokenCount!, "output"), seen);
        Assert.Contains(seen, s => s.Name == "gen_ai.server.request.duration" && s.Value > 0);
        Assert.Equal(reply.Usage.OutputTokenCount > 0, seen.Any(s => s.Name == "gen_ai.server.time_to_first_token"));
        Assert.Equal(reply.Usage.OutputTokenCount > 1, seen.Any(s => s.Name == "gen_ai.server.time_per_output_token"));
        Assert.Equal((object?)(int)reply.Usage.OutputTokenCount, span!.GetTagItem("gen_ai.usage.output_tokens"));
        await Assert.ThrowsAsync<ConfigException>(() => client.GetResponseAsync(new string('x', 100)));
    }
}
