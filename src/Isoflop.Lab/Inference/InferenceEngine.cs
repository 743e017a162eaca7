using Isoflop.Sample;
using Isoflop.Tasks;

namespace Isoflop.Lab.Inference;

/// <summary>How much an engine does at once.</summary>
/// <param name="Slots">replies that are written at once</param>
/// <param name="Waiting">replies that wait for a place at most; who asks for more is sent away</param>
/// <param name="PieceTokens">tokens of prompts that one step reads at most</param>
/// <param name="CacheBytes">of keys and values</param>
sealed record EngineLimits(int Slots = 64, int Waiting = 256, int PieceTokens = 256, long CacheBytes = 256 << 20);

/// <summary>There is no room now; later there may be.</summary>
sealed class BusyException(string message, TimeSpan retryAfter) : Exception(message)
{
    /// <summary>A guess at when.</summary>
    public TimeSpan RetryAfter => retryAfter;
}

/// <summary>
/// A model that is asked by many at once: a thread of its own steps a <see cref="ReplyBatch"/>, which replies join and leave
/// between steps. The queue before it is bounded. Any thread may ask.
/// </summary>
sealed class InferenceEngine : IDisposable
{
    readonly LanguageModel model;
    readonly EngineLimits limits;
    readonly TimeProvider time;
    readonly ReplyBatch batch;
    readonly int[] say;                                            // ends a thought
    readonly Lock gate = new();
    readonly AutoResetEvent woken = new(false);
    readonly LinkedList<LiveReply> waiting = [];
    readonly Queue<Action<LanguageModel?>> questions = [];          // null: nobody answers any more
    readonly List<LiveReply> active = [], left = [];               // the thread's own; left: cancelled, under the gate
    readonly Thread thread;
    int running;
    double replySeconds = 1;                                       // a reply's mean of late
    Exception? broken;
    bool stopping;

    /// <param name="model">the engine's from here on; disposed with it</param>
    public InferenceEngine(LanguageModel model, EngineLimits? limits = null, TimeProvider? clock = null)
    {
        (this.model, this.limits, time) = (model, limits ?? new(), clock ?? TimeProvider.System);
        batch = model.Batch(this.limits.Slots, this.limits.PieceTokens, this.limits.CacheBytes);
        batch.Begin(reuse: false);
        say = [.. model.Tokenizer.Encode(Reply.Say.ToString())];
        thread = new(Work) { IsBackground = true, Name = "inference" };
        thread.Start();
    }

    /// <summary>For its tokenizer and shape, which may be used at any time; all else by <see cref="Ask"/>.</summary>
    public LanguageModel Model => model;

    /// <summary>Replies that are written, and those that wait.</summary>
    public (int Running, int Waiting) Load
    {
        get
        {
            lock (gate) return (running, waiting.Count);
        }
    }

