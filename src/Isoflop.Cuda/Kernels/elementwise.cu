#include "kernel.h"

// x ← 0, or y ← x: words of four bytes.
struct CopyArgs { const unsigned* x; unsigned* y; long long words; };

KERNEL(copy, CopyArgs, 256)
{
    for (long long i = (long long)block_x() * 256 + thread(); i < a.words; i += (long long)blocks_x() * 256)
        a.y[i] = a.x ? a.x[i] : 0;
}

// y += x.
struct AddArgs { const float* x; float* y; long long length; };

KERNEL(add, AddArgs, 256)
{
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256) a.y[i] += a.x[i];
}

// x[0] becomes the sum of count shards of so many elements: a tree of neighbours, in place.
struct ShardsArgs { float* x; long long length; int count; };

KERNEL(sum_shards, ShardsArgs, 256)
{
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256)
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
