using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Rl;

/// <summary>The gradient of a whole model's loss over a step's replies, off-policy, against finite differences in every tensor.</summary>
public sealed class PolicyGradientTests : IDisposable
{
    const int Prompts = 4, Replies = 4, MaxNewTokens = 12, EndOfText = 0;
    const double Rate = 0.02;
    static readonly ModelConfig shape = new() { VocabSize = 32, ContextLen = 24, DModel = 16, NLayer = 2, NHead = 2 };

    readonly CpuDevice device = new(1);
    readonly Transformer model, reference;
    readonly List<Group> groups = [];

    public PolicyGradientTests()
    {
        model = new(device, shape, 512, training: true);
        reference = new(device, shape, 512, training: false);
        model.Initialise(3);
        reference.Initialise(4);
        TaskLevel of = new TaskMix(["parity:1"]).Levels[0];
        TaskItem item = of.Family.Make(Split.Train, 1, 0, 1);
        var rng = new Rng(7, RandomPurpose.Test);
        var sampler = new BatchSampler(model, EndOfText, shape.VocabSize, 16);
        for (int p = 0; p < Prompts; p++)
        {
            var group = new Group(of, item, [EndOfText, .. Enumerable.Range(0, 3 + p).Select(_ => 1 + rng.NextInt(31))], Replies);
            sampler.Draw([.. Enumerable.Range(0, Replies).Select(r => new SampleRequest(group.Prompt, MaxNewTokens, p * Replies + r))],
                new SamplingRule(1), 1, group.Replies);
            for (int r = 0; r < Replies; r++) group.Advantages[r] = rng.NextDouble() * 2 - 1;
            groups.Add(group);
        }
    }

    public void Dispose() => device.Dispose();

    static RlRecipe Recipe(string method, double kl, int prompts, int updates) => RlRecipe.Load(null, [$"method={method}",
        FormattableString.Invariant($"kl={kl}"), $"prompts={prompts}", $"replies={Replies}", $"updates={updates}", $"max_new_tokens={MaxNewTokens}"]);

    [Theory]
    [InlineData("grpo", 0)]
    [InlineData("dr_grpo", 0.2)]
    [InlineData("dapo", 0)]
    [InlineData("cispo", 0.2)]
    [InlineData("gspo", 0)]
    [InlineData("gspo", 0.2)]
    public void The_second_updates_gradient_is_the_slope_of_the_loss(string method, double kl)
    {
        Transformer? first = kl > 0 ? reference : null;
        // Both halves: what is left behind is the gradient of the second, at the weights that the first had led to.
        model.Initialise(3);
        new Learner(model, new Optimizer(model), first, Recipe(method, kl, Prompts, 2)).Step(groups, Rate);
        var gradient = new float[model.Table.Length];
        device.Download(model.Gradients, gradient);
        // The first half alone: those weights.
        model.Initialise(3);
        RlRecipe recipe = Recipe(method, kl, Prompts / 2, 1);
        new Learner(model, new Optimizer(model), first, recipe).Step(groups[..2], Rate);
        var at = new float[gradient.Length];
        device.Download(model.Params, at);
        var loss = new LossOf(this, recipe, kl > 0);

        foreach (Param p in model.Table.All)
        {
            double norm = Math.Sqrt(gradient.AsSpan((int)p.Offset, (int)p.Length).ToArray().Sum(g => (double)g * g));
            // Richardson's difference errs by O(h⁴), here below 1e-5 of the slope. A loss of some hundred tokens, each −ln p near 3
            // rounded to 2^−22, with shares that add to one: 2e-7 of noise, over 2·h/2. Steps this small cross no clip's edge.
            const double h = 0.002;
            double Difference(double by) => (loss.Along(at, gradient, p, by / norm) - loss.Along(at, gradient, p, -by / norm)) / (2 * by);
            double slope = (4 * Difference(h / 2) - Difference(h)) / 3;
            Assert.True(Math.Abs(slope - norm) <= 2e-4 + norm / 1000, $"{p.Name}: gradient {norm:g6}, slope {slope:g6}");
        }
    }

    /// <summary>The second half's loss, written down from the formulas, as a function of the weights.</summary>
    sealed class LossOf
    {
        readonly PolicyGradientTests t;
        readonly (AdvantageBaseline, Aggregation Aggregation, PolicyTerm Term) choice;
        readonly List<(Group Group, SampledReply Drawn, double Advantage)> rows;
        readonly double[][] still, references;                     // CISPO's ratios do not move with the weights

        public LossOf(PolicyGradientTests test, RlRecipe recipe, bool kl)
        {
            (t, choice) = (test, recipe.Choices);
            rows = [.. t.groups[2..].SelectMany(g => g.Replies.Select((r, i) => (g, r, g.Advantages[i])))];
            still = LogProbs(t.model);
            references = kl ? LogProbs(t.reference) : still;
        }

        double[][] LogProbs(Transformer of)
        {
            var batch = new Batch(of.MaxRows, of.MaxRows);
            foreach ((Group g, SampledReply drawn, _) in rows)
            {
                int[] all = [.. g.Prompt, .. drawn.Tokens];
                batch.BeginSequence();
                for (int i = 0; i + 1 < all.Length; i++) batch.Add(all[i], all[i + 1], 0);
            }
            var nll = new float[batch.Rows];
            of.Nll(batch, nll);
            int row = 0;
            return [.. rows.Select(r =>
            {
                row += r.Group.Prompt.Length - 1;
                double[] own = [.. nll.Skip(row).Take(r.Drawn.Count).Select(n => -(double)n)];
                row += r.Drawn.Count;
                return own;
            })];
        }

        public double Along(float[] at, float[] direction, Param p, double by)
        {
            float[] moved = [.. at];
            for (long i = p.Offset; i < p.Offset + p.Length; i++) moved[i] += (float)(by * direction[i]);
            t.device.Upload(moved, t.model.Params);
            t.model.RepackWeights();
            double[][] now = LogProbs(t.model);
            double sum = 0;
            foreach ((int i, (_, SampledReply drawn, double advantage)) in rows.Index())
            {
                double mean = 0;
                for (int k = 0; k < drawn.Count; k++) mean += (now[i][k] - drawn.LogProbs[k]) / drawn.Count;
                double share = choice.Aggregation switch
                {
                    Aggregation.ReplyMean => 1.0 / rows.Count / drawn.Count,
                    Aggregation.TokenMean => 1.0 / rows.Sum(r => r.Drawn.Count),
                    _ => 1.0 / rows.Count / MaxNewTokens,
                };
                for (int k = 0; k < drawn.Count; k++)
                    sum += share * choice.Term.Loss(now[i][k], drawn.LogProbs[k], references[i][k], advantage,
                        choice.Term.Rule == RatioRule.Gspo ? Math.Exp(mean) : Math.Exp(still[i][k] - drawn.LogProbs[k]));
            }
            return sum;
        }
    }
}
