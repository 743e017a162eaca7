// One formula of log-probabilities: of the loss, of reading and of drawing.
#pragma once
#include "kernel.h"

// Of a row's sum each part has every 128th element; of a long row every 1024th, so that as many threads can share it.
const int RowThreads = 128, LongRow = 16384, LongThreads = 1024;

// Shared memory of a block that goes over a row: a float a warp, one for each 32 parts of the sum; of 128 threads a double and a key a warp.
struct RowRoom { float tops[32], sums[32]; double masses[4]; unsigned long long keys[4]; };

DEVICE RowRoom& row_room() { return *(RowRoom*)shared_memory(); }

// The row's largest logit and Σ exp(x − max): parts, then a tree. All threads get the same, however many there are.
template <int Threads> DEVICE void max_and_sum(const float* x, int V, float& max, float& sum)
{
    float top = -Infinity;
#pragma unroll 8
    for (int i = thread(); i < V; i += Threads) top = greater(top, x[i]);
    top = warp_max(top);
    if (lane() == 0) row_room().tops[warp()] = top;
    block_barrier();
    max = row_room().tops[0];
    for (int w = 1; w < Threads / 32; w++) max = greater(max, row_room().tops[w]);
    int parts = V < LongRow ? RowThreads : LongThreads;
    for (int part = thread(); part < parts; part += Threads)
    {
        float total = 0;
#pragma unroll 4
        for (int i = part; i < V; i += parts) total += exponential(x[i] - max);
        total = warp_sum(total);
        if (lane() == 0) row_room().sums[part / 32] = total;
    }
    block_barrier();
    const float* sums = row_room().sums;
    sum = parts == RowThreads ? (sums[0] + sums[1]) + (sums[2] + sums[3]) : warp_sum(sums[lane()]);
    block_barrier();
}

// −ln p of a logit, nats; log is logarithm(sum).
DEVICE float nll_of(float logit, float max, double log) { return (float)((double)max - logit + log); }
