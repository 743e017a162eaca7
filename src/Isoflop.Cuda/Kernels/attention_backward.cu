#include "attention.h"

// dv = pᵀ·dy, ds = p⊙(dy·vᵀ − dy·y), dq = ds·k/√D, dk = dsᵀ·q/√D; p = exp(q·kᵀ/√D − lse). Three kernels without atomics: dy·y of
// every row; dq, a tile of queries over all keys it sees; dk and dv, a tile of keys over all queries that see it, the query
// heads of its group in their order. All are one launch where a card has room for the last two at once, and each tile makes the
// dy·y that it needs itself; else dq alone, with fewer registers, has more blocks on a processor.
struct AttentionBackwardArgs
{
    Activations qkv; const int* positions; Activations y; const float* lse; Activations dy; float* delta; Activations dqkv;
    AttentionShape shape; int rows; float scale;
};

// Σ_d dy·y of vector r·heads + h, by a warp: every lane's.
template <class T> DEVICE float delta_of(const AttentionBackwardArgs& a, int vector)
{
    Stored<T> y(a.y), dy(a.dy);
    long long at = (long long)vector * a.shape.D;
    float sum = 0;
    for (int d = lane(); d < a.shape.D; d += 32) sum = multiply_add(dy[at + d], y[at + d], sum);
    return warp_sum(sum);
}

// delta[h, r].
HEAD_KERNEL(attention_delta, AttentionBackwardArgs, 256)
{
    int vectors = a.rows * a.shape.heads;
    for (int i = block_x() * 8 + warp(); i < vectors; i += blocks_x() * 8)
    {
        float sum = delta_of<OPERAND>(a, i);
        if (lane() == 0) a.delta[(long long)(i % a.shape.heads) * a.rows + i / a.shape.heads] = sum;
    }
}

template <int N> DEVICE void zero(float (&x)[1][N][4])
{
#pragma unroll
    for (int j = 0; j < N; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) x[0][j][e] = 0;
}

// A warp's 16 rows of D elements, count of them there, times scale.
template <class T, int N> DEVICE void store_rows(Stored<T> to, int stride, int count, int D, const float (&x)[1][N][4], float scale)
{
    int g = lane() / 4, t = lane() % 4;
    bool pairs = D % 2 == 0 && to.pairs(stride);
#pragma unroll
    for (int j = 0; j < N; j++)
#pragma unroll
        for (int e = 0; e < 4; e += 2)
        {
            int row = g + e / 2 * 8, d = 8 * j + 2 * t;
            store_pair(to, (long long)row * stride + d, row < count ? D - d : 0, pairs, x[0][j][e] * scale, x[0][j][e + 1] * scale);
        }
}

// Delta: makes dy·y itself.
template <class T, int W, bool Delta> DEVICE void query_gradient(const AttentionBackwardArgs& a, int h)
{
    const int Ld = padded<T>(W), LdS = padded<T>(TileRows);
    T *q = (T*)shared_memory(), *dy = q + TileRows * Ld, *k = dy + TileRows * Ld, *v = k + TileRows * Ld, *ds = v + TileRows * Ld;
    T *ownQ = q + warp() * 16 * Ld, *ownDy = dy + warp() * 16 * Ld, *ownDs = ds + warp() * 16 * LdS;
    int D = a.shape.D, S = row_stride(a.shape), O = a.shape.heads * D;
    int kvHead = h / (a.shape.heads / a.shape.kvHeads), g = lane() / 4, t = lane() % 4;
    for (unsigned long long heads = tile_heads(a.positions, a.rows, block_x() * TileRows); heads; heads &= heads - 1)
    {
        int r = block_x() * TileRows + __builtin_ctzll(heads), at = a.positions[r], count = tile_rows(a.positions, a.rows, r);
        Activations keys = a.qkv + (long long)(r - at) * S + (a.shape.heads + kvHead) * D;
        block_barrier();
        load_tile<T, W>(q, a.qkv + (long long)r * S + h * D, S, count, D, a.scale);
        load_tile<T, W>(dy, a.dy + (long long)r * O + h * D, O, count, D);
        float lse[2], delta[2], dq[1][W / 8][4];
        zero(dq);
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = warp() * 16 + g + 8 * i;
            lse[i] = row < count ? a.lse[(long long)h * a.rows + r + row] : 0;
            delta[i] = !Delta && row < count ? a.delta[(long long)h * a.rows + r + row] : 0;
        }
        for (int i = 0; Delta && i < least(16, count - warp() * 16); i++)
        {
            float own = delta_of<T>(a, (r + warp() * 16 + i) * a.shape.heads + h);
            delta[0] = i == g ? own : delta[0];
            delta[1] = i == g + 8 ? own : delta[1];
        }
        for (int k0 = 0; k0 < at + count; k0 += TileRows)
        {
            int there = least(TileRows, at + count - k0);
            block_barrier();
            load_tile<T, W>(k, keys + (long long)k0 * S, S, there, D);
            load_tile<T, W>(v, keys + (long long)k0 * S + a.shape.kvHeads * D, S, there, D);
            block_barrier();
            float score[1][8][4], dp[1][8][4];
            zero(score);
            zero(dp);
            multiply<1, 8, false, false>(score, ownQ, Ld, k, Ld, W);
            multiply<1, 8, false, false>(dp, ownDy, Ld, v, Ld, W);
#pragma unroll
            for (int j = 0; j < 8; j++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                {
                    int row = warp() * 16 + g + e / 2 * 8, column = 8 * j + 2 * t + e % 2;
                    bool seen = row < count && k0 + column <= at + row;
                    float p = seen ? exponential(score[0][j][e] - lse[e / 2]) : 0;
                    put(ownDs + (row - warp() * 16) * LdS + column, p * (dp[0][j][e] - delta[e / 2]));
                }
            warp_barrier();
            multiply<1, W / 8, false, true>(dq, ownDs, LdS, k, Ld, TileRows);
            warp_barrier();
        }
        store_rows<T>(a.dqkv + (long long)(r + warp() * 16) * S + h * D, S, count - warp() * 16, D, dq, a.scale);
    }
}

