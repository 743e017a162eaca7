// Norms and SwiGLU, which products take their operands from: by themselves (rmsnorm.cu, swiglu.cu) and packed at once
// (norm_swiglu_packed.cu).
#pragma once
#include "kernel.h"

// y = gain ⊙ x·s, s = 1/√(mean(x²) + ε) per vector: a warp each. Zhang & Sennrich 2019, arXiv:1910.07467.
struct NormArgs { const float *x, *gain; Activations y; float* s; HeadRows shape; float epsilon; };

DEVICE float norm(const NormArgs& a, int v)
{
    long long at = vector_at(a.shape, v);
    int D = a.shape.width;
    float squares = 0;
#pragma unroll 4
    for (int i = lane(); i < D; i += 32) squares = multiply_add(a.x[at + i], a.x[at + i], squares);
    float s = 1 / __builtin_sqrtf(warp_sum(squares) / D + a.epsilon);
    if (lane() == 0) a.s[v] = s;
    with_elements(a.y + at, [&](auto y)
    {
        for (int i = lane(); i < D; i += 32) y.put(i, a.gain[i] * (a.x[at + i] * s));
    });
    return s;
}

// y = silu(gate) ⊙ up, silu(x) = x·σ(x); gateUp [rows, 2·width]: gate, then up. Shazeer 2020, arXiv:2002.05202.
struct SwiGluArgs { Activations gateUp, dy, y; int rows, width; };

DEVICE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

DEVICE float swiglu_of(float gate, float up) { return gate * sigmoid(gate) * up; }
