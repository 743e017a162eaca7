using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Isoflop.Lab.Replies;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Text;

namespace Isoflop.Lab.Inference;

/// <summary>
/// A reply under way: an engine writes it, one reader follows it at a pace of its own. Its text is bytes, of which the reader
/// gets whole characters, and none that a stop may yet take back.
/// </summary>
sealed class LiveReply
{
    enum Part
    {
        Undecided,
        Thought,
        Answer,
    }

    readonly Lock gate = new();
    readonly SemaphoreSlim news = new(0);
    readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly byte[][] stops;
    readonly List<int> tokens = [], ends = [];                     // of the reply; where each one's bytes end
    byte[] text = new byte[256];
    int length, safe, thoughtFrom, thoughtTo, answerFrom;
    Part part;

    internal LiveReply(ReplyRequest request, Action<LiveReply> cancel)
    {
        (Request, this.cancel) = (request, cancel);
        stops = [.. request.Stops.Where(s => s.Length > 0).Select(Encoding.UTF8.GetBytes)];
        part = request.Form switch
        {
            ReplyForm.Think => Part.Thought,
            ReplyForm.Open => Part.Undecided,
            _ => Part.Answer,
        };
    }

    readonly Action<LiveReply> cancel;

    /// <summary>What was asked.</summary>
    public ReplyRequest Request { get; }

    /// <summary>How likely each token was; null: not asked for. Places count from the beginning of the prompt.</summary>
    public TokenScores? Scores { get; private set; }

    /// <summary>Why it ended; null: it has not.</summary>
    public Ending? Ending { get; private set; }

    /// <summary>What went wrong.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Its tokens, those of a stop and of what came behind it left out; complete when it has ended.</summary>
    public IReadOnlyList<int> Tokens => tokens;

    /// <summary>The token with which the model ended it; null: it did not. It has no text.</summary>
    public int? EndToken { get; internal set; }

    /// <summary>Tokens of its thought, the sign that ends it among them.</summary>
    public int ThoughtTokens { get; private set; }

    /// <summary>Nobody waits for it any more: its place is free with the next step. Does nothing once it has ended.</summary>
    public void Cancel() => cancel(this);

    /// <summary>Its prompt has been read: it has a token, or has ended.</summary>
    public Task Read(CancellationToken stop) => begun.Task.WaitAsync(stop);

    /// <summary>What comes, as it comes; the last piece has an ending.</summary>
    /// <exception cref="OperationCanceledException">It was not waited for; the reply is cancelled too.</exception>
    public async IAsyncEnumerable<ReplyPiece> Pieces([EnumeratorCancellation] CancellationToken stop)
    {
        int read = 0, token = 0;
        try
        {
            while (true)
            {
                ReplyPiece piece = Take(ref read, ref token);
                if (piece.Ending is not null || piece.Thought.Length + piece.Answer.Length > 0 || piece.ToToken > piece.FromToken)
                    yield return piece;
                if (piece.Ending is not null) yield break;
                await news.WaitAsync(stop).ConfigureAwait(false);
            }
        }
        finally
        {
            Cancel();
        }
    }

    /// <summary>All of it.</summary>
    /// <exception cref="OperationCanceledException">As <see cref="Pieces"/>.</exception>
    public async Task<ReplyPiece> Whole(CancellationToken stop)
    {
        StringBuilder thought = new(), answer = new();
        int to = 0;
        await foreach (ReplyPiece piece in Pieces(stop).ConfigureAwait(false))
        {
            thought.Append(piece.Thought);
            answer.Append(piece.Answer);
            to = piece.ToToken;
        }
        return new(thought.ToString(), answer.ToString(), 0, to, Ending);
    }

    ReplyPiece Take(ref int read, ref int token)
    {
        lock (gate)
        {
            int from = read, first = token;
            read = Math.Max(read, safe);
            while (token < ends.Count && ends[token] <= safe) token++;
            if (Ending is not null) token = ends.Count;
            // The signs around a thought are nobody's text.
            int thoughtEnd = part == Part.Thought ? read : thoughtTo;
            return new(Text(Math.Max(from, thoughtFrom), Math.Min(read, thoughtEnd)),
                part == Part.Answer ? Text(Math.Max(from, answerFrom), read) : "", first, token, Ending);
        }
    }

    string Text(int from, int to) => to > from ? Encoding.UTF8.GetString(text, from, to - from) : "";

    // ---- the engine's side ----------------------------------------------------------------------------------------------------

    /// <summary>What the batch fills.</summary>
    internal SampledReply Drawn { get; } = new();

    /// <summary>Tokens of <see cref="Drawn"/> that were looked at.</summary>
    internal int Seen { get; set; }

    /// <summary>Its slot; −1: none.</summary>
    internal int Slot { get; set; } = -1;

    internal bool IsCancelled { get; set; }

