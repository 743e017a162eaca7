// One formula of log-probabilities: of the loss, of reading and of drawing.
#pragma once
#include "kernel.h"

const int RowThreads = 128;

// Shared memory of a block that goes over a row: four floats, four doubles, four keys.
struct RowRoom { float tops[4], sums[4]; double masses[4]; unsigned long long keys[4]; };

DEVICE RowRoom& row_room() { return *(RowRoom*)shared_memory(); }

// The row's largest logit and Σ exp(x − max): each thread every 128th element, then a tree. All threads get the same.
DEVICE void max_and_sum(const float* x, int V, float& max, float& sum)
{
    float top = -Infinity, total = 0;
#pragma unroll 8
    for (int i = thread(); i < V; i += RowThreads) top = greater(top, x[i]);
    top = warp_max(top);
    if (lane() == 0) row_room().tops[warp()] = top;
    block_barrier();
    max = row_room().tops[0];
    for (int w = 1; w < 4; w++) max = greater(max, row_room().tops[w]);
#pragma unroll 4
    for (int i = thread(); i < V; i += RowThreads) total += exponential(x[i] - max);
    total = warp_sum(total);
    if (lane() == 0) row_room().sums[warp()] = total;
    block_barrier();
    sum = (row_room().sums[0] + row_room().sums[1]) + (row_room().sums[2] + row_room().sums[3]);
    block_barrier();
}

// −ln p of a logit, nats; log is logarithm(sum).
DEVICE float nll_of(float logit, float max, double log) { return (float)((double)max - logit + log); }
