#include "norm_swiglu.h"
#include "pack.h"

// A norm's and SwiGLU's results as float32, which the way back reads, and at once as chunks for the product behind them: to their
// bits what pack.cu makes of them. Rows up to the next 128 and columns up to the next 64 are zeros.
struct NormPackArgs { NormArgs norm; void* to; int chunks; };
struct SwiGluPackArgs { SwiGluArgs glu; void* to; int chunks; };

DEVICE int filled(int count, int each) { return (count + each - 1) / each * each; }

// A warp a row: heads are 1, rows lie one behind the other.
KERNEL(rms_norm_packed, NormPackArgs, 256)
{
    int D = a.norm.shape.width, pieces = filled(D, ChunkSteps) / 8;
    for (int r = block_x() * 8 + warp(); r < filled(a.norm.shape.rows, ChunkRows); r += blocks_x() * 8)
    {
        bool there = r < a.norm.shape.rows;
        float s = there ? norm(a.norm, r) : 0;
        const float* x = a.norm.x + (long long)r * D;
        for (int p = lane(); p < pieces; p += 32)
        {
            float v[8];
#pragma unroll
            for (int e = 0; e < 8; e++)
            {
                int i = 8 * p + e;
                v[e] = there && i < D ? a.norm.gain[i] * (x[i] * s) : 0;
            }
            put_row_piece(a.to, a.chunks, r, p, v);
        }
    }
}

KERNEL(swiglu_packed, SwiGluPackArgs, 256)
{
    int W = a.glu.width, pieces = filled(W, ChunkSteps) / 8;
    long long all = (long long)filled(a.glu.rows, ChunkRows) * pieces;
    with_elements(a.glu.y, [&](auto y)
    {
        decltype(y) gateUp(a.glu.gateUp);
        bool quads = gateUp.quads(W) && y.quads(W);
        for (long long at = (long long)block_x() * 256 + thread(); at < all; at += (long long)blocks_x() * 256)
        {
            int r = (int)(at / pieces), p = (int)(at % pieces), left = r < a.glu.rows ? W - 8 * p : 0;
            long long gate = (long long)r * 2 * W + 8 * p, to = (long long)r * W + 8 * p;
            float v[8];
            if (quads && left >= 8)
            {
                float4 g0 = gateUp.load4(gate), g1 = gateUp.load4(gate + 4);
                float4 u0 = gateUp.load4(gate + W), u1 = gateUp.load4(gate + W + 4);
                v[0] = swiglu_of(g0.x, u0.x), v[1] = swiglu_of(g0.y, u0.y), v[2] = swiglu_of(g0.z, u0.z), v[3] = swiglu_of(g0.w, u0.w);
                v[4] = swiglu_of(g1.x, u1.x), v[5] = swiglu_of(g1.y, u1.y), v[6] = swiglu_of(g1.z, u1.z), v[7] = swiglu_of(g1.w, u1.w);
                y.put_quad(to, v[0], v[1], v[2], v[3]);
                y.put_quad(to + 4, v[4], v[5], v[6], v[7]);
            }
            else
#pragma unroll
                for (int e = 0; e < 8; e++)
                {
                    v[e] = e < left ? swiglu_of(gateUp[gate + e], gateUp[gate + W + e]) : 0;
                    if (e < left) y.put(to + e, v[e]);
                }
            put_row_piece(a.to, a.chunks, r, p, v);
        }
    });
}
