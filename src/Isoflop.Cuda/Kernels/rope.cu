#include "kernel.h"

// (x1, x2) → (x1·cos − x2·sin, x2·cos + x1·sin) in place, x1 the first half of a head, x2 the second. Su et al. 2021,
// arXiv:2104.09864. table [positions, width]: cosines, then sines.
struct RopeArgs { Activations x; const float* table; const int* positions; HeadRows shape; int inverse; };

// Of a vector's four elements each, x1 and x2, at i.
template <class Elements> DEVICE void rotate_quads(Elements x, long long at, const float* angles, int i, int half, bool inverse)
{
    Floats table(angles);
    float4 x1 = x.load4(at), x2 = x.load4(at + half), cos = table.load4(i), sin = table.load4(half + i);
    if (inverse) sin = { -sin.x, -sin.y, -sin.z, -sin.w };
    x.put_quad(at, x1.x * cos.x - x2.x * sin.x, x1.y * cos.y - x2.y * sin.y, x1.z * cos.z - x2.z * sin.z, x1.w * cos.w - x2.w * sin.w);
    x.put_quad(at + half, x2.x * cos.x + x1.x * sin.x, x2.y * cos.y + x1.y * sin.y, x2.z * cos.z + x1.z * sin.z,
        x2.w * cos.w + x1.w * sin.w);
}

// Four pairs at a time where vectors have them, counted in 32 bits: a division of 64 is a subroutine.
KERNEL(rope, RopeArgs, 256)
{
    int half = a.shape.width / 2;
    long long pairs = (long long)a.shape.rows * a.shape.heads * half;
    with_elements(a.x, [&](auto x)
    {
        if (half % 4 == 0 && x.quads(a.shape.stride) && Floats(a.table).quads(a.shape.width) && pairs < 1ll << 32)
        {
            unsigned quads = half / 4, all = (unsigned)(pairs / 4);
            for (unsigned q = block_x() * 256u + thread(); q < all; q += blocks_x() * 256u)
            {
                int vector = (int)(q / quads), i = 4 * (int)(q % quads);
                const float* angles = a.table + (long long)a.positions[vector / a.shape.heads] * a.shape.width;
                rotate_quads(x, vector_at(a.shape, vector) + i, angles, i, half, a.inverse);
            }
            return;
        }
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
