using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>A model's parameters as its passes read them.</summary>
sealed class ModelWeights : IDisposable
{
    readonly DeviceMemory memory;
    readonly Weight[] all;

    /// <param name="training">lays out what backward products want, too</param>
    public ModelWeights(IDevice device, ModelConfig config, bool training)
    {
        Config = config;
        Table = new ParamTable(config);
        memory = new(device, "parameters");
        Params = memory.Allocate<float>(Table.Length);
        Layers = [.. Table.Layers.Select(l => new LayerWeights(
            new(device, Params, training, l.Q, l.K, l.V), new(device, Params, training, l.O),
            new(device, Params, training, l.Gate, l.Up), new(device, Params, training, l.Down)))];
        Head = new(device, Params, training, Table.Head);
        all = [.. Layers.SelectMany(w => (Weight[])[w.Qkv, w.Output, w.GateUp, w.Down]), Head];
        var angles = new float[config.ContextLen * config.HeadWidth];
        for (int i = 0; i < config.ContextLen; i++)
            Rope.Angles(i, config.RopeTheta, angles.AsSpan(i * config.HeadWidth, config.HeadWidth));
        RopeTable = memory.Allocate<float>(angles.Length);
        device.Upload(angles, RopeTable);
    }

    /// <summary>A layer's matrices: q, k and v in one, gate and up in one.</summary>
    public sealed record LayerWeights(Weight Qkv, Weight Output, Weight GateUp, Weight Down);

    /// <summary>The shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Names and places.</summary>
    public ParamTable Table { get; }

    /// <summary>[Table.Length] the values.</summary>
    public DeviceSpan<float> Params { get; }

    public IReadOnlyList<LayerWeights> Layers { get; }

    public Weight Head { get; }

    /// <summary>[ContextLen, HeadWidth] cosines and sines of each position.</summary>
    public DeviceSpan<float> RopeTable { get; }

    /// <summary>After the values changed.</summary>
    public void Repack()
    {
        foreach (Weight weight in all) weight.Repack();
    }

    /// <summary>Frees all its memory.</summary>
    public void Dispose()
    {
        foreach (Weight weight in all) weight.Dispose();
        memory.Dispose();
    }
}

/// <summary>What one part of a step adds to: gradients in the parameters' layout.</summary>
/// <param name="Slab">[Table.Length], of the first of the groups that pass together; the next ones follow it</param>
/// <param name="Embedding">
/// [V, C] of the embedding, where the head is tied to it: the head's gradient comes by blocks of rows, the embedding's at the end
/// of each pass; two sums, joined once a step. Else a part of the slab.
/// </param>
/// <param name="Stride">elements from one group's embedding to the next one's</param>
readonly record struct Gradient(DeviceSpan<float> Slab, DeviceSpan<float> Embedding, long Stride);
