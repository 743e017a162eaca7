#include "kernel.h"

// (x1, x2) → (x1·cos − x2·sin, x2·cos + x1·sin) in place, x1 the first half of a head, x2 the second. Su et al. 2021,
// arXiv:2104.09864. table [positions, width]: cosines, then sines.
struct RopeArgs { float* x; const float* table; const int* positions; HeadRows shape; int inverse; };

KERNEL(rope, RopeArgs, 256)
{
    int half = a.shape.width / 2;
    long long pairs = (long long)a.shape.rows * a.shape.heads * half;
    for (long long p = (long long)block_x() * 256 + thread(); p < pairs; p += (long long)blocks_x() * 256)
    {
        int vector = (int)(p / half), i = (int)(p % half);
        float* x = a.x + vector_at(a.shape, vector);
        const float* angles = a.table + (long long)a.positions[vector / a.shape.heads] * a.shape.width;
        float x1 = x[i], x2 = x[half + i], cos = angles[i], sin = a.inverse ? -angles[half + i] : angles[half + i];
        x[i] = x1 * cos - x2 * sin;
        x[half + i] = x2 * cos + x1 * sin;
    }
}
