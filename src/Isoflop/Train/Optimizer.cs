using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

static class OptimizerKinds
{
    /// <summary>Its directions are made orthogonal.</summary>
    public static bool IsOrthogonal(this OptimizerKind kind) => kind is OptimizerKind.Muon or OptimizerKind.Muonh;

    /// <summary>Its matrices keep the norms of their first values.</summary>
    public static bool KeepsNorms(this OptimizerKind kind) => kind is OptimizerKind.Adamh or OptimizerKind.Muonh;
}

/// <summary>
/// Updates a model from its gradients, clipped by their global norm. Embedding, head and gains always by AdamW (decay on
/// matrices only); the layers' matrices W by it too, or by a direction u:
/// muon: W ← (1 − lr·wd)·W − .2·lr·√max(rows, cols)·u, which is as long as AdamW's usual step, so that its rates hold;
/// adamh, muonh: W ← ‖W‖·n(W − .2·lr·√d_model·‖W‖·n(u)) with n(x) = x/‖x‖, no decay. Sources: <see cref="OptimizerKind"/>.
/// </summary>
/// <remarks>
/// The papers' norm-keepers turn all matrices by one angle a step, η. Random first values have a root mean square of 1/√cols,
/// and AdamW's step one of about .2·lr: so η = .2·lr·√d_model is the angle of AdamW's first steps, and its rates hold again.
/// </remarks>
public sealed class Optimizer : IDisposable
{
    /// <summary>Steps that <see cref="StepBehind"/> may do before their sums are read.</summary>
    internal const int MostBehind = 32;

    const float Momentum = 0.95f, UsualStep = 0.2f;

    readonly Transformer model;
    readonly OptimizerKind kind;
    readonly IDevice device;
    readonly DeviceMemory memory;
    readonly Param[] hidden;                                      // what is not AdamW's
    readonly NewtonSchulz? schulz;
    readonly DeviceSpan<double> norms, unread;
    readonly double[] read = new double[2 * MostBehind];

    /// <summary>For a model that trains.</summary>
    public Optimizer(Transformer model, OptimizerKind kind = OptimizerKind.Adamw)
    {
        (this.model, this.kind, device, memory) = (model, kind, model.Device, new(model.Device, "the optimiser's moments"));
        Parts = kind == OptimizerKind.Adamw && model.OwnParts is { } parts ? parts : new(model.Table.Length);
        (M, V) = (memory.Allocate<float>(Parts.OwnLength), memory.Allocate<float>(Parts.OwnLength));
        hidden = kind == OptimizerKind.Adamw ? [] : [.. model.Table.Hidden];
        norms = memory.Allocate<double>(2);
        unread = memory.Allocate<double>(2 * MostBehind);
        if (kind.IsOrthogonal()) schulz = new(device, memory, [.. hidden.Select(p => (p.Rows, p.Cols))]);
    }

    /// <summary>
    /// What this process steps and has the moments of. Ranks share out what goes element by element (ZeRO-1: Rajbhandari et al.
    /// 2020, arXiv:1910.02054); where matrices are made orthogonal or keep norms all of them step everything.
    /// </summary>
    internal SlabParts Parts { get; }

    /// <summary>First moments, in the parameters' layout; of several ranks, this one's <see cref="Parts"/>.</summary>
    public DeviceSpan<float> M { get; }

    /// <summary>Second moments likewise; zero where Muon has none.</summary>
    public DeviceSpan<float> V { get; }

    /// <summary>
    /// One update of all parameters from the model's gradients, which may be overwritten. Loss and norm stay on the device until
    /// it is asked for: then both are read, the step's one download.
    /// </summary>
    /// <returns>
    /// Σ weight·nll of its passes, nats; norm of the gradient before the clip. Is one of them not finite, nothing was changed
    /// </returns>
    public (double Loss, double Norm) Step(in AdamWStep rule)
    {
        SumSquares();
        (double Loss, double Norm) sums = CanRunBehind ? default : Read();
        if (double.IsFinite(sums.Loss + sums.Norm)) Apply(rule);
        return CanRunBehind ? Read() : sums;
    }

