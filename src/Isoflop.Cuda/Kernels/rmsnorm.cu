#include "gain.h"

// y = gain ⊙ x·s, s = 1/√(mean(x²) + ε) per vector: a warp each. Zhang & Sennrich 2019, arXiv:1910.07467.
struct NormArgs { const float *x, *gain; Activations y; float* s; HeadRows shape; float epsilon; };

KERNEL(rms_norm, NormArgs, 256)
{
    int vectors = a.shape.rows * a.shape.heads, D = a.shape.width;
    with_elements(a.y, [&](auto y)
    {
        for (int v = block_x() * 8 + warp(); v < vectors; v += blocks_x() * 8)
        {
            long long at = vector_at(a.shape, v);
            float squares = 0;
#pragma unroll 4
            for (int i = lane(); i < D; i += 32) squares = multiply_add(a.x[at + i], a.x[at + i], squares);
            float s = 1 / __builtin_sqrtf(warp_sum(squares) / D + a.epsilon);
            if (lane() == 0) a.s[v] = s;
            for (int i = lane(); i < D; i += 32) y.put(at + i, a.gain[i] * (a.x[at + i] * s));
        }
    });
}

// dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)), x̂ = x·s, and the parts of dGain. Together: to each part's strips come the blocks of its rows,
// which find what they read in the second cache. Else the first blocks, part_blocks, make parts; dx may be dy, then launches of
// each by themselves.
struct NormBackwardArgs
{
    const float *x, *gain, *s;
    Activations dy;
    float* dx;
    GainSum gain_sum;
    HeadRows shape;
    Groups groups;
    int accumulate, first, part_blocks, together;
};

template <class Gradient> DEVICE void norm_backward(const NormBackwardArgs& a, Gradient dy, int v)
{
    long long at = vector_at(a.shape, v);
    int D = a.shape.width;
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

KERNEL(rms_norm_backward, NormBackwardArgs, 256)
{
    const int RowBlocks = PartRows / 8;                      // of a part, a warp a row
    int block = a.first + block_x(), vectors = a.shape.rows * a.shape.heads, strips = (a.shape.width + 31) / 32;
    int each = a.together ? strips + RowBlocks : strips, part = block / each, strip = block % each;
    bool makesPart = a.together ? strip < strips : block < a.part_blocks;
    with_elements(a.dy, [&](auto dy)
    {
        int begin, end;
        if (makesPart)
            gain_part(a.x, a.s, a.shape, a.groups, part, strip, a.gain_sum, [&](int, int, long long at) { return dy[at]; });
        else if (!a.together)
            for (int v = (block - a.part_blocks) * 8 + warp(); v < vectors; v += (a.first + blocks_x() - a.part_blocks) * 8)
                norm_backward(a, dy, v);
        else if (part_rows(a.groups, a.shape.rows, part, begin, end))
        {
            int v = begin + (strip - strips) * 8 + warp();
            if (v < end) norm_backward(a, dy, v);
        }
    });
}
