using System.IO.Hashing;
using System.Runtime.InteropServices;
using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>
/// Finds silent corruption, exactly, since bits are a promise. Memory: weights and moments are hashed after each update and
/// before the next, between which nobody writes them. Arithmetic: every so many steps one is computed twice, update and all, from
/// a copy of what it began with.
/// </summary>
/// <remarks>
/// Cost: two hashes of 12 bytes a parameter a step, and a step more every so many; memory: 12 bytes a parameter. What it cannot
/// see: an error of arithmetic that strikes once, in a step that is not computed twice; one that strikes both times alike. Of
/// several ranks each computes its neighbour's gradients the second time, so there a core that always errs is found.
/// </remarks>
sealed class StepCheck
{
    readonly Transformer model;
    readonly IDevice device;
    readonly DeviceSpan<float>[] state, copies;                   // weights and both moments
    readonly float[] buffer = new float[1 << 14];
    readonly XxHash128 hash = new();
    UInt128 seal;

    public StepCheck(Transformer model, Optimizer optimizer, int every)
    {
        (this.model, device, Every) = (model, model.Device, every);
        var memory = new DeviceMemory(device, "a copy of weights and moments, for train.check_every");
        state = [model.Params, optimizer.M, optimizer.V];
        copies = [.. state.Select(s => memory.Allocate<float>(s.Length))];
    }

    /// <summary>Steps between two that are computed twice.</summary>
    public int Every { get; }

    /// <summary>Weights and moments are as they are to be: from now on nobody writes them.</summary>
    public void Seal() => seal = Hash();

    /// <summary>Nobody has written them since.</summary>
    public bool IsSealed => Hash() == seal;

    /// <summary>Keeps what a step begins with.</summary>
    public void Keep()
    {
        for (int i = 0; i < state.Length; i++) device.Copy(state[i], copies[i]);
    }

    /// <summary>Makes the step's beginning again, its laid-out weights too.</summary>
    public void GoBack()
    {
        for (int i = 0; i < state.Length; i++) device.Copy(copies[i], state[i]);
        model.RepackWeights();
    }

    /// <summary>Of weights and moments.</summary>
    public UInt128 Hash()
    {
        hash.Reset();
        foreach (DeviceSpan<float> slab in state)
            for (long done = 0; done < slab.Length; done += buffer.Length)
            {
                Span<float> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, slab.Length - done));
                device.Download(slab.Slice(done, part.Length), part);
                hash.Append(MemoryMarshal.AsBytes(part));
            }
        return hash.GetCurrentHashAsUInt128();
    }
}
