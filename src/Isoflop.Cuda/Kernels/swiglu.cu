#include "norm_swiglu.h"

KERNEL(swiglu, SwiGluArgs, 256)
{
    long long length = (long long)a.rows * a.width;
    for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
    {
        const float* gate = a.gateUp + i / a.width * 2 * a.width + i % a.width;
        a.y[i] = swiglu_of(gate[0], gate[a.width]);
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
