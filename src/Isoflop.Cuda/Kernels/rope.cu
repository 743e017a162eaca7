#include "kernel.h"

// (x1, x2) → (x1·cos − x2·sin, x2·cos + x1·sin) in place, x1 the first half of a head, x2 the second. Su et al. 2021,
// arXiv:2104.09864. table [positions, width]: cosines, then sines.
struct RopeArgs { Activations x; const float* table; const int* positions; HeadRows shape; int inverse; };

KERNEL(rope, RopeArgs, 256)
{
    int half = a.shape.width / 2;
    long long pairs = (long long)a.shape.rows * a.shape.heads * half;
    with_elements(a.x, [&](auto x)
    {
        for (long long p = (long long)block_x() * 256 + thread(); p < pairs; p += (long long)blocks_x() * 256)
        {
            int vector = (int)(p / half), i = (int)(p % half);
            long long at = vector_at(a.shape, vector) + i;
            const float* angles = a.table + (long long)a.positions[vector / a.shape.heads] * a.shape.width;
            float x1 = x[at], x2 = x[at + half], cos = angles[i], sin = a.inverse ? -angles[half + i] : angles[half + i];
            x.put(at, x1 * cos - x2 * sin);
            x.put(at + half, x2 * cos + x1 * sin);
        }
    });
}
