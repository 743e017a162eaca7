// dGain += Σ dy⊙x̂ in two steps: a sum for each 64 rows of a group, then those of the group one after another. Cutting the rows
// into calls at multiples of 64 changes no bit, nor does which block adds them up.
#pragma once
#include "kernel.h"

const int PartRows = 64;

DEVICE int part_count(const Groups& groups, int group, int rows)
{
    return (group_begin(groups, group + 1, rows) - group_begin(groups, group, rows) + PartRows - 1) / PartRows;
}

// Rows of a part: parts are counted group by group.
DEVICE bool part_rows(const Groups& groups, int rows, int part, int& begin, int& end)
{
    for (int group = 0; group < groups.count; group++)
    {
        int parts = part_count(groups, group, rows);
        if (part < parts)
        {
            begin = group_begin(groups, group, rows) + part * PartRows;
            end = least(begin + PartRows, group_begin(groups, group + 1, rows));
            return true;
        }
        part -= parts;
    }
    return false;
}

// Where a strip of 32 columns of all parts lies, what it is added to, and how many blocks make it: one counter a strip.
struct GainSum { float *parts, *dGain; unsigned* counter; int blocks; };

// A strip of a group's gradient by a warp.
DEVICE void gain_total(const GainSum& a, int D, int rows, const Groups& groups, int group, int column)
{
    if (column >= D) return;
    int part = 0;
    for (int i = 0; i < group; i++) part += part_count(groups, i, rows);
    float* to = a.dGain + group * groups.stride + column;
    float sum = *to;
#pragma unroll 32
    for (int end = part + part_count(groups, group, rows); part < end; part++) sum += a.parts[(long long)part * D + column];
    *to = sum;
}

// A block of 256, [8][32] floats and a word shared: a strip of a part's sums. The last block of a strip adds its parts up. dy gives an
// element by row, head, column and where it lies.
template <class X, class Gradient> DEVICE void gain_part(X x, const float* s, const HeadRows& shape, const Groups& groups,
    int part, int strip, const GainSum& to, Gradient dy)
{
    int begin, end, D = shape.width, column = strip * 32 + lane();
    bool there = part_rows(groups, shape.rows, part, begin, end);
    float *sums = (float*)shared_memory(), sum = 0;
    auto add = [&](int r, int h)
    {
        long long at = (long long)r * shape.stride + h * D + column;
        sum = multiply_add(dy(r, column, at), x[at] * s[r * shape.heads + h], sum);
    };
    if (there && column < D && shape.heads == 1)             // many loads under way, either way
    {
#pragma unroll 8
        for (int r = begin + warp(); r < end; r += 8) add(r, 0);
    }
    else if (there && column < D)
        for (int r = begin + warp(); r < end; r += 8)
#pragma unroll 8
            for (int h = 0; h < shape.heads; h++) add(r, h);
    sums[thread()] = sum;
    block_barrier();
    if (there && warp() == 0 && column < D)
    {
        for (int w = 1; w < 8; w++) sum += sums[w * 32 + lane()];
        to.parts[(long long)part * D + column] = sum;
    }
    if (is_last(to.counter + strip, to.blocks, (int*)(sums + 256)))
        for (int group = warp(); group < groups.count; group += 8) gain_total(to, D, shape.rows, groups, group, column);
}
