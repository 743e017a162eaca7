#include "kernel.h"

// y = silu(gate) ⊙ up, silu(x) = x·σ(x); gateUp [rows, 2·width]: gate, then up. Shazeer 2020, arXiv:2002.05202.
struct SwiGluArgs { Activations gateUp, dy, y; int rows, width; };

DEVICE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

KERNEL(swiglu, SwiGluArgs, 256)
{
    long long length = (long long)a.rows * a.width;
    with_elements(a.y, [&](auto y)
    {
        decltype(y) gateUp(a.gateUp);
        for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
        {
            long long at = i / a.width * 2 * a.width + i % a.width;
            float gate = gateUp[at];
            y.put(i, gate * sigmoid(gate) * gateUp[at + a.width]);
        }
    });
}

// dUp = dy⊙silu(gate); dGate = dy⊙up⊙σ(gate)·(1 + gate·(1 − σ(gate))). y is dGateUp, which may be gateUp.
KERNEL(swiglu_backward, SwiGluArgs, 256)
{
    long long length = (long long)a.rows * a.width;
    with_elements(a.y, [&](auto y)
    {
        decltype(y) gateUp(a.gateUp), dy(a.dy);
        for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
        {
            long long at = i / a.width * 2 * a.width + i % a.width;
            float gate = gateUp[at], up = gateUp[at + a.width], d = dy[i], sigma = sigmoid(gate), silu = gate * sigma;
            y.put(at, d * up * (sigma + silu * (1 - sigma)));
            y.put(at + a.width, d * silu);
        }
    });
}
