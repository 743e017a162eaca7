#include "gain.h"
#include "norm_swiglu.h"

KERNEL(rms_norm, NormArgs, 256)
{
    int vectors = a.shape.rows * a.shape.heads;
    for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8) norm(a, v);
}

// dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)), x̂ = x·s, and the parts of dGain. The first blocks, part_blocks, make parts; dx may be dy,
// then launches of each by themselves.
struct NormBackwardArgs
{
    const float *x, *gain, *s;
    Activations dy;
    float *dx, *parts, *dGain;
    HeadRows shape;
    Groups groups;
    int accumulate, first, part_blocks;
};

KERNEL(rms_norm_backward, NormBackwardArgs, 256)
{
    int block = a.first + block_x(), vectors = a.shape.rows * a.shape.heads, D = a.shape.width, strips = (D + 31) / 32;
    with_elements(a.dy, [&](auto dy)
    {
        if (block < a.part_blocks)
        {
            gain_part(a.x, a.s, a.shape, a.groups, block / strips, block % strips, a.parts,
                [&](int, int, long long at) { return dy[at]; });
            return;
        }
        for (int v = (block - a.part_blocks) * 8 + warp(); v < vectors; v += (a.first + blocks_x() - a.part_blocks) * 8)
        {
            long long at = vector_at(a.shape, v);
            float sum = 0, s = a.s[v];
#pragma unroll 4
            for (int i = lane(); i < D; i += 32) sum = multiply_add(a.gain[i] * dy[at + i], a.x[at + i], sum);
            float slope = warp_sum(sum) * s * s / D;
            for (int i = lane(); i < D; i += 32)
            {
                float d = (a.gain[i] * dy[at + i] - a.x[at + i] * slope) * s;
                a.dx[at + i] = a.accumulate ? a.dx[at + i] + d : d;
            }
        }
    });
}

KERNEL(gain_sum, NormBackwardArgs, 64)
{
    gain_total(a.parts, a.dGain, a.shape.width, a.shape.rows, a.groups, block_y(), block_x());
}
