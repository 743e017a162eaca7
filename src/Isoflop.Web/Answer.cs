using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web;

/// <summary>What went wrong, as one sentence.</summary>
sealed record Trouble(string Error);

/// <summary>Answers in JSON.</summary>
static class Answer
{
    /// <summary>A record.</summary>
    public static async Task Json<T>(HttpContext call, T value, JsonTypeInfo<T> type)
    {
        call.Response.ContentType = "application/json; charset=utf-8";
        call.Response.Headers.CacheControl = "no-store";
        await JsonSerializer.SerializeAsync(call.Response.Body, value, type, call.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>A status with its reason.</summary>
    public static Task Error(HttpContext call, int status, string why)
    {
        call.Response.StatusCode = status;
        return Json(call, new Trouble(why), AnswerJson.Default.Trouble);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Trouble))]
sealed partial class AnswerJson : JsonSerializerContext;
