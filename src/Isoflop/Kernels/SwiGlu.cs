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
        for (int r = from; r < to; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, y = t.Y + (long)r * t.F;
            for (int i = 0; i < t.F; i += 16)
            {
                int part = t.F - i;
                if (part >= 16) Silu(Vector512.Load(gate + i), Vector512.Load(up + i)).Store(y + i);
                else
                    VectorMath.StorePart(
                        Silu(VectorMath.LoadPart(gate + i, part), VectorMath.LoadPart(up + i, part)), y + i, part);
            }
        }

        static Vector512<float> Silu(Vector512<float> g, Vector512<float> u) => g * Sigmoid(g) * u;
    }

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>; DGateUp may be GateUp.</summary>
    public static void SimdBackward(in Task t, int from, int to)
    {
        for (int r = from; r < to; r++)
        {
            float* gate = t.GateUp + (long)r * 2 * t.F, up = gate + t.F, dy = t.DY + (long)r * t.F;
            float* dGate = t.DGateUp + (long)r * 2 * t.F, dUp = dGate + t.F;
            for (int i = 0; i < t.F; i += 16)
            {
                int part = t.F - i;
                bool whole = part >= 16;
                Vector512<float> g = whole ? Vector512.Load(gate + i) : VectorMath.LoadPart(gate + i, part);
                Vector512<float> u = whole ? Vector512.Load(up + i) : VectorMath.LoadPart(up + i, part);
                Vector512<float> d = whole ? Vector512.Load(dy + i) : VectorMath.LoadPart(dy + i, part);
                Vector512<float> sigma = Sigmoid(g), silu = g * sigma;
                Vector512<float> du = d * silu, dg = d * u * (sigma + silu * (Vector512<float>.One - sigma));
                if (whole)
                {
                    du.Store(dUp + i);
                    dg.Store(dGate + i);
                }
                else
                {
                    VectorMath.StorePart(du, dUp + i, part);
                    VectorMath.StorePart(dg, dGate + i, part);
                }
            }
        }
    }

    static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + VectorMath.Exp(-x));
}
