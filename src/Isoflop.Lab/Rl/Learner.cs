using System.Diagnostics;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Replies;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>What one step's learning came to.</summary>
/// <param name="Norm">of the last update's gradient, before the clip</param>
readonly record struct Learnt(double Norm, double Clipped, double Divergence, Spending Spent);

/// <summary>
/// Groups become weighted rows of the trainer: a token's weight is −∂loss/∂log π, so that the gradient of Σ weight·(−log π) is
/// the policy's. The first update of a step is on-policy, its ratios exactly 1: what the sampler recorded is what the trainer
/// computes, to the last bit, and every step holds that.
/// </summary>
sealed class Learner(Transformer model, Optimizer adam, Transformer? reference, RlRecipe recipe)
{
    readonly (AdvantageBaseline Baseline, Aggregation Aggregation, PolicyTerm Term) choice = recipe.Choices;
    readonly Batch batch = new(model.MaxRows, model.MaxRows);
    readonly float[] policy = new float[model.MaxRows], first = new float[model.MaxRows];
    // That a row's bits are the same in any company is what the sampler's log-probabilities are held to.
    readonly bool sameBits = model.Device.Traits.BatchInvariant;

    /// <summary>Updates so far: the bias corrections.</summary>
    public int Updates { get; set; }

    readonly record struct Row(Group Group, int Reply)
    {
        public SampledReply Drawn => Group.Replies[Reply];
        public int Length => Group.Prompt.Length + Drawn.Count - 1;
    }

    /// <summary>Fills in the advantages of groups.</summary>
    public void Judge(IEnumerable<Group> groups)
    {
        foreach (Group g in groups)
        {
            for (int r = 0; r < g.Rewards.Length; r++) g.Rewards[r] = Shaped(g.Right[r], g.Replies[r]);
            Advantage.Of(choice.Baseline, g.Rewards, g.Advantages);
        }
    }

    /// <summary>Less a price a token, and less for the last tokens of the room there is (DAPO's soft overlong
    /// punishment).</summary>
    double Shaped(double right, SampledReply reply)
    {
        double over = recipe.Overlong == 0 ? 0 : !reply.Ended ? 1
            : Math.Max(0, reply.Count - (recipe.MaxNewTokens - recipe.Overlong)) / (double)recipe.Overlong;
        return right - over - recipe.TokenPrice * reply.Count;
    }

    /// <summary>Whether a group has anything to teach.</summary>
    public static bool Teaches(Group g) => g.Advantages.Any(a => a != 0);

