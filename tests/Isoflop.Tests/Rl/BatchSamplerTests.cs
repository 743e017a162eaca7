using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tests.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Rl;

[Collection(nameof(Alone))]
public sealed class BatchSamplerTests : IDisposable
{
    const int EndOfText = 0;
    readonly CpuDevice device = new(2);
    readonly Transformer model;
    readonly SampleRequest[] requests;

    public BatchSamplerTests()
    {
        model = new(device, SameBitsTests.Grouped, 256, training: true);
        model.Initialise(5);
        var rng = new Rng(8, RandomPurpose.Test);
        List<SampleRequest> all = [];
        for (int i = 0; i < 24; i++)
        {
            int[] prompt = [EndOfText, .. Enumerable.Range(0, 1 + rng.NextInt(90)).Select(_ => 1 + rng.NextInt(330))];
            all.Add(new(prompt, 1 + rng.NextInt(60), i));
        }
        requests = [.. all];
    }

    static SampledReply[] Room(int count) => [.. Enumerable.Range(0, count).Select(_ => new SampledReply())];

    SampledReply[] Draw(int slots, IReadOnlyList<SampleRequest> of)
    {
        SampledReply[] replies = Room(of.Count);
        new BatchSampler(model, EndOfText, 331, slots).Draw(of, new SamplingRule(1), 3, replies);
        return replies;
    }

    [Fact]
    public void A_reply_is_the_same_in_any_company()
    {
        SampledReply[] all = Draw(24, requests);
        foreach (int slots in (int[])[1, 5])
            foreach ((SampledReply a, SampledReply b) in all.Zip(Draw(slots, requests)))
            {
                Assert.Equal(a.Tokens.ToArray(), b.Tokens.ToArray());
                Assert.Equal(a.LogProbs.ToArray(), b.LogProbs.ToArray());
            }
        foreach ((SampledReply a, SampledReply b) in all.Reverse().Zip(Draw(7, [.. requests.Reverse()])))
            Assert.Equal(a.LogProbs.ToArray(), b.LogProbs.ToArray());
        Assert.All(all.Zip(requests), p => Assert.True(p.First.Ended || p.First.Count == p.Second.MaxNewTokens));
    }

    [Fact]
    public void Log_probabilities_are_the_trainers_to_the_bit()
    {
        SampledReply[] all = Draw(9, requests);
        var batch = new Batch(256, 4);
        for (int i = 0; i < all.Length; i++)
        {
            batch.Clear();
            batch.BeginSequence();
            int[] text = [.. requests[i].Prompt, .. all[i].Tokens];
            for (int t = 0; t + 1 < text.Length; t++) batch.Add(text[t], text[t + 1], 1);
            var nll = new float[batch.Rows];
            model.Nll(batch, nll);
            float[] wanted = [.. nll.AsSpan(requests[i].Prompt.Length - 1, all[i].Count).ToArray().Select(x => -x)];
            Assert.Equal(wanted, all[i].LogProbs.ToArray());
        }
    }

    [Fact]
    public void Drawing_allocates_nothing()
    {
        using var one = new CpuDevice(1);                         // sleeping workers are woken by the runtime, which may allocate
        var own = new Transformer(one, model.Config, 256, training: false);
        own.Initialise(5);
        var sampler = new BatchSampler(own, EndOfText, 331, 8);
        SampledReply[] replies = Room(requests.Length);
        var rule = new SamplingRule(1);
        sampler.Draw(requests, rule, 3, replies);
        sampler.Draw(requests, rule, 3, replies, reuse: true);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        sampler.Draw(requests, rule, 3, replies);
        sampler.Draw(requests, rule, 3, replies, reuse: true);
        Assert.Equal(0, GC.GetTotalAllocatedBytes(precise: true) - before);
    }

    [Fact]
    public void Flops_are_those_of_the_tokens_that_passed_with_a_head_where_one_was_drawn()
    {
        SampleRequest[] two = [new([0, 4, 9], 1, 0), new([0, 7], 1, 1)];
        Spending spent = new BatchSampler(model, EndOfText, 331, 4).Draw(two, new SamplingRule(0), 1, Room(2));
        FlopCount five = Flops.Forward(model.Config, 5, Flops.Pairs(3) + Flops.Pairs(2));
        Assert.Equal((five with { Head = five.Head / 5 * 2 }).Total, spent.Flops);
        Assert.Equal(5, spent.Tokens);
    }

    [Fact]
    public void Broken_weights_are_said_and_what_does_not_fit_is_refused()
    {
        var sampler = new BatchSampler(model, EndOfText, 331, 4);
        Assert.Throws<ConfigException>(() => sampler.Draw([new(new int[161], 20, 0)], new SamplingRule(1), 1, Room(1)));
        device.Upload([float.NaN], model.Params.Slice(model.Table.FinalNorm.Offset, 1));
        Assert.Contains("not finite", Assert.Throws<DataException>(() =>
            sampler.Draw(requests, new SamplingRule(1), 1, Room(requests.Length))).Message, StringComparison.Ordinal);
    }

    public void Dispose() => device.Dispose();
}
