using System.Diagnostics;
using Isoflop.Kernels;
using Isoflop.Store;

namespace Isoflop.Lab.Failures;

/// <summary>Makes a fault happen in the process that trains. What strikes files from outside is not its business.</summary>
sealed class Injector : Seams
{
    const int SlowBy = 6;
    const float RateBy = 50;

    readonly Fault fault;
    long began;
    double usual;                                                 // seconds of the steps before it
    int step, rated;

    Injector(Fault fault) => this.fault = fault;

    /// <summary>A workspace in which the fault strikes.</summary>
    public static Workspace In(Workspace here, Fault fault)
    {
        var injector = new Injector(fault);
        return here with
        {
            Seams = injector,
            CreateFile = fault.Kind == FaultKind.Disk ? injector.OnFullDisk : here.CreateFile,
        };
    }

    Rng Random => RandomUse.Fault.Open(fault.Seed);

    /// <inheritdoc/>
    public override void Begin(int step, IDevice device, DeviceSpan<float> weights, DeviceSpan<float> m, DeviceSpan<float> v)
    {
        (double last, began, this.step) = (Stopwatch.GetElapsedTime(began).TotalSeconds, Stopwatch.GetTimestamp(), step);
        if (step < fault.Step && last < 60) usual = usual == 0 ? last : 0.9 * usual + 0.1 * last;
        bool now = step == fault.Step;
        switch (fault.Kind)
        {
            case FaultKind.Kill or FaultKind.Torn when now:
                using (Process self = Process.GetCurrentProcess()) self.Kill();
                Thread.Sleep(Timeout.Infinite);
                break;
            case FaultKind.Hang when now:
                Thread.Sleep(Timeout.Infinite);
                break;
            case FaultKind.Slow when step >= fault.Step:
                Thread.Sleep(TimeSpan.FromSeconds((SlowBy - 1) * usual));
                break;
            case FaultKind.Weight when now:
                Flip(device, weights);
                break;
            case FaultKind.Moment when now:
                Flip(device, fault.Seed % 2 == 0 ? m : v);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Batch(long index, Span<int> targets, Span<float> weights)
    {
        if (fault.Kind == FaultKind.Nan && index + 1 == fault.Step) weights.Fill(float.NaN);
        if (fault.Kind != FaultKind.Data || index + 1 < fault.Step || index + 1 >= fault.Step + Fault.Length) return;
        Rng random = RandomUse.Fault.Open(fault.Seed, index: index);
        int most = 0;
        foreach (int token in targets) most = Math.Max(most, token);
        foreach (ref int token in targets) token = random.NextInt(most + 1);
    }

    /// <inheritdoc/>
    public override void Gradient(int step, bool again, IDevice device, DeviceSpan<float> gradient)
    {
        bool strikes = fault.Kind == FaultKind.Gradient ? step == fault.Step : fault.Kind == FaultKind.Core && step >= fault.Step;
        if (strikes && !again) Flip(device, gradient);
    }

    /// <inheritdoc/>
    public override double Rate(int step, double rate)
    {
        if (fault.Kind != FaultKind.Rate || step <= rated || step < fault.Step || step >= fault.Step + Fault.Length) return rate;
        rated = step;                                             // once: a run that goes back has the right one
        return RateBy * rate;
    }

    /// <summary>Any bit of any value that is not 0: what pads the tensors is no one's.</summary>
    void Flip(IDevice device, DeviceSpan<float> values)
    {
        Rng random = Random;
        Span<float> one = stackalloc float[1];
        for (int tries = 0; tries < 1000; tries++)
        {
            DeviceSpan<float> at = values.Slice((long)(random.NextDouble() * values.Length), 1);
            device.Download(at, one);
            if (one[0] == 0) continue;
            one[0] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(one[0]) ^ 1 << random.NextInt(32));
            device.Upload<float>(one, at);
            return;
        }
    }

    Stream OnFullDisk(string path, long bytes) => step < fault.Step ? File.Create(path) : new FullDisk(path, bytes / 2);

    /// <summary>A file that takes so many bytes.</summary>
    sealed class FullDisk(string path, long room) : FileStream(path, FileMode.CreateNew, FileAccess.Write)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Position + buffer.Length > room) throw new IOException($"No space left on device : '{Name}'");
            base.Write(buffer);
        }
    }
}