    /// <summary>Asks for replies: all of them, or none.</summary>
    /// <exception cref="BusyException">The queue is full.</exception>
    /// <exception cref="ConfigException">A prompt leaves no room for a reply in the context.</exception>
    /// <exception cref="DataException">The weights are broken.</exception>
    public IReadOnlyList<LiveReply> Submit(IReadOnlyList<ReplyRequest> requests)
    {
        foreach (ReplyRequest r in requests) Check(r);
        long now = time.GetTimestamp();
        LiveReply[] replies = [.. requests.Select(r => new LiveReply(r, Cancel) { Asked = now })];
        lock (gate)
        {
            if (broken is not null) throw new DataException(broken.Message, broken);
            ObjectDisposedException.ThrowIf(stopping, this);
            if (waiting.Count + replies.Length > limits.Waiting)
            {
                double rounds = (waiting.Count + running) / (double)batch.Slots;
                throw new BusyException($"{waiting.Count} replies wait already, and there is room for {limits.Waiting}",
                    TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(rounds * replySeconds), 1, 60)));
            }
            foreach (LiveReply reply in replies) waiting.AddLast(reply);
        }
        woken.Set();
        return replies;
    }

    void Check(ReplyRequest r)
    {
        foreach (int token in r.Prompt)
            if ((uint)token >= (uint)model.Tokenizer.VocabSize)
                throw new ConfigException($"token {token} is none of the model's {model.Tokenizer.VocabSize}");
        if (r.Prompt.Length == 0) throw new ConfigException("a prompt has at least one token, the one that begins a text");
        if (r.MaxTokens < (r.ScoresPrompt ? 0 : 1)) throw new ConfigException($"{r.MaxTokens} tokens are no reply; ask for 1");
        if (!(r.Rule.Temperature >= 0) || !float.IsFinite(r.Rule.Temperature))
            throw new ConfigException($"a temperature of {r.Rule.Temperature} must be 0 or more; try 0.8");
        if (r.Rule.TopP is not (> 0 and <= 1))
            throw new ConfigException($"a top-p of {r.Rule.TopP} must be above 0 and at most 1; try 0.95");
        if (r.Rule.TopK < 0) throw new ConfigException($"a top-k of {r.Rule.TopK} must be 0 or more; try 50");
        if (r.Prompt.Length > batch.Context)
            throw new PromptTooLongException(r.Prompt.Length, batch.Context);
    }

    /// <summary>Asks the model something else, between two steps.</summary>
    public Task<T> Ask<T>(Func<LanguageModel, T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(stopping, this);
            questions.Enqueue(m =>
            {
                try
                {
                    answer.SetResult(question(m ?? throw new ObjectDisposedException(nameof(InferenceEngine))));
                }
                catch (Exception e) { answer.SetException(e); }    // whatever it is, it is the asker's
            });
        }
        woken.Set();
        return answer.Task;
    }

    void Cancel(LiveReply reply)
    {
        if (reply.Ending is not null) return;
        lock (gate)
        {
            if (waiting.Remove(reply)) reply.End(Ending.Cancelled);
            else left.Add(reply);
        }
        woken.Set();
    }

    void Work()
    {
        for (bool goesOn = true; goesOn;)
            try
            {
                goesOn = Next();
                if (goesOn) Step();
            }
            catch (Exception e)                                    // none of it may end the process
            {
                Break(e);
            }
        foreach (LiveReply reply in active) reply.End(Ending.Cancelled);
        while (questions.TryDequeue(out Action<LanguageModel?>? question)) question(null);
        batch.Dispose();
        model.Dispose();
    }

    void Step()
    {
        batch.Step();
        long now = time.GetTimestamp();
        for (int i = active.Count - 1; i >= 0; i--)
            if (!Follow(active[i], now)) active.RemoveAt(i);
        // Only now: who joins anew may take the place of one that has just ended.
        for (int i = active.Count - 1; i >= 0; i--)
            if (active[i].MustAnswer && !Answers(active[i], now)) active.RemoveAt(i);
    }

    /// <summary>Waits until there is something to step; false: the end.</summary>
    bool Next()
    {
        while (true)
        {
            Action<LanguageModel?>? question = null;
            lock (gate)
            {
                if (stopping) return false;
                foreach (LiveReply reply in left)
                {
                    if (!active.Remove(reply)) continue;
                    batch.Leave(reply.Slot);
                    reply.End(Ending.Cancelled);
                }
                left.Clear();
                while (waiting.First is { } first && TryBegin(first.Value)) waiting.RemoveFirst();
                running = active.Count;
                if (!questions.TryDequeue(out question) && active.Count > 0) return true;
            }
            if (question is not null) question(model);
            else woken.WaitOne();
        }
    }

    /// <summary>A reply joins the batch; false: it has to wait.</summary>
    bool TryBegin(LiveReply reply)
    {
        ReplyRequest r = reply.Request;
        int most = Math.Min(r.MaxTokens, batch.Context + 1 - r.Prompt.Length);
        if (!Join(reply, r.Prompt, most)) return false;
        active.Add(reply);
        return true;
    }

    /// <param name="prompt">all that was said by now; a token's number in its stream is its place</param>
    bool Join(LiveReply reply, int[] prompt, int most)
    {
        ReplyRequest r = reply.Request;
        reply.Seen = 0;
        reply.Slot = batch.Join(new(prompt, most, r.Index, null, prompt.Length), r.Rule, r.Seed, reply.Drawn,
            reply.ScoresOf(most));
        return reply.Slot >= 0;
    }

    /// <summary>Looks at a reply after a step; false: it has ended.</summary>
    bool Follow(LiveReply reply, long now)
    {
        SampledReply drawn = reply.Drawn;
        while (reply.Seen < drawn.Said.Length)
            if (reply.Add(drawn.Tokens[reply.Seen++], model.Tokenizer, now)) return End(reply, Ending.Stop);
        if (drawn.Ended) reply.EndToken = drawn.Tokens[^1];
        return batch.IsUnderWay(reply.Slot) || End(reply, drawn.Ended ? Ending.Stop : Ending.Length);
    }

    /// <summary>A thought that has had its tokens is closed, and its answer goes on from there.</summary>
    bool Answers(LiveReply reply, long now)
    {
        batch.Leave(reply.Slot);
        foreach (int token in say) reply.Add(token, model.Tokenizer, now);
        int[] said = reply.SoFar;
        int most = Math.Min(reply.Request.MaxTokens - reply.Count, batch.Context + 1 - said.Length);
        if (most < 1) return End(reply, Ending.Length);
        // Its own place and pages are free.
        return Join(reply, said, most) ? true : throw new InvalidOperationException("no room for the answer to a thought");
    }

    bool End(LiveReply reply, Ending how)
    {
        batch.Leave(reply.Slot);
        replySeconds += (time.GetElapsedTime(reply.Asked).TotalSeconds - replySeconds) / 16;
        reply.End(how);
        return false;
    }

    void Break(Exception e)
    {
        lock (gate)
        {
            // A full disk or memory may pass; broken weights do not.
            if (e is DataException) broken = e;
            foreach (LiveReply reply in waiting) reply.End(Ending.Fault, e);
            waiting.Clear();
        }
        foreach (LiveReply reply in active) reply.End(Ending.Fault, e);
        active.Clear();
        batch.Begin(reuse: false);
    }

    /// <summary>Ends what is under way, and frees the model.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (stopping) return;
            stopping = true;
            foreach (LiveReply reply in waiting) reply.End(Ending.Cancelled);
            waiting.Clear();
        }
        woken.Set();
        thread.Join();
        woken.Dispose();
    }
}

/// <summary>A prompt that does not fit the context.</summary>
sealed class PromptTooLongException(int tokens, int context)
    : Exception($"the prompt has {tokens} tokens, the model's context is {context}; shorten it")
{
    public int Tokens => tokens;
    public int Context => context;
}
