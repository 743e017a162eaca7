// What attention is made of, in training, reading and decoding alike, so that a row gets the same bits in each. A tile has 16
// query rows a warp and 64 keys; key tiles start at the sequence's start. A masked key weighs an exact zero, and a tile of
// masked keys alone changes nothing. Dao et al. 2022, arXiv:2205.14135.
#pragma once
#include "tile.h"

const int TileRows = 64;

template <class T> using Stored = typename Kept<T>::activations;

// A row of qkv is heads query vectors, kvHeads key vectors, kvHeads value vectors, each D wide.
struct AttentionShape { int heads, kvHeads, D; };

DEVICE int row_stride(const AttentionShape& s) { return (s.heads + 2 * s.kvHeads) * s.D; }

// Copies count rows of D elements into a tile of Rows × W, times scale; zeros elsewhere. Each of so many workers takes four
// elements at a time, and asks for four such pieces before it waits for the first.
template <class T, int W, int Rows> DEVICE void load_rows(T* tile, Stored<T> from, int stride, int count, int D, float scale,
    int worker, int workers)
{
    const int Pieces = Rows * W / 4, Ahead = 4;
    bool aligned = D % 4 == 0 && from.quads(stride);
    for (int first = worker; first < Pieces; first += Ahead * workers)
    {
        typename Stored<T>::Four held[Ahead];
#pragma unroll
        for (int i = 0; i < Ahead; i++)
        {
            int piece = first + i * workers, row = piece / (W / 4), d = piece % (W / 4) * 4, left = D - d;
            long long at = (long long)row * stride + d;
            if (row < count && left >= 4 && aligned) held[i] = from.four(at);
            else held[i] = from.some(at, row < count ? left : 0);
        }
#pragma unroll
        for (int i = 0; i < Ahead; i++)
        {
            int piece = first + i * workers;
            if (piece < Pieces) put4(tile + piece / (W / 4) * padded<T>(W) + piece % (W / 4) * 4, held[i], scale);
        }
    }
}

// The same for a tile of 64 rows by all threads of the block.
template <class T, int W> DEVICE void load_tile(T* tile, Stored<T> from, int stride, int count, int D, float scale = 1)
{
    load_rows<T, W, TileRows>(tile, from, stride, least(count, TileRows), D, scale, thread(), threads());
}

// Rows of a 64-row stretch at which a tile begins: one bit each. The same in all threads.
DEVICE unsigned long long tile_heads(const int* positions, int rows, int r0)
{
    int low = r0 + lane(), high = low + 32;
    unsigned first = warp_ballot(low < rows && positions[low] % TileRows == 0);
    unsigned second = warp_ballot(high < rows && positions[high] % TileRows == 0);
    return (unsigned long long)second << 32 | first;
}

// Rows of the tile that begins at row r: those of its sequence, at most 64.
DEVICE int tile_rows(const int* positions, int rows, int r)
{
    int at = positions[r], low = r + lane(), high = low + 32;
    unsigned first = warp_ballot(low >= rows || positions[low] != at + lane());
    unsigned second = warp_ballot(high >= rows || positions[high] != at + lane() + 32);
    return first ? __builtin_ctz(first) : second ? 32 + __builtin_ctz(second) : TileRows;
}

// A warp's 16 query rows on their way through the keys. W: D rounded up to the tile. Row g is [0], row g + 8 is [1].
template <class T, int W> struct Gathered
{
    float sums[1][W / 8][4], max[2], total[2];

    DEVICE_MEMBER void begin()
    {
#pragma unroll
        for (int j = 0; j < W / 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) sums[0][j][e] = 0;
        max[0] = max[1] = -Infinity;
        total[0] = total[1] = 0;
    }

    // Takes in a tile of keys and values. Keys [0, seen[h]] are visible to row g + 8·h. p: [16][64] of the warp's own.
    DEVICE_MEMBER void add(const T* q, const T* k, const T* v, T* p, const int (&seen)[2])
    {
        const int Ld = padded<T>(W), LdP = padded<T>(TileRows);
        float score[1][8][4];
#pragma unroll
        for (int j = 0; j < 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) score[0][j][e] = 0;
        multiply<1, 8, false, false>(score, q, Ld, k, Ld, W);
        int g = lane() / 4, t = lane() % 4;
#pragma unroll
        for (int h = 0; h < 2; h++)
        {
            float top = -Infinity;
#pragma unroll
            for (int j = 0; j < 8; j++)
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    float& s = score[0][j][2 * h + e];
                    if (8 * j + 2 * t + e > seen[h]) s = -Infinity;
                    top = greater(top, s);
                }
            top = greater(top, exchange(top, 1));
            top = greater(top, exchange(top, 2));
            top = greater(top, max[h]);
            float shrink = exponential(max[h] - top), sum = 0;
            max[h] = top;
#pragma unroll
            for (int j = 0; j < 8; j++)
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    float weight = exponential(score[0][j][2 * h + e] - top);
                    sum += weight;
                    put(p + (g + 8 * h) * LdP + 8 * j + 2 * t + e, weight);
                }
            sum += exchange(sum, 1);
            sum += exchange(sum, 2);
            total[h] = total[h] * shrink + sum;
#pragma unroll
            for (int j = 0; j < W / 8; j++)
#pragma unroll
                for (int e = 0; e < 2; e++) sums[0][j][2 * h + e] *= shrink;
        }
        warp_barrier();
        multiply<1, W / 8, false, true>(sums, p, LdP, v, Ld, TileRows);
        warp_barrier();
    }

    // Row g + 8·h of the result, where it is wanted.
    DEVICE_MEMBER void finish(int h, Stored<T> to, int D) const
    {
        int t = lane() % 4;
        bool pairs = to.pairs(D);
#pragma unroll
        for (int j = 0; j < W / 8; j++)
            store_pair(to, 8 * j + 2 * t, D - 8 * j - 2 * t, pairs, sums[0][j][2 * h] / total[h], sums[0][j][2 * h + 1] / total[h]);
    }
};

// A kernel that is compiled for each width of a head, HEAD, too: its name ends in both.
#define HEAD_KERNEL(name, Args, threads) HEAD_NAMED(name, HEAD, OPERAND, Args, threads)
#define HEAD_NAMED(name, W, T, Args, threads) HEAD_PASTED(name, W, T, Args, threads)
#define HEAD_PASTED(name, W, T, Args, threads) KERNEL(name##_##W##_##T, Args, threads)
