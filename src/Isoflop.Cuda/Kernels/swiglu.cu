#include "kernel.h"

// y = silu(gate) ⊙ up, silu(x) = x·σ(x); gateUp [rows, 2·width]: gate, then up. Shazeer 2020, arXiv:2002.05202.
struct SwiGluArgs { const float* gateUp; const float* dy; float* y; int rows, width; };

DEVICE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

KERNEL(swiglu, SwiGluArgs, 256)
{
    long long length = (long long)a.rows * a.width;
    for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
    {
        const float* gate = a.gateUp + i / a.width * 2 * a.width + i % a.width;
        a.y[i] = gate[0] * sigmoid(gate[0]) * gate[a.width];
    }
}

// dUp = dy⊙silu(gate); dGate = dy⊙up⊙σ(gate)·(1 + gate·(1 − σ(gate))). y is dGateUp, which may be gateUp.
KERNEL(swiglu_backward, SwiGluArgs, 256)
{
    long long length = (long long)a.rows * a.width;
    for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
    {
        long long at = i / a.width * 2 * a.width + i % a.width;
        float gate = a.gateUp[at], up = a.gateUp[at + a.width], dy = a.dy[i], sigma = sigmoid(gate), silu = gate * sigma;
        a.y[at] = dy * up * (sigma + silu * (1 - sigma));
        a.y[at + a.width] = dy * silu;
    }
}