    /// <summary>When it was asked for, and when it was begun.</summary>
    internal long Asked { get; init; }

    /// <summary>When its first token came; 0: not yet.</summary>
    internal long First { get; private set; }

    /// <summary>When its last token came.</summary>
    internal long Last { get; private set; }

    internal int Count => tokens.Count;

    /// <summary>Its thought has had its tokens, and must now end.</summary>
    internal bool MustAnswer => part == Part.Thought && Request.ThoughtTokens is { } most && ThoughtTokens >= most;

    /// <summary>The prompt and all that was said.</summary>
    internal int[] SoFar => [.. Request.Prompt, .. tokens];

    /// <summary>What the batch fills too, with room for so many tokens of reply; null: nobody asked for it.</summary>
    internal TokenScores? ScoresOf(int most) => Request.Tops is null && !Request.ScoresPrompt ? null
        : Scores ??= new(Request.ScoresPrompt ? 1 : Request.Prompt.Length, Request.Prompt.Length + most, Request.Tops ?? 0);

    /// <summary>A token was drawn or written.</summary>
    /// <param name="now">the clock's time</param>
    /// <returns>one of the stops has come</returns>
    internal bool Add(int token, Tokenizer tokenizer, long now)
    {
        ReadOnlySpan<byte> bytes = tokenizer.Bytes(token);
        lock (gate)
        {
            if (First == 0)
            {
                First = now;
                begun.TrySetResult();
            }
            Last = now;
            int from = length;
            if (length + bytes.Length > text.Length) Array.Resize(ref text, 2 * text.Length + bytes.Length);
            bytes.CopyTo(text.AsSpan(length));
            length += bytes.Length;
            tokens.Add(token);
            ends.Add(length);
            if (part != Part.Answer) ThoughtTokens++;
            for (int i = from; i < length && part != Part.Answer; i++) Place(i);
            if (part == Part.Undecided || (part == Part.Answer && thoughtTo == thoughtFrom)) ThoughtTokens = 0;
            int cut = part == Part.Answer ? FindStop(from) : -1;
            if (cut >= 0)
            {
                length = cut;
                int kept = ends.Count;
                while (kept > 0 && (kept == 1 ? 0 : ends[kept - 2]) >= cut) kept--;
                tokens.RemoveRange(kept, tokens.Count - kept);
                ends.RemoveRange(kept, ends.Count - kept);
                if (kept > 0) ends[^1] = Math.Min(ends[^1], cut);
            }
            safe = cut >= 0 ? length : Math.Min(length - Half(), length - MayStop());
            if (cut < 0) Tell();
            return cut >= 0;
        }
    }

    /// <summary>It has ended.</summary>
    internal void End(Ending how, Exception? fault = null)
    {
        lock (gate)
        {
            if (Ending is not null) return;
            (Ending, Fault, safe) = (how, fault, length);
            begun.TrySetResult();
            Tell();
        }
    }

    void Tell()
    {
        if (news.CurrentCount == 0) news.Release();
    }

    /// <summary>A byte of what may be a thought.</summary>
    void Place(int i)
    {
        if (part == Part.Undecided)
        {
            (part, thoughtFrom) = text[i] == Reply.Think ? (Part.Thought, i + 1) : (Part.Answer, i);
            (thoughtTo, answerFrom) = (thoughtFrom, text[i] == Reply.Say ? i + 1 : i);
        }
        else if (text[i] == Reply.Say) (part, thoughtTo, answerFrom) = (Part.Answer, i, i + 1);
    }

    /// <summary>Where the first of the stops begins; −1: nowhere.</summary>
    int FindStop(int from)
    {
        int found = -1;
        foreach (byte[] stop in stops)
        {
            int start = Math.Max(answerFrom, from - stop.Length + 1);
            int at = start < length ? text.AsSpan(start, length - start).IndexOf(stop) : -1;
            if (at >= 0 && (found < 0 || start + at < found)) found = start + at;
        }
        return found;
    }

    /// <summary>Bytes at the end that may be the beginning of a stop.</summary>
    int MayStop()
    {
        int most = 0;
        if (part != Part.Answer) return 0;
        foreach (byte[] stop in stops)
            for (int n = Math.Min(stop.Length - 1, length - answerFrom); n > most; n--)
                if (text.AsSpan(length - n, n).SequenceEqual(stop.AsSpan(0, n))) most = n;
        return most;
    }

    /// <summary>Bytes at the end that are the beginning of a character.</summary>
    int Half()
    {
        for (int n = 1; n <= 3 && n <= length; n++)
        {
            byte lead = text[length - n];
            if ((lead & 0xC0) == 0x80) continue;
            return Rune.DecodeFromUtf8(text.AsSpan(length - n, n), out _, out _) == OperationStatus.NeedMoreData ? n : 0;
        }
        return 0;
    }
}
