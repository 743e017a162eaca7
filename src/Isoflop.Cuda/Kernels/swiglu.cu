#include "kernel.h"

// y = silu(gate) ⊙ up, silu(x) = x·σ(x); gateUp [rows, 2·width]: gate, then up. Shazeer 2020, arXiv:2002.05202.
struct SwiGluArgs { Activations gateUp, dy, y; int rows, width; };

DEVICE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

struct GateUp { float gate, up; };

DEVICE float swiglu_of(float gate, float up) { return gate * sigmoid(gate) * up; }

// dUp = dy⊙silu(gate); dGate = dy⊙up⊙σ(gate)·(1 + gate·(1 − σ(gate))).
DEVICE GateUp gradient_of(float gate, float up, float dy)
{
    float sigma = sigmoid(gate), silu = gate * sigma;
    return { dy * up * (sigma + silu * (1 - sigma)), dy * silu };
}

// Where rows have quads, each thread takes four elements at a time: use(where in y, where in gateUp). Counted in 32 bits, since a
// division of 64 is a subroutine, and they hold the quads of any pass.
template <class Use> DEVICE void each_quad(const SwiGluArgs& a, Use use)
{
    unsigned quads = a.width / 4, all = (unsigned)a.rows * quads;
    for (unsigned i = block_x() * 256u + thread(); i < all; i += blocks_x() * 256u)
    {
        unsigned row = i / quads, column = 4 * (i - row * quads);
        use((long long)row * a.width + column, (long long)row * 2 * a.width + column);
    }
}

template <class Use> DEVICE void each_element(const SwiGluArgs& a, Use use)
{
    long long length = (long long)a.rows * a.width;
    for (long long i = (long long)block_x() * 256 + thread(); i < length; i += (long long)blocks_x() * 256)
        use(i, i / a.width * 2 * a.width + i % a.width);
}

DEVICE bool counted_in_quads(const SwiGluArgs& a) { return (long long)a.rows * a.width < 1ll << 32; }

KERNEL(swiglu, SwiGluArgs, 256)
{
    int W = a.width;
    with_elements(a.y, [&](auto y)
    {
        decltype(y) gateUp(a.gateUp);
        if (y.quads(W) && gateUp.quads(W) && counted_in_quads(a))
            each_quad(a, [&](long long at, long long gate)
            {
                float4 g = gateUp.load4(gate), u = gateUp.load4(gate + W);
                y.put_quad(at, swiglu_of(g.x, u.x), swiglu_of(g.y, u.y), swiglu_of(g.z, u.z), swiglu_of(g.w, u.w));
            });
        else each_element(a, [&](long long at, long long gate) { y.put(at, swiglu_of(gateUp[gate], gateUp[gate + W])); });
    });
}

// y is dGateUp, which may be gateUp.
KERNEL(swiglu_backward, SwiGluArgs, 256)
{
    int W = a.width;
    with_elements(a.y, [&](auto y)
    {
        decltype(y) gateUp(a.gateUp), dy(a.dy);
        if (y.quads(W) && gateUp.quads(W) && dy.quads(W) && counted_in_quads(a))
            each_quad(a, [&](long long at, long long gate)
            {
                float4 g = gateUp.load4(gate), u = gateUp.load4(gate + W), d = dy.load4(at);
                GateUp d0 = gradient_of(g.x, u.x, d.x), d1 = gradient_of(g.y, u.y, d.y);
                GateUp d2 = gradient_of(g.z, u.z, d.z), d3 = gradient_of(g.w, u.w, d.w);
                y.put_quad(gate, d0.gate, d1.gate, d2.gate, d3.gate);
                y.put_quad(gate + W, d0.up, d1.up, d2.up, d3.up);
            });
        else
            each_element(a, [&](long long at, long long gate)
            {
                GateUp d = gradient_of(gateUp[gate], gateUp[gate + W], dy[at]);
                y.put(gate, d.gate);
                y.put(gate + W, d.up);
            });
    });
}
