using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Isoflop.Lab.Inference;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary>
/// Server-sent events of replies that are written side by side. A client that reads slowly holds up nobody: replies are written
/// to their end, and wait in memory.
/// </summary>
sealed class EventStream(HttpContext http)
{
    static readonly byte[] before = "data: "u8.ToArray(), after = "\n\n"u8.ToArray(), done = "data: [DONE]\n\n"u8.ToArray();

    readonly ArrayBufferWriter<byte> buffer = new();

    /// <summary>Begins it: from here on a fault is an event.</summary>
    public void Begin()
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Accel-Buffering"] = "no";       // proxies keep nothing back
    }

    public async Task Write<T>(T value, JsonTypeInfo<T> form)
    {
        buffer.ResetWrittenCount();
        buffer.Write(before);
        using (var json = new Utf8JsonWriter(buffer)) JsonSerializer.Serialize(json, value, form);
        buffer.Write(after);
        await http.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, http.RequestAborted).ConfigureAwait(false);
    }

    public async Task End() => await http.Response.BodyWriter.WriteAsync(done, http.RequestAborted).ConfigureAwait(false);

    /// <summary>Pieces of several replies, as they come.</summary>
    public static async IAsyncEnumerable<(int Index, ReplyPiece Piece)> Merged(IReadOnlyList<LiveReply> replies,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        var pieces = Channel.CreateBounded<(int, ReplyPiece)>(16);
        Task all = Task.WhenAll(replies.Select((reply, index) => Follow(reply, index)));
        _ = all.ContinueWith(t => pieces.Writer.TryComplete(t.Exception?.InnerException), TaskScheduler.Default);
        await foreach ((int, ReplyPiece) piece in pieces.Reader.ReadAllAsync(stop).ConfigureAwait(false)) yield return piece;

        async Task Follow(LiveReply reply, int index)
        {
            await foreach (ReplyPiece piece in reply.Pieces(stop).ConfigureAwait(false))
                await pieces.Writer.WriteAsync((index, piece), stop).ConfigureAwait(false);
        }
    }
}
