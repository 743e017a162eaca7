#include "kernel.h"

// m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p·(1 − lr·wd) − lr·m̂/(√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ), the gradient first
// scaled to a norm of at most clip. Loshchilov & Hutter 2019, arXiv:1711.05101. Is one of the sums (loss, squares) not finite,
// nothing is changed.
struct AdamWArgs
{
    float *p; const float* g; float *m, *v; const double* sums; long long length, decayed; double clip;
    float rate, beta1, beta2, epsilon, decay; int step;
};

DEVICE double power(double x, int n)
{
    double result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1) result *= x;
    return result;
}

DEVICE bool finite(double x) { return x - x == 0; }

KERNEL(adamw, AdamWArgs, 256)
{
    double norm = __builtin_sqrt(a.sums[1]);
    if (!finite(a.sums[0]) || !finite(norm)) return;
    float scale = a.clip > 0 && norm > a.clip ? (float)(a.clip / norm) : 1;
    float c1 = (float)(1 - power(a.beta1, a.step)), c2 = (float)(1 - power(a.beta2, a.step));
    // p − lr·(m/c1)/(√(v/c2) + ε) = p − rate·m/(√v + ε')
    float rate = a.rate * __builtin_sqrtf(c2) / c1, epsilon = a.epsilon * __builtin_sqrtf(c2), decay = a.rate * a.decay;
    float g1 = (float)((1 - (double)a.beta1) * scale), g2 = (float)((1 - (double)a.beta2) * scale * scale);
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256)
    {
        float g = a.g[i], m = multiply_add(a.m[i], a.beta1, g * g1), v = multiply_add(a.v[i], a.beta2, g * g * g2);
        a.m[i] = m;
        a.v[i] = v;
        a.p[i] = a.p[i] * (i < a.decayed ? 1 - decay : 1) - m * rate / (__builtin_sqrtf(v) + epsilon);
    }
}

// Gradients become directions in place: Adam's m̂/(√v̂ + ε), or, without v, Nesterov's momentum β₁m + (1−β₁)g. Scaled and refused
// as above; p is not there.
KERNEL(direction, AdamWArgs, 256)
{
    double norm = __builtin_sqrt(a.sums[1]);
    if (!finite(a.sums[0]) || !finite(norm)) return;
    float scale = a.clip > 0 && norm > a.clip ? (float)(a.clip / norm) : 1;
    float c1 = (float)(1 - power(a.beta1, a.step)), c2 = (float)(1 - power(a.beta2, a.step));
    float rate = __builtin_sqrtf(c2) / c1, epsilon = a.epsilon * __builtin_sqrtf(c2);
    float g1 = (float)((1 - (double)a.beta1) * scale), g2 = (float)((1 - (double)a.beta2) * scale * scale);
    float* to = (float*)a.g;
    for (long long i = (long long)block_x() * 256 + thread(); i < a.length; i += (long long)blocks_x() * 256)
    {
        float g = a.g[i], m = multiply_add(a.m[i], a.beta1, g * g1);
        a.m[i] = m;
        if (!a.v) to[i] = multiply_add(m, a.beta1, g * g1);
        else
        {
            float v = multiply_add(a.v[i], a.beta2, g * g * g2);
            a.v[i] = v;
            to[i] = m * rate / (__builtin_sqrtf(v) + epsilon);
        }
    }
}
