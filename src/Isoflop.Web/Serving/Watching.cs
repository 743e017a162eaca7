using Isoflop.Lab.Inference;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Isoflop.Web.Serving;

/// <summary>Metrics and spans go where OpenTelemetry's variables say; where they say nothing, nothing is made.</summary>
static class Watching
{
    static readonly string[] variables =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

    /// <summary>Adds the export, if one of the variables is set.</summary>
    public static void AddTo(IServiceCollection services)
    {
        if (!variables.Any(v => Environment.GetEnvironmentVariable(v) is { Length: > 0 })) return;
        services.AddOpenTelemetry()
            .WithMetrics(m => m.AddMeter(InferenceCall.Source, "Microsoft.AspNetCore.Hosting",
                "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"))
            .WithTracing(t => t.AddSource(InferenceCall.Source, "Microsoft.AspNetCore"))
            .UseOtlpExporter();
    }
}
