using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>y = silu(gate) ⊙ up, silu(x) = x·σ(x). Shazeer 2020, arXiv:2002.05202.</summary>
static unsafe class SwiGlu
{
    /// <summary>One call, forward or backward.</summary>
    public struct Task
    {
        public float* GateUp, Y, DY, DGateUp;
        public int Rows, F;
    }

    /// <summary>The definition.</summary>
    public static void Reference(in Task t)
    {
        for (int r = 0; r < t.Rows; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, y = t.Y + (long)r * t.F;
            for (int i = 0; i < t.F; i++) y[i] = (float)(gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i]);
        }
    }

    /// <summary>dUp = dy⊙silu(gate);  dGate = dy⊙up⊙σ(gate)·(1 + gate·(1 − σ(gate))).</summary>
    public static void ReferenceBackward(in Task t)
    {
        for (int r = 0; r < t.Rows; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, dy = t.DY + (long)r * t.F;
            float* dGate = t.DGateUp + (long)r * 2 * t.F, dUp = dGate + t.F;
            for (int i = 0; i < t.F; i++)
            {
                double g = gate[i], u = up[i], sigma = 1 / (1 + Math.Exp(-g));
                dUp[i] = (float)(dy[i] * g * sigma);
                dGate[i] = (float)(dy[i] * u * sigma * (1 + g * (1 - sigma)));
            }
        }
    }

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>. Relative error below 1e-6.</summary>
    public static void Simd(in Task t, int from, int to)
    {
        if (Vector512.IsHardwareAccelerated) Forward<Floats16>(t, from, to);
        else Forward<Floats8>(t, from, to);
    }

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>; DGateUp may be GateUp.</summary>
    public static void SimdBackward(in Task t, int from, int to)
    {
        if (Vector512.IsHardwareAccelerated) Backward<Floats16>(t, from, to);
        else Backward<Floats8>(t, from, to);
    }

    static void Forward<V>(in Task t, int from, int to) where V : struct, IFloats<V>
    {
        for (int r = from; r < to; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, y = t.Y + (long)r * t.F;
            int i = 0;
            for (; i <= t.F - V.Count; i += V.Count) Silu(V.Load(gate + i), V.Load(up + i)).Store(y + i);
            int rest = t.F - i;
            if (rest > 0) Silu(V.Load(gate + i, rest), V.Load(up + i, rest)).Store(y + i, rest);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Silu(V g, V u) => g * Sigmoid(g) * u;
    }

    static void Backward<V>(in Task t, int from, int to) where V : struct, IFloats<V>
    {
        for (int r = from; r < to; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, dy = t.DY + (long)r * t.F;
            float* dGate = t.DGateUp + (long)r * 2 * t.F, dUp = dGate + t.F;
            int i = 0;
            for (; i <= t.F - V.Count; i += V.Count)
            {
                (V dg, V du) = Gradient(V.Load(gate + i), V.Load(up + i), V.Load(dy + i));
                dg.Store(dGate + i);
                du.Store(dUp + i);
            }
            int rest = t.F - i;
            if (rest == 0) continue;
            (V lastGate, V lastUp) = Gradient(V.Load(gate + i, rest), V.Load(up + i, rest), V.Load(dy + i, rest));
            lastGate.Store(dGate + i, rest);
            lastUp.Store(dUp + i, rest);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static (V Gate, V Up) Gradient(V g, V u, V d)
        {
            V sigma = Sigmoid(g), silu = g * sigma;
            return (d * u * (sigma + silu * (V.Create(1) - sigma)), d * silu);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Sigmoid<V>(V x) where V : struct, IFloats<V> => V.Create(1) / (V.Create(1) + V.Exp(V.Create(0) - x));
}