    /// <summary>One step's updates.</summary>
    /// <exception cref="DataException">A gradient that is not finite.</exception>
    public Learnt Step(IReadOnlyList<Group> groups, double rate)
    {
        double norm = 0, flops = 0, bytes = 0, clipped = 0, divergence = 0;
        long tokens = 0, counted = 0;
        bool moved = false;
        // Of the step as it was asked for: a step in which few groups teach is a small one.
        double replies = (double)recipe.Prompts * recipe.Replies / recipe.Updates;
        for (int u = 0; u < recipe.Updates; u++)
        {
            int from = groups.Count * u / recipe.Updates, to = groups.Count * (u + 1) / recipe.Updates;
            List<Row> rows = [.. groups.Skip(from).Take(to - from).SelectMany(g => Enumerable.Range(0, g.Replies.Length)
                .Where(r => g.Advantages[r] != 0 || choice.Term.Kl > 0).Select(r => new Row(g, r)))];
            if (rows.Count == 0) continue;
            int all = groups.Skip(from).Take(to - from).Sum(g => g.Replies.Sum(r => r.Count));
            model.ClearGradients();
            for (int at = 0; at < rows.Count;)
            {
                int end = Pack(rows, at);
                Weigh(rows, at, end, all);
                bool hold = !moved && sameBits;
                model.LossAndGradient(batch, 1, hold ? policy.AsSpan(0, batch.Rows) : default);
                if (hold) HoldBits(rows, at, end);
                double pairs = Flops.Pairs(batch.Offsets);
                int read = (moved ? 1 : 0) + (reference is null ? 0 : 1);
                flops += (Flops.TrainingFactor + read) * Flops.Forward(model.Config, batch.Rows, pairs).Total;
                bytes += Traffic.Pass(model.Table.Parameters) + read * Traffic.Forward(model.Table.Parameters);
                tokens += batch.Rows;
                at = end;
            }
            model.FinishGradients();
            (double loss, norm) = adam.Step(new AdamWStep((float)rate, 0.9f, 0.95f, 1e-8f, 0, ++Updates, recipe.Clip));
            if (!double.IsFinite(loss + norm)) throw new DataException($"the loss is {loss}, the gradient's norm {norm}");
            bytes += Traffic.Update(model.Table.Parameters);
            moved = true;
        }
        return new(norm, counted == 0 ? 0 : clipped / counted, counted == 0 ? 0 : divergence / counted,
            new(flops, bytes, tokens, 0));

        // Log-probabilities of the rows' tokens under the policy as it is now, and under the reference; then the weights.
        void Weigh(List<Row> rows, int at, int end, int all)
        {
            if (moved) model.Nll(batch, policy);
            reference?.Nll(batch, first);
            for (int i = at, row = 0; i < end; row += rows[i++].Length)
            {
                (Group g, int reply) = rows[i];
                SampledReply drawn = rows[i].Drawn;
                int begin = row + g.Prompt.Length - 1;
                double ratio = 1;
                if (moved && choice.Term.Rule == RatioRule.Gspo)
                {
                    double sum = 0;
                    for (int t = 0; t < drawn.Count; t++) sum += -policy[begin + t] - drawn.LogProbs[t];
                    ratio = Math.Exp(sum / drawn.Count);
                }
                double share = choice.Aggregation switch
                {
                    Aggregation.ReplyMean => 1 / replies / drawn.Count,
                    Aggregation.TokenMean => 1.0 / all,
                    _ => 1 / replies / recipe.MaxNewTokens,
                };
                for (int t = 0; t < drawn.Count; t++)
                {
                    double old = drawn.LogProbs[t], now = moved ? -policy[begin + t] : old;
                    double then = reference is null ? 0 : -first[begin + t], advantage = g.Advantages[reply];
                    batch.Weights[begin + t] = (float)(share * choice.Term.Weight(now, old, then, advantage, ratio));
                    counted++;
                    double rho = choice.Term.Rule == RatioRule.Gspo ? ratio : Math.Exp(now - old);
                    if (choice.Term.Rule != RatioRule.Cispo && choice.Term.Clipped(rho, advantage)) clipped++;
                    if (reference is not null) divergence += Math.Exp(then - now) - (then - now) - 1;
                }
            }
        }
    }

    /// <summary>Rows of as many replies as fit in one pass.</summary>
    int Pack(List<Row> rows, int at)
    {
        batch.Clear();
        int end = at;
        for (; end < rows.Count && batch.Rows + rows[end].Length <= model.MaxRows; end++)
        {
            int[] prompt = rows[end].Group.Prompt;
            ReadOnlySpan<int> reply = rows[end].Drawn.Tokens;
            batch.BeginSequence();
            for (int t = 0; t + 1 < prompt.Length; t++) batch.Add(prompt[t], prompt[t + 1], 0);
            for (int t = 0; t < reply.Length; t++) batch.Add(t == 0 ? prompt[^1] : reply[t - 1], reply[t], 0);
        }
        Debug.Assert(end > at, "a pass has room for the context");
        return end;
    }

    /// <summary>The trainer's log-probabilities are the sampler's, bit for bit: else one of them is wrong.</summary>
    void HoldBits(List<Row> rows, int at, int end)
    {
        for (int i = at, row = 0; i < end; row += rows[i++].Length)
        {
            SampledReply drawn = rows[i].Drawn;
            ReadOnlySpan<float> nll = policy.AsSpan(row + rows[i].Group.Prompt.Length - 1, drawn.Count);
            for (int t = 0; t < drawn.Count; t++)
                if (BitConverter.SingleToInt32Bits(-nll[t]) != BitConverter.SingleToInt32Bits(drawn.LogProbs[t]))
                    throw new InvalidOperationException($"'{rows[i].Group.Texts[rows[i].Reply]}', token {t + 1}: " +
                        $"the sampler says {drawn.LogProbs[t]:R}, the trainer {-nll[t]:R}");
        }
    }
}
