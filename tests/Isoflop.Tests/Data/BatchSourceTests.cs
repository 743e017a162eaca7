using Isoflop.Data;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Data;

public class BatchSourceTests
{
    const int Context = 8;
    readonly int[] text = TinyHome.Text(1003, 1);

    BatchSource Source(ulong seed = 1) =>
        new(text.Length, (start, into) => text.AsSpan((int)start, into.Length).CopyTo(into), TinyHome.EndOfText, Context, seed);

    [Fact]
    public void Every_window_comes_once_an_epoch()
    {
        BatchSource source = Source();
        Assert.Equal(125, source.Windows);                        // (1003 − 1) / 8
        var batch = new Batch(Context * 125, Context * 125);
        List<string> orders = [];
        for (int epoch = 0; epoch < 3; epoch++)
        {
            source.Fill(batch, 125 * epoch, 125);
            Assert.Equal(1000, batch.Rows);
            List<string> got = [.. Enumerable.Range(0, 125)
                .Select(w => string.Join(",", batch.Tokens.AsSpan(w * Context, Context).ToArray()))];
            List<string> want = [.. Enumerable.Range(0, 125)
                .Select(w => string.Join(",", text.AsSpan(w * Context, Context).ToArray()))];
            Assert.Equal(want.Order(), got.Order());
            orders.Add(string.Join("|", got));
        }
        Assert.Equal(3, orders.Distinct().Count());
    }

    [Fact]
    public void Rows_are_a_function_of_seed_and_place_alone()
    {
        Batch whole = new(Context * 40, Context * 40), part = new(Context * 3, Context * 3),
            other = new(Context * 40, Context * 40);
        Source().Fill(whole, 110, 40);
        Source().Fill(part, 120, 3);                              // over an epoch's end
        Source(2).Fill(other, 110, 40);
        Assert.Equal(whole.Tokens.AsSpan(10 * Context, 3 * Context).ToArray(), part.Tokens);
        Assert.NotEqual(whole.Tokens, other.Tokens);
    }

    [Fact]
    public void Targets_are_the_next_tokens_and_documents_do_not_see_each_other()
    {
        var batch = new Batch(Context, Context);
        BatchSource.AddSequences(batch, [5, 6, 0, 7, 8, 0, 0, 9, 3], [], endOfText: 0);
        Assert.Equal([5, 6, 0, 7, 8, 0, 0, 9], batch.Tokens);
        Assert.Equal([6, 0, 7, 8, 0, 0, 9, 3], batch.Targets);
        Assert.Equal([0, 2, 5, 6, 8], batch.Offsets.ToArray());   // each end-of-text opens the next document
        Assert.Equal([0, 1, 0, 1, 2, 0, 0, 1], batch.Positions);
        Assert.All(batch.Weights, w => Assert.Equal(1, w));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stretch_is_added_as_its_tokens_one_by_one_would_be(bool weighed)
    {
        var rng = new Rng(3, RandomPurpose.Test);
        for (int length = 2; length < 200; length += 7)
        {
            int[] tokens = [.. Enumerable.Range(0, length).Select(_ => rng.NextInt(9))];
            float[] weights = weighed ? [.. tokens.Select(t => t % 4 * 0.3f)] : [];
            var stretch = new Batch(2 * length, 2 * length);
            var single = new Batch(2 * length, 2 * length);
            double sum = 0;
            for (int times = 0; times < 2; times++)               // the second behind rows that are there
            {
                BatchSource.AddSequences(stretch, tokens, weights, endOfText: 0);
                single.BeginSequence();
                for (int i = 0; i + 1 < length; i++)
                {
                    if (tokens[i] == 0) single.BeginSequence();
                    single.Add(tokens[i], tokens[i + 1], weighed ? weights[i + 1] : 1);
                    sum += weighed ? weights[i + 1] : 1;
                }
            }
            Assert.Equal(single.Rows, stretch.Rows);
            Assert.Equal(single.Tokens, stretch.Tokens);
            Assert.Equal(single.Targets, stretch.Targets);
            Assert.Equal(single.Weights, stretch.Weights);
            Assert.Equal(single.Positions, stretch.Positions);
            Assert.Equal(single.Offsets.ToArray(), stretch.Offsets.ToArray());
            Assert.Equal(sum, stretch.SumWeights());
        }
    }

    [Fact]
    public void A_window_that_begins_with_end_of_text_has_no_empty_sequence()
    {
        var batch = new Batch(2, 2);
        BatchSource.AddSequences(batch, [0, 1, 2], [], endOfText: 0);
        Assert.Equal([0, 2], batch.Offsets.ToArray());
    }

    [Fact]
    public void Held_out_text_is_predicted_once_and_whole()
    {
        var source = new EvalSource((start, into) => text.AsSpan((int)start, into.Length).CopyTo(into), TinyHome.EndOfText,
            Context);
        var batch = new Batch(3 * Context, 3 * Context);
        List<int> targets = [];
        for (long at = 0; at < text.Length - 1;)
        {
            at = source.Fill(batch, at, text.Length - 1, 3);
            targets.AddRange(batch.Targets.AsSpan(0, batch.Rows));
        }
        Assert.Equal(text[1..], targets);
        Assert.Equal(3 * Context, source.Fill(batch, 0, 100, 3));
        Assert.Equal(10, source.Fill(batch, 0, 10, 3));
        Assert.Equal(10, batch.Rows);
    }

    [Fact]
    public void Filling_allocates_nothing()
    {
        BatchSource source = Source();
        var batch = new Batch(Context * 20, Context * 20);
        source.Fill(batch, 0, 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) source.Fill(batch, i * 20, 20);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
