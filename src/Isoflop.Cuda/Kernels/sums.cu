#include "kernel.h"

// sum[0] += Σ weights[r]·nll[r] in doubles: a warp takes 64 rows, then those sums one after another.
struct LossArgs { const float *weights, *nll; double *parts, *sum; int rows; };
const int LossRows = 64;

KERNEL(loss_parts, LossArgs, 256)
{
    int part = block_x() * 8 + warp(), r = part * LossRows + lane();
    if (part * LossRows >= a.rows) return;
    double low = r < a.rows ? (double)a.weights[r] * a.nll[r] : 0;
    double high = r + 32 < a.rows ? (double)a.weights[r + 32] * a.nll[r + 32] : 0;
    double sum = warp_sum(low + high);
    if (lane() == 0) a.parts[part] = sum;
}

KERNEL(loss_sum, LossArgs, 32)
{
    if (thread() > 0) return;
    double sum = *a.sum;
#pragma unroll 16
    for (int part = 0; part < (a.rows + LossRows - 1) / LossRows; part++) sum += a.parts[part];
    *a.sum = sum;
}

// sum[0] = Σ x² in doubles, by chunks of 4,096.
struct SquaresArgs { const float* x; double *parts, *sum; long long length; };
const int SquaresChunk = 4096;

DEVICE double block_sum(double x)
{
    double* sums = (double*)shared_memory();                 // [8]
    x = warp_sum(x);
    if (lane() == 0) sums[warp()] = x;
    block_barrier();
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

KERNEL(squares_parts, SquaresArgs, 256)
{
    long long from = (long long)block_x() * SquaresChunk, to = from + SquaresChunk < a.length ? from + SquaresChunk : a.length;
    double sum = 0;
#pragma unroll 4
    for (long long i = from + thread(); i < to; i += 256) sum += (double)a.x[i] * a.x[i];
    sum = block_sum(sum);
    if (thread() == 0) a.parts[block_x()] = sum;
}

KERNEL(squares_sum, SquaresArgs, 256)
{
    double sum = 0;
#pragma unroll 4
    for (long long part = thread(); part * SquaresChunk < a.length; part += 256) sum += a.parts[part];
    sum = block_sum(sum);
    if (thread() == 0) *a.sum = sum;
}
