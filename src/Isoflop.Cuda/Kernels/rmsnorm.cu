#include "kernel.h"

// y = gain ⊙ x·s, s = 1/√(mean(x²) + ε) per vector: a warp each. Zhang & Sennrich 2019, arXiv:1910.07467.
struct NormArgs { const float *x, *gain; float *y, *s; HeadRows shape; float epsilon; };

KERNEL(rms_norm, NormArgs, 256)
{
    int vectors = a.shape.rows * a.shape.heads, D = a.shape.width;
    for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8)
    {
        long long at = vector_at(a.shape, v);
        float squares = 0;
#pragma unroll 4
        for (int i = lane(); i < D; i += 32) squares = multiply_add(a.x[at + i], a.x[at + i], squares);
        float s = 1 / __builtin_sqrtf(warp_sum(squares) / D + a.epsilon);
        if (lane() == 0) a.s[v] = s;
        for (int i = lane(); i < D; i += 32) a.y[at + i] = a.gain[i] * (a.x[at + i] * s);
    }
}

// dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)), x̂ = x·s; dx may be dy.
struct NormBackwardArgs { const float *x, *gain, *s, *dy; float* dx; HeadRows shape; int accumulate; };

KERNEL(rms_norm_backward, NormBackwardArgs, 256)
{
    int vectors = a.shape.rows * a.shape.heads, D = a.shape.width;
    for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8)
    {
        long long at = vector_at(a.shape, v);
        float sum = 0, s = a.s[v];
#pragma unroll 4
        for (int i = lane(); i < D; i += 32) sum = multiply_add(a.gain[i] * a.dy[at + i], a.x[at + i], sum);
        float slope = warp_sum(sum) * s * s / D;
        for (int i = lane(); i < D; i += 32)
        {
            float d = (a.gain[i] * a.dy[at + i] - a.x[at + i] * slope) * s;
            a.dx[at + i] = a.accumulate ? a.dx[at + i] + d : d;
        }
    }
}

// dGain += Σ dy⊙x̂ in two steps: a sum for each 64 rows of a group, then those of the group one after another. Cutting the rows
// into calls at multiples of 64 changes no bit.
struct GainArgs { const float *x, *s, *dy; float *parts, *dGain; HeadRows shape; Groups groups; };
const int PartRows = 64;

// Group and rows of a part: parts are counted group by group.
DEVICE bool part_rows(const Groups& groups, int rows, int part, int& group, int& begin, int& end)
{
    for (group = 0; group < groups.count; group++)
    {
        int first = group_begin(groups, group, rows), last = group_begin(groups, group + 1, rows);
        int parts = (last - first + PartRows - 1) / PartRows;
        if (part < parts)
        {
            begin = first + part * PartRows;
            end = least(begin + PartRows, last);
            return true;
        }
        part -= parts;
    }
    return false;
}

KERNEL(gain_parts, GainArgs, 256)
{
    int group, begin, end, D = a.shape.width;
    if (!part_rows(a.groups, a.shape.rows, block_x(), group, begin, end)) return;
    int column = block_y() * 32 + lane();
    float* sums = (float*)shared_memory();                   // [8][32]
    float sum = 0;
    auto add = [&](int r, int h)
    {
        long long at = (long long)r * a.shape.stride + h * D + column;
        sum = multiply_add(a.dy[at], a.x[at] * a.s[r * a.shape.heads + h], sum);
    };
    if (column < D && a.shape.heads == 1)                    // many loads under way, either way
    {
#pragma unroll 8
        for (int r = begin + warp(); r < end; r += 8) add(r, 0);
    }
    else if (column < D)
        for (int r = begin + warp(); r < end; r += 8)
#pragma unroll 8
            for (int h = 0; h < a.shape.heads; h++) add(r, h);
    sums[thread()] = sum;
    block_barrier();
    if (warp() != 0 || column >= D) return;
    for (int w = 1; w < 8; w++) sum += sums[w * 32 + lane()];
    a.parts[(long long)block_x() * D + column] = sum;
}

KERNEL(gain_sum, GainArgs, 64)
{
    int column = block_x() * 64 + thread(), g = block_y(), D = a.shape.width, part = 0;
    if (column >= D) return;
    for (int i = 0; i < g; i++)
        part += (group_begin(a.groups, i + 1, a.shape.rows) - group_begin(a.groups, i, a.shape.rows) + PartRows - 1) / PartRows;
    int rows = group_begin(a.groups, g + 1, a.shape.rows) - group_begin(a.groups, g, a.shape.rows);
    float* to = a.dGain + g * a.groups.stride + column;
    float sum = *to;
#pragma unroll 32
    for (int end = part + (rows + PartRows - 1) / PartRows; part < end; part++) sum += a.parts[(long long)part * D + column];
    *to = sum;
}
