using System.Globalization;

namespace Isoflop.Lab.Thinking;

/// <summary>What thinking about a problem came to.</summary>
/// <param name="Chosen">the reply decided for; null: none came to an answer</param>
/// <param name="Drafts">all that was drawn, in order</param> <param name="Spent">on it</param>
/// <param name="Attempts">at an answer</param>
sealed record Thought(PartialReply? Chosen, IReadOnlyList<PartialReply> Drafts, Cost Spent, int Attempts)
{
    /// <summary>The answer decided for.</summary>
    public string? Answer => Chosen?.Answer;

    internal bool WasCut { get; init; }
}

/// <summary>
/// Lets strategies think about many problems at once, on this thread alone: each goes on until it waits for a draw or a value;
/// when none can go on, all that they wait for is done in one batch. What comes of a problem is the same alone and in company.
/// </summary>
/// <param name="scorer">null: none</param>
sealed class Thinker(IReplyGenerator generator, IScorer? scorer = null, TimeProvider? clock = null)
{
    readonly TimeProvider time = clock ?? TimeProvider.System;
    readonly List<(IReadOnlyList<GenerationRequest> Asked, TaskCompletionSource<IReadOnlyList<Generation>> Told)> draws = [];
    readonly List<(Problem Of, IReadOnlyList<PartialReply> Asked,
        TaskCompletionSource<IReadOnlyList<(double, Cost)>> Told)> scores = [];

    /// <summary>Thoughts in the order of the problems.</summary>
    /// <exception cref="ConfigException">The strategy needs what is not there.</exception>
    public IReadOnlyList<Thought> Think(IStrategy strategy, IReadOnlyList<Problem> problems, Budget budget,
        CancellationToken stop = default)
    {
        foreach (Problem p in problems)
            if (Strategies.Refusal(strategy, p, generator, scorer) is { } refusal) throw new ConfigException(refusal);
        if (budget.Unit == BudgetUnit.Flops && !generator.Continues)
            throw new ConfigException($"a budget of {budget}: an endpoint does not tell its FLOPs; give tokens or seconds");
        SynchronizationContext? before = SynchronizationContext.Current;
        var turns = new Turns();
        SynchronizationContext.SetSynchronizationContext(turns);
        try
        {
            Task<Thought>[] all = [.. problems.Select(p => One(strategy, p, budget))];
            for (turns.Run(); draws.Count + scores.Count > 0; turns.Run())
            {
                stop.ThrowIfCancellationRequested();
                if (Array.Find(all, t => t.IsFaulted) is { } failed) failed.GetAwaiter().GetResult();
                if (draws.Count > 0) DrawAll(stop);
                if (scores.Count > 0) ScoreAll();
            }
            if (!all.All(t => t.IsCompleted))
                throw new InvalidOperationException($"strategy '{strategy.Name}' waits for something that is no draw");
            return [.. all.Select(t => t.GetAwaiter().GetResult())];
        }
        finally
        {
            draws.Clear();
            scores.Clear();
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Thinks about one problem.</summary>
    /// <exception cref="ConfigException">The budget is below one reply; the strategy needs what is not there.</exception>
    public Thought Think(IStrategy strategy, Problem problem, Budget budget, CancellationToken stop = default)
    {
        Thought thought = Think(strategy, [problem], budget, stop)[0];
        if (thought.Answer is not null || thought.Drafts.Any(d => d.Ended) || thought.Drafts.Count > 0 && !thought.WasCut)
            return thought;
        // Nothing came to its end: one reply without a budget says what is needed.
        Cost whole = Think(new Majority(), [problem], new Budget(1, BudgetUnit.Replies), stop)[0].Spent;
        string needed = budget.Unit switch
        {
            BudgetUnit.Flops => string.Create(CultureInfo.InvariantCulture, $"{whole.Flops:0.0e0} FLOPs; try budget=") +
                string.Create(CultureInfo.InvariantCulture, $"{2 * whole.Flops:0.0e0}flops"),
            BudgetUnit.Seconds => $"{whole.Tokens} tokens; give more seconds",
            _ => $"{whole.Tokens} tokens; try budget={2 * whole.Tokens}",
        };
        throw new ConfigException($"budget={budget} is below one reply: here one takes {needed}");
    }

    async Task<Thought> One(IStrategy strategy, Problem problem, Budget budget)
    {
        var session = new BudgetedSession(problem, budget, generator, Draw, of => Score(problem, of), time);
        PartialReply? chosen = await strategy.Think(problem, session);
        return new(chosen, session.Drafts, session.Spent, session.Attempts) { WasCut = session.WasCut };
    }

    Task<IReadOnlyList<Generation>> Draw(IReadOnlyList<GenerationRequest> asked)
    {
        TaskCompletionSource<IReadOnlyList<Generation>> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        draws.Add((asked, told));
        return told.Task;
    }

    Task<IReadOnlyList<(double, Cost)>> Score(Problem problem, IReadOnlyList<PartialReply> asked)
    {
        TaskCompletionSource<IReadOnlyList<(double, Cost)>> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        scores.Add((problem, asked, told));
        return told.Task;
    }

    void DrawAll(CancellationToken stop)
    {
        var waiting = draws.ToArray();
        draws.Clear();
        IReadOnlyList<Generation> drawn = generator.Draw([.. waiting.SelectMany(w => w.Asked)], stop);
        int at = 0;
        foreach ((IReadOnlyList<GenerationRequest> asked, var told) in waiting)
        {
            told.SetResult([.. drawn.Skip(at).Take(asked.Count)]);
            at += asked.Count;
        }
    }

    void ScoreAll()
    {
        var waiting = scores.ToArray();
        scores.Clear();
        IReadOnlyList<(double, Cost)> values = scorer!.Score([.. waiting.SelectMany(w => w.Asked.Select(d => (w.Of, d)))]);
        int at = 0;
        foreach ((_, IReadOnlyList<PartialReply> asked, var told) in waiting)
        {
            told.SetResult([.. values.Skip(at).Take(asked.Count)]);
            at += asked.Count;
        }
    }

    /// <summary>Continuations wait here in the order in which their draws came, for the one thread that runs them.</summary>
    sealed class Turns : SynchronizationContext
    {
        readonly Queue<(SendOrPostCallback Call, object? State)> waiting = new();

        public override void Post(SendOrPostCallback d, object? state) => waiting.Enqueue((d, state));

        public void Run()
        {
            while (waiting.TryDequeue(out var next)) next.Call(next.State);
        }
    }
}