    /// <summary>Steps need not be read one by one: what decides over an update is known to the device alone.</summary>
    internal bool CanRunBehind => hidden.Length == 0;

    /// <summary>The same without waiting for the device, which keeps what <see cref="Step"/> would return.</summary>
    /// <param name="at">less than <see cref="MostBehind"/>: which of those that <see cref="ReadBehind"/> will read</param>
    internal void StepBehind(in AdamWStep rule, int at)
    {
        SumSquares();
        Apply(rule);
        device.Copy(model.Sums, unread.Slice(2 * at, 2));
        device.Send();
    }

    /// <summary>What the first so many steps would have returned, in one download.</summary>
    internal void ReadBehind(Span<(double Loss, double Norm)> into)
    {
        device.Download(unread.Slice(0, 2 * into.Length), read);
        for (int i = 0; i < into.Length; i++) into[i] = (read[2 * i], Math.Sqrt(read[2 * i + 1]));
    }

    void Apply(in AdamWStep rule)
    {
        long matrices = model.Table.MatrixLength, from = matrices, to = matrices;
        if (hidden.Length > 0) (from, to) = (hidden[0].Offset, hidden[^1].Offset + hidden[^1].Length);
        AdamW(0, from, rule);
        foreach (Param p in hidden) Update(p, rule);
        AdamW(to, matrices - to, rule);
        AdamW(matrices, model.Table.Length - matrices, rule with { WeightDecay = 0 });
        if (Parts.Ranks > 1) model.GatherParams();
        model.RepackWeights();
    }

    /// <summary>What <see cref="Step"/> would return.</summary>
    internal (double Loss, double Norm) Measure()
    {
        SumSquares();
        return Read();
    }

    void SumSquares()
    {
        if (Parts.Ranks == 1) model.GatherGradients();
        model.SumSquares();
    }

    (double Loss, double Norm) Read()
    {
        Span<double> sums = stackalloc double[2];
        device.Download(model.Sums, sums);
        return (sums[0], Math.Sqrt(sums[1]));
    }

    void AdamW(long offset, long length, in AdamWStep rule)
    {
        foreach (SlabParts.Stretch part in Parts.Own)
        {
            long from = Math.Max(offset, part.Offset), count = Math.Min(offset + length, part.Offset + part.Length) - from;
            if (count <= 0) continue;
            long at = part.At + from - part.Offset;
            device.AdamW(model.Params.Slice(from, count), model.Gradients.Slice(from, count), M.Slice(at, count),
                V.Slice(at, count), model.Sums, rule);
        }
    }

    void Update(Param p, in AdamWStep rule)
    {
        DeviceSpan<float> w = model.Params.Slice(p.Offset, p.Length), u = model.Gradients.Slice(p.Offset, p.Length),
            m = M.Slice(p.Offset, p.Length);
        if (schulz is null) device.Direction(u, m, V.Slice(p.Offset, p.Length), model.Sums, rule);
        else
        {
            device.Direction(u, m, default, model.Sums, rule with { Beta1 = Momentum });
            schulz.Apply(u, p.Rows, p.Cols);
        }
        float step = UsualStep * rule.LearningRate;
        if (!kind.KeepsNorms())
        {
            device.Axpby(-step * MathF.Sqrt(Math.Max(p.Rows, p.Cols)), u, 1 - rule.LearningRate * rule.WeightDecay, w);
            return;
        }
        DeviceSpan<double> other = norms.Slice(1, 1);
        device.SumSquares(w, norms.Slice(0, 1));
        device.SumSquares(u, other);
        device.Axpby(-step * MathF.Sqrt(model.Config.DModel), u, 1, w, norms);
        device.SumSquares(w, other);
        device.Axpby(1, w, 0, w, norms);
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose() => memory.Dispose();
}
