using Isoflop.Kernels;

namespace Isoflop.Store;

/// <summary>
/// Places in a step of training at which the laboratory of failures breaks things. A run without seams, as all others are, asks
/// nobody. Steps count from 1.
/// </summary>
abstract class Seams
{
    /// <summary>A step begins: weights and moments are at rest.</summary>
    public virtual void Begin(int step, IDevice device, DeviceSpan<float> weights, DeviceSpan<float> m, DeviceSpan<float> v) { }

    /// <summary>A batch was read.</summary>
    /// <param name="index">of the run's endless row of batches, from 0</param>
    /// <param name="targets">[rows]</param> <param name="weights">[rows]</param>
    public virtual void Batch(long index, Span<int> targets, Span<float> weights) { }

    /// <summary>A step's gradient was computed.</summary>
    /// <param name="again">for the second time: see <c>train.check_every</c></param>
    public virtual void Gradient(int step, bool again, IDevice device, DeviceSpan<float> gradient) { }

    /// <summary>The learning rate of a step.</summary>
    public virtual double Rate(int step, double rate) => rate;
}
