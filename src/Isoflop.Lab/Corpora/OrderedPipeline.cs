namespace Isoflop.Lab.Corpora;

/// <summary>Work on many threads whose results arrive in the order of the input: nothing downstream can see the thread
/// count.</summary>
static class OrderedPipeline
{
    /// <summary>
    /// Calls <paramref name="work"/> on pool threads and <paramref name="sink"/> on this one, in order. Input is drawn on this
    /// thread too, at most three items a thread ahead, so memory stays bounded. The first exception in the input's order is
    /// thrown.
    /// </summary>
    public static void Run<TIn, TOut>(IEnumerable<TIn> input, Func<TIn, TOut> work, Action<TOut> sink, int threads,
        CancellationToken stop)
    {
        if (threads == 1)
        {
            foreach (TIn item in input)
            {
                stop.ThrowIfCancellationRequested();
                sink(work(item));
            }
            return;
        }
        var pending = new Queue<Task<TOut>>();
        try
        {
            foreach (TIn item in input)
            {
                stop.ThrowIfCancellationRequested();
                pending.Enqueue(Task.Run(() => work(item), CancellationToken.None));
                while (pending.Count > 3 * threads || (pending.Count > 0 && pending.Peek().IsCompleted))
                    sink(pending.Dequeue().GetAwaiter().GetResult());
            }
            while (pending.TryDequeue(out Task<TOut>? next))
            {
                stop.ThrowIfCancellationRequested();
                sink(next.GetAwaiter().GetResult());
            }
        }
        finally
        {
            // Nothing may still be running in the caller's data when this returns, whatever went wrong.
            foreach (Task<TOut> task in pending)
                ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        }
    }
}
