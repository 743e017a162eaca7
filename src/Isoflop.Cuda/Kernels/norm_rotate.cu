#include "gain.h"

// Queries and keys of a row of qkv, normed as in rmsnorm.cu and rotated as in rope.cu, to their bits; values are copied. Heads of
// at most 128. gains: of queries, of keys from key_gain on; scales [rows·heads], then [rows·kv_heads].
const int MostPerLane = 4;

struct NormRotateArgs
{
    Activations raw;
    const float* gains;
    Activations rotated;
    float* scales;
    const float* table;
    const int* positions;
    int rows, heads, kv_heads, width, key_gain;
    float epsilon;
};

// Element i of a vector, rotated: its other half's element is partner(i, width).
DEVICE int partner(int i, int width) { return i < width / 2 ? i + width / 2 : i - width / 2; }

DEVICE float rotated(float own, float other, const float* angles, int i, int width, bool inverse)
{
    int half = width / 2, pair = i < half ? i : i - half;
    float cos = angles[pair], sin = inverse ? -angles[half + pair] : angles[half + pair];
    return i < half ? own * cos - other * sin : own * cos + other * sin;
}

KERNEL(norm_rotate, NormRotateArgs, 256)
{
    int D = a.width, all = a.heads + 2 * a.kv_heads, vectors = a.rows * all;
    with_elements(a.raw, [&](auto x)
    {
        decltype(x) y(a.rotated);
        for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8)
        {
            int row = v / all, h = v % all;
            long long at = (long long)v * D;
            if (h >= a.heads + a.kv_heads)
            {
                for (int i = lane(); i < D; i += 32) y.put(at + i, x[at + i]);
                continue;
            }
            bool key = h >= a.heads;
            const float *gain = key ? a.gains + a.key_gain : a.gains, *angles = a.table + (long long)a.positions[row] * D;
            float squares = 0;
#pragma unroll 4
            for (int i = lane(); i < D; i += 32) squares = multiply_add(x[at + i], x[at + i], squares);
            float s = 1 / __builtin_sqrtf(warp_sum(squares) / D + a.epsilon);
            if (lane() == 0) a.scales[key ? a.rows * a.heads + row * a.kv_heads + h - a.heads : row * a.heads + h] = s;
            for (int i = lane(); i < D; i += 32)
            {
                int other = partner(i, D);
                y.put(at + i, rotated(gain[i] * (x[at + i] * s), gain[other] * (x[at + other] * s), angles, i, D, false));
            }
        }
    });
}

// The same backwards, d in place. First gains, of queries and of keys by block_z; then vectors.
struct NormRotateBackwardArgs
{
    Activations raw;
    const float *gains, *scales;
    Activations d;
    GainSum gain_sum;
    const float* table;
    const int* positions;
    Groups groups;
    int rows, heads, kv_heads, width, key_gain, parts_of_each;
};

KERNEL(norm_rotate_parts, NormRotateBackwardArgs, 256)
{
    int D = a.width, stride = (a.heads + 2 * a.kv_heads) * D, which = block_z(), from = which * a.heads;
    HeadRows shape { a.rows, which ? a.kv_heads : a.heads, D, stride };
    GainSum to { a.gain_sum.parts + (long long)which * a.parts_of_each * D, a.gain_sum.dGain + which * a.key_gain,
        a.gain_sum.counter + which * ((D + 31) / 32), a.gain_sum.blocks };
    with_elements(a.d + from * D, [&](auto d)
    {
        gain_part(decltype(d)(a.raw + from * D), a.scales + a.rows * from, shape, a.groups, block_x(), block_y(), to,
            [&](int r, int i, long long at)
            { return rotated(d[at], d[at - i + partner(i, D)], a.table + (long long)a.positions[r] * D, i, D, true); });
    });
}

KERNEL(norm_rotate_backward, NormRotateBackwardArgs, 256)
{
    int D = a.width, turned = a.heads + a.kv_heads, vectors = a.rows * turned;
    with_elements(a.d, [&](auto d)
    {
        decltype(d) x(a.raw);
        for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8)
        {
            int row = v / turned, h = v % turned;
            bool key = h >= a.heads;
            long long at = (long long)row * (turned + a.kv_heads) * D + h * D;
            const float *gain = key ? a.gains + a.key_gain : a.gains, *angles = a.table + (long long)a.positions[row] * D;
            float dy[MostPerLane], sum = 0;
            float s = a.scales[key ? a.rows * a.heads + row * a.kv_heads + h - a.heads : row * a.heads + h];
#pragma unroll
            for (int j = 0; j < MostPerLane; j++)
            {
                int i = lane() + 32 * j;
                if (i >= D) continue;
                dy[j] = rotated(d[at + i], d[at + partner(i, D)], angles, i, D, true);
                sum = multiply_add(gain[i] * dy[j], x[at + i], sum);
            }
            float slope = warp_sum(sum) * s * s / D;
            warp_barrier();                                  // all have read
#pragma unroll
            for (int j = 0; j < MostPerLane; j++)
            {
                int i = lane() + 32 * j;
                if (i < D) d.put(at + i, (gain[i] * dy[j] - x[at + i] * slope) * s);
            }
        }
    });
}
