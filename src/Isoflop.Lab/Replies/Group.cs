using Isoflop.Sample;
using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>An item and the replies to it.</summary>
sealed class Group(TaskLevel of, TaskItem item, int[] prompt, int replies)
{
    public TaskLevel Of { get; } = of;
    public TaskItem Item { get; } = item;

    /// <summary>As the model reads it.</summary>
    public int[] Prompt { get; } = prompt;

    public SampledReply[] Replies { get; } = [.. Enumerable.Range(0, replies).Select(_ => new SampledReply())];

    /// <summary>The replies as text, the sign that forced their form included.</summary>
    public string[] Texts { get; } = new string[replies];

    /// <summary>What each reply is judged to be worth: 1 right, 0 wrong, or what a reward of a user's own says.</summary>
    public double[] Right { get; } = new double[replies];

    /// <summary>What is learnt from: the same, less what its length costs.</summary>
    public double[] Rewards { get; } = new double[replies];

    public double[] Advantages { get; } = new double[replies];

    public int Faults { get; set; }

    /// <summary>Mean worth: the share of right replies.</summary>
    public double Rate => Right.Average();
}

/// <summary>Draws groups and judges them.</summary>
/// <param name="reward">null: the verifier</param>
sealed class Rollouts(BatchSampler sampler, ReplyCodec codec, ReplyForm form, IReward? reward = null)
{
    /// <summary>What was drawn; its seconds, and those of judging.</summary>
    public Train.Spending Sampled { get; private set; }
    public double JudgeSeconds { get; private set; }
    public string? Fault { get; private set; }

    /// <summary>Replies to every item, judged.</summary>
    /// <param name="stream">of the first reply's random numbers; those of the others follow</param>
    public List<Group> Draw(IReadOnlyList<(TaskLevel Of, TaskItem Item)> items, int replies, int mostTokens,
        Kernels.SamplingRule rule, ulong seed, long stream, TimeProvider time, CancellationToken stop = default)
    {
        long began = time.GetTimestamp();
        List<Group> groups = [.. items.Select(i => new Group(i.Of, i.Item, codec.Prompt(i.Item.Prompt, form), replies))];
        SampleRequest[] requests = [.. groups.SelectMany((g, i) => Enumerable.Range(0, replies)
            .Select(r => new SampleRequest(g.Prompt, mostTokens, stream + (long)i * replies + r)))];
        Train.Spending spent = sampler.Draw(requests, rule, seed, [.. groups.SelectMany(g => g.Replies)],
            stop: stop);
        Sampled = spent with { Seconds = time.GetElapsedTime(began).TotalSeconds };
        began = time.GetTimestamp();
        foreach (Group g in groups)
            for (int r = 0; r < replies; r++) g.Texts[r] = codec.Decode(g.Replies[r], form);
        Judgement[] verdicts = Judge.Of([.. groups.SelectMany(g => g.Texts.Select(t => (g.Of.Family, g.Item, t)))], reward);
        for (int i = 0; i < verdicts.Length; i++)
        {
            Group g = groups[i / replies];
            // A reply that was cut off gave no answer, whatever its text would pass for.
            g.Right[i % replies] = g.Replies[i % replies].Ended ? verdicts[i].Reward : 0;
            if (verdicts[i].Fault is not { } fault) continue;
            g.Faults++;
            Fault = fault;
        }
        JudgeSeconds = time.GetElapsedTime(began).TotalSeconds;
        return groups;
    }
}
