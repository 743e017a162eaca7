using System.Globalization;
using Isoflop.Lab.Inference;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary>A refusal in OpenAI's shape.</summary>
/// <param name="type">as OpenAI's: "invalid_request_error", "rate_limit_error", "server_error"</param>
/// <param name="param">the member of the request that is meant</param> <param name="code">for programs</param>
sealed class ApiException(int status, string message, string? param = null, string? code = null,
    string type = "invalid_request_error", TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>A member that breaks a rule.</summary>
    public static ApiException Bad(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, message, param, code);

    public int Status => status;

    public ErrorBody Body => new(new(Message, type, param, code));

    /// <summary>What a program's mistake, a full house or a fault within becomes.</summary>
    /// <param name="prompt">the member that holds the prompt</param>
    public static ApiException Of(Exception e, string prompt) => e switch
    {
        ApiException known => known,
        PromptTooLongException => new(StatusCodes.Status413PayloadTooLarge, e.Message, prompt, "context_length_exceeded"),
        UnknownModelException => new(StatusCodes.Status404NotFound, e.Message, "model", "model_not_found"),
        BusyException busy => new(StatusCodes.Status429TooManyRequests, $"{e.Message}; try again in " +
            string.Create(CultureInfo.InvariantCulture, $"{busy.RetryAfter.TotalSeconds:0} s"), null, "rate_limit_exceeded",
            "rate_limit_error", busy.RetryAfter),
        ConfigException => new(StatusCodes.Status400BadRequest, e.Message, prompt),
        DataException => new(StatusCodes.Status500InternalServerError, e.Message, "model", "model_not_loadable", "server_error"),
        ObjectDisposedException => new(StatusCodes.Status503ServiceUnavailable, "the server is closing; try again later", null,
            "closing", "server_error", TimeSpan.FromSeconds(5)),
        BadHttpRequestException bad => new(bad.StatusCode, bad.Message),
        _ => new(StatusCodes.Status500InternalServerError, $"a fault within: {e.Message}", null, null, "server_error"),
    };

    /// <summary>Sends it.</summary>
    public async Task Write(HttpContext http)
    {
        http.Response.StatusCode = status;
        if (retryAfter is { } wait)
            http.Response.Headers.RetryAfter = string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, wait.TotalSeconds):0}");
        await http.Response.WriteAsJsonAsync(Body, ServingJson.Default.ErrorBody, cancellationToken: http.RequestAborted)
            .ConfigureAwait(false);
    }
}