template <class T, int W, bool Delta> DEVICE void key_gradient(const AttentionBackwardArgs& a, int kvHead)
{
    const int Ld = padded<T>(W), LdS = padded<T>(TileRows);
    T *k = (T*)shared_memory(), *v = k + TileRows * Ld, *q = v + TileRows * Ld, *dy = q + TileRows * Ld, *p = dy + TileRows * Ld;
    float* stats = (float*)(p + TileRows * LdS);             // [2][64]: lse and delta of the queries
    T *ownK = k + warp() * 16 * Ld, *ownV = v + warp() * 16 * Ld, *ownP = p + warp() * 16 * LdS;
    int D = a.shape.D, S = row_stride(a.shape), O = a.shape.heads * D, group = a.shape.heads / a.shape.kvHeads;
    int g = lane() / 4, t = lane() % 4;
    for (unsigned long long heads = tile_heads(a.positions, a.rows, block_x() * TileRows); heads; heads &= heads - 1)
    {
        int r = block_x() * TileRows + __builtin_ctzll(heads), at = a.positions[r], count = tile_rows(a.positions, a.rows, r);
        long long key = (long long)r * S + (a.shape.heads + kvHead) * D, value = key + a.shape.kvHeads * D;
        block_barrier();
        load_tile<T, W>(k, a.qkv + key, S, count, D);
        load_tile<T, W>(v, a.qkv + value, S, count, D);
        float dk[1][W / 8][4], dv[1][W / 8][4];
        zero(dk);
        zero(dv);
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++)
            for (int r1 = r; r1 < a.rows && a.positions[r1] == at + r1 - r; r1 += TileRows)
            {
                int queries = tile_rows(a.positions, a.rows, r1);
                block_barrier();
                load_tile<T, W>(q, a.qkv + (long long)r1 * S + h * D, S, queries, D, a.scale);
                load_tile<T, W>(dy, a.dy + (long long)r1 * O + h * D, O, queries, D);
                for (int i = thread(); i < (Delta ? 1 : 2) * TileRows; i += threads())
                {
                    int row = i % TileRows;
                    stats[i] = row < queries ? (i < TileRows ? a.lse : a.delta)[(long long)h * a.rows + r1 + row] : 0;
                }
                for (int row = warp(); Delta && row < TileRows; row += threads() / 32)
                {
                    float own = row < queries ? delta_of<T>(a, (r1 + row) * a.shape.heads + h) : 0;
                    if (lane() == 0) stats[TileRows + row] = own;
                }
                block_barrier();
                float score[1][8][4], dp[1][8][4];           // turned: keys down, queries across
                zero(score);
                zero(dp);
                multiply<1, 8, false, false>(score, ownK, Ld, q, Ld, W);
                multiply<1, 8, false, false>(dp, ownV, Ld, dy, Ld, W);
#pragma unroll
                for (int j = 0; j < 8; j++)
#pragma unroll
                    for (int e = 0; e < 4; e++)
                    {
                        int row = g + e / 2 * 8, column = 8 * j + 2 * t + e % 2;
                        bool seen = column < queries && warp() * 16 + row <= r1 - r + column;
                        float weight = seen ? exponential(score[0][j][e] - stats[column]) : 0;
                        put(ownP + row * LdS + column, weight);
                        dp[0][j][e] = weight * (dp[0][j][e] - stats[TileRows + column]);
                    }
                warp_barrier();
                multiply<1, W / 8, false, true>(dv, ownP, LdS, dy, Ld, TileRows);
                warp_barrier();
#pragma unroll
                for (int j = 0; j < 8; j++)
#pragma unroll
                    for (int e = 0; e < 4; e++) put(ownP + (g + e / 2 * 8) * LdS + 8 * j + 2 * t + e % 2, dp[0][j][e]);
                warp_barrier();
                multiply<1, W / 8, false, true>(dk, ownP, LdS, q, Ld, TileRows);
                warp_barrier();
            }
        long long own = (long long)warp() * 16 * S;
        store_rows<T>(a.dqkv + (key + own), S, count - warp() * 16, D, dk, 1);
        store_rows<T>(a.dqkv + (value + own), S, count - warp() * 16, D, dv, 1);
    }
}

HEAD_KERNEL(attention_dq, AttentionBackwardArgs, 128) { query_gradient<OPERAND, HEAD, false>(a, block_y()); }
HEAD_KERNEL(attention_dkv, AttentionBackwardArgs, 128) { key_gradient<OPERAND, HEAD, false>(a, block_y()); }

// Of operands in bf16 alone: float is for comparison.
#define JOINED_bf16 1
#define JOINED_OF(operand) JOINED_##operand
#define JOINED(operand) JOINED_OF(operand)
#if JOINED(OPERAND)
HEAD_KERNEL(attention_dqkv, AttentionBackwardArgs, 128)
{
    if (block_y() < a.shape.heads) query_gradient<OPERAND, HEAD, true>(a, block_y());
    else key_gradient<OPERAND, HEAD, true>(a, block_y() - a.shape.heads);
}
#endif
