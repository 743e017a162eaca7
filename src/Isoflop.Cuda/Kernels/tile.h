// Products of tiles that lie in shared memory, a warp at a time. T is what is multiplied: bf16 through the tensor cores, or
// float by chains of multiply-adds. Either way an element is one chain over ascending k that begins at its accumulator, and
// hangs on its own row and column alone: not on the tile it lies in, nor on its neighbours.
#pragma once
#include "kernel.h"

// Elements between rows of a tile of so many columns: lanes of a warp then read different banks.
template <class T> constexpr int padded(int columns) { return columns + 16 / (int)sizeof(T); }

DEVICE void put(float* to, float x) { *to = x; }
DEVICE void put(bf16* to, float x) { to->bits = (unsigned short)pack_bf16(x, 0); }
DEVICE void put4(float* to, float4 x) { *(float4*)to = x; }
DEVICE void put4(bf16* to, float4 x)
{
    *(unsigned long long*)to = pack_bf16(x.x, x.y) | (unsigned long long)pack_bf16(x.z, x.w) << 32;
}

// Four of what lies there, times scale.
DEVICE void put4(float* to, Floats::Four x, float scale) { put4(to, float4 { x.x * scale, x.y * scale, x.z * scale, x.w * scale }); }
DEVICE void put4(bf16* to, Bf16s::Four x, float scale)
{
    if (scale == 1) *(unsigned long long*)to = x;
    else put4(to, float4 { Bf16s::element<0>(x) * scale, Bf16s::element<1>(x) * scale, Bf16s::element<2>(x) * scale,
        Bf16s::element<3>(x) * scale });
}

// Where a lane finds its row of 8 for load_fragments: part p = lane / 8 begins at (row, k) + 8·(rowPart, kPart) of a tile stored
// [row][k], or [k][row] where it is turned.
template <bool Turned> DEVICE const bf16* fragment_at(const bf16* tile, int ld, int row, int k, int rowPart, int kPart)
{
    int along = lane() & 7;
    return Turned ? tile + (k + 8 * kPart + along) * ld + row + 8 * rowPart : tile + (row + 8 * rowPart + along) * ld + k + 8 * kPart;
}

// acc [16·M, 8·N] += A [16·M, K] · B [K, 8·N], K a multiple of 16, N even. A is stored [row][k], or [k][row] if TurnA; B
// [column][k], or [k][column] if TurnB; rows of either begin at multiples of 16 bytes. A lane holds rows g and g + 8, columns 2t
// and 2t + 1 of each 16×8 part, g = lane / 4, t = lane mod 4.
template <int M, int N, bool TurnA, bool TurnB>
DEVICE void multiply(float (&acc)[M][N][4], const bf16* a, int lda, const bf16* b, int ldb, int K)
{
    int low = lane() / 8 % 2, high = lane() / 16;
    for (int k = 0; k < K; k += 16)
    {
        unsigned left[M][4];
#pragma unroll
        for (int i = 0; i < M; i++) load_fragments<TurnA>(left[i], fragment_at<TurnA>(a, lda, 16 * i, k, low, high));
#pragma unroll
        for (int j = 0; j < N; j += 2)
        {
            unsigned right[4];                               // of columns 8j and 8j + 8
            load_fragments<TurnB>(right, fragment_at<TurnB>(b, ldb, 8 * j, k, high, low));
#pragma unroll
            for (int i = 0; i < M; i++)
            {
                mma_bf16(acc[i][j], left[i], right[0], right[1]);
                mma_bf16(acc[i][j + 1], left[i], right[2], right[3]);
            }
        }
    }
}

template <int M, int N, bool TurnA, bool TurnB>
DEVICE void multiply(float (&acc)[M][N][4], const float* a, int lda, const float* b, int ldb, int K)
{
    int g = lane() / 4, t = lane() % 4;
    for (int k = 0; k < K; k++)
    {
        float left[M][2];
#pragma unroll
        for (int i = 0; i < M; i++)
#pragma unroll
            for (int h = 0; h < 2; h++)
            {
                int row = 16 * i + g + 8 * h;
                left[i][h] = TurnA ? a[k * lda + row] : a[row * lda + k];
            }
#pragma unroll
        for (int j = 0; j < N; j++)
#pragma unroll
            for (int h = 0; h < 2; h++)
            {
                int column = 8 * j + 2 * t + h;
                float right = TurnB ? b[k * ldb + column] : b[column * ldb + k];
#pragma unroll
                for (int i = 0; i < M; i++)
                {
                    acc[i][j][h] = multiply_add(left[i][0], right, acc[i][j][h]);
                    acc[i][j][2 + h] = multiply_add(left[i][1], right, acc[i][j][2 + h]);
                }
            }
    }
}

// A kernel that is compiled for each kind of operand, OPERAND, which the compiler is told: its name ends in it.
#define OPERAND_KERNEL(name, Args, threads) OPERAND_NAMED(name, OPERAND, Args, threads)
#define OPERAND_NAMED(name, T, Args, threads) OPERAND_PASTED(name, T, Args, threads)
#define OPERAND_PASTED(name, T, Args, threads) KERNEL(name##_##T, Args, threads)
