#include "kernel.h"

// Pieces of words of four bytes, y ← 0 or y ← x each; none reads or writes what another writes.
struct CopyPiece { const unsigned* x; unsigned* y; long long words; };
struct CopyArgs { CopyPiece pieces[4]; int count; };

KERNEL(copy, CopyArgs, 256)
{
    const int Ahead = 4;                                     // loads under way before the first is stored
    for (int n = 0; n < a.count; n++)
    {
        CopyPiece p = a.pieces[n];
        for (long long first = (long long)block_x() * 256 + thread(); first < p.words; first += (long long)blocks_x() * 256 * Ahead)
        {
            unsigned held[Ahead];
#pragma unroll
            for (int j = 0; j < Ahead; j++)
            {
                long long i = first + (long long)j * blocks_x() * 256;
                held[j] = p.x && i < p.words ? p.x[i] : 0;
            }
#pragma unroll
            for (int j = 0; j < Ahead; j++)
            {
                long long i = first + (long long)j * blocks_x() * 256;
                if (i < p.words) p.y[i] = held[j];
            }
        }
    }
}

// y += x.
struct AddArgs { const float* x; float* y; long long length; };

KERNEL(add, AddArgs, 256)
{
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256) a.y[i] += a.x[i];
}

// x[0] becomes the sum of count shards of so many elements: a tree of neighbours. The others are undefined then.
struct ShardsArgs { float* x; long long length; int count; };

KERNEL(sum_shards, ShardsArgs, 256)
{
    const int Held = 16;
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256)
        if (a.count <= Held)                                 // all loads under way, one store
        {
            float held[Held];
#pragma unroll
            for (int s = 0; s < Held; s++) held[s] = s < a.count ? a.x[s * a.length + i] : 0;
#pragma unroll
            for (int step = 1; step < Held; step *= 2)
#pragma unroll
                for (int s = 0; s + step < Held; s += 2 * step)
                    if (s + step < a.count) held[s] += held[s + step];
            a.x[i] = held[0];
        }
        else
            for (int step = 1; step < a.count; step *= 2)
                for (int s = 0; s + step < a.count; s += 2 * step) a.x[s * a.length + i] += a.x[(s + step) * a.length + i];
}

// y = a·x + b·y; with a ratio a is multiplied by √(ratio[0]/ratio[1]), by 0 where that is 0. Where b is 0 y is not read.
struct AxpbyArgs { const float* x; float* y; const double* ratio; long long length; float a, b; };

KERNEL(axpby, AxpbyArgs, 256)
{
    double root = !a.ratio ? 1 : a.ratio[1] == 0 ? 0 : __builtin_sqrt(a.ratio[0] / a.ratio[1]);
    float scale = (float)(a.a * root);
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256)
        a.y[i] = a.b == 0 ? scale * a.x[i] : multiply_add(scale, a.x[i], a.b * a.y[i]);
}

// y ← x as bfloat16: an operand that lies in float32, for products that round nothing themselves. Quads: rows are of eights.
struct RoundArgs { const float* x; Activations y; long long length; };

KERNEL(round_operand, RoundArgs, 256)
{
    Floats x(a.x);
    Bf16s y(a.y);
    for (long long i = 4 * ((long long)block_x() * 256 + thread()); i < a.length; i += 4ll * blocks_x() * 256)
    {
        float4 v = x.load4(i);
        y.put_quad(i, v.x, v.y, v.z, v.w);
    }
}
