#include "kernel.h"

// sum[0] += Σ weights[r]·nll[r] in doubles: a warp takes 64 rows, then the last block adds those sums one after another.
struct LossArgs { const float *weights, *nll; double *parts, *sum; unsigned* counter; int rows; };
const int LossRows = 64;

KERNEL(loss, LossArgs, 256)
{
    int part = block_x() * 8 + warp(), r = part * LossRows + lane(), parts = (a.rows + LossRows - 1) / LossRows;
    double* held = (double*)shared_memory();                 // [256], and a word
    double low = r < a.rows ? (double)a.weights[r] * a.nll[r] : 0;
    double high = r + 32 < a.rows ? (double)a.weights[r + 32] * a.nll[r + 32] : 0;
    double sum = warp_sum(low + high);
    if (lane() == 0 && part < parts) a.parts[part] = sum;
    if (!is_last(a.counter, blocks_x(), (int*)(held + 256))) return;
    sum = *a.sum;
    for (int from = 0; from < parts; from += 256)
    {
        block_barrier();
        if (from + thread() < parts) held[thread()] = a.parts[from + thread()];
        block_barrier();
        int count = least(256, parts - from);
        if (thread() == 0)
#pragma unroll 16
            for (int i = 0; i < count; i++) sum += held[i];
    }
    if (thread() == 0) *a.sum = sum;
}

// sum[0] = Σ x² in doubles, by chunks of 4,096, which the last block adds up.
struct SquaresArgs { const float* x; double *parts, *sum; unsigned* counter; long long length; };
const int SquaresChunk = 4096;

DEVICE double block_sum(double x)
{
    double* sums = (double*)shared_memory();                 // [8]
    x = warp_sum(x);
    if (lane() == 0) sums[warp()] = x;
    block_barrier();
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

KERNEL(squares, SquaresArgs, 256)
{
    long long from = (long long)block_x() * SquaresChunk, to = from + SquaresChunk < a.length ? from + SquaresChunk : a.length;
    double sum = 0;
#pragma unroll 4
    for (long long i = from + thread(); i < to; i += 256) sum += (double)a.x[i] * a.x[i];
    sum = block_sum(sum);
    if (thread() == 0) a.parts[block_x()] = sum;
    if (!is_last(a.counter, blocks_x(), (int*)((double*)shared_memory() + 8))) return;
    sum = 0;
#pragma unroll 4
    for (int part = thread(); part < blocks_x(); part += 256) sum += a.parts[part];
    sum = block_sum(sum);
    if (thread() == 0) *a.sum = sum;
}
