#include "attention.h"

// y = softmax(q·kᵀ/√D)·v, causal within each sequence; lse [heads, rows] = ln Σ exp of the scores. A block looks at 64 rows and
// one head, and takes each tile of queries that begins among them: tiles begin at positions 0, 64, … of their sequence, so that
// nothing but positions tells sequences apart.
struct AttentionArgs
{
    Activations qkv; const int* positions; Activations y; float* lse; AttentionShape shape; int rows; float scale;
};

template <class T, int W> DEVICE void attend(const AttentionArgs& a)
{
    const int Ld = padded<T>(W);
    T *q = (T*)shared_memory(), *k = q + TileRows * Ld, *v = k + TileRows * Ld, *p = v + TileRows * Ld;
    T *ownQ = q + warp() * 16 * Ld, *ownP = p + warp() * 16 * padded<T>(TileRows);
    int D = a.shape.D, S = row_stride(a.shape), h = block_y(), kvHead = h / (a.shape.heads / a.shape.kvHeads), g = lane() / 4;
    for (unsigned long long heads = tile_heads(a.positions, a.rows, block_x() * TileRows); heads; heads &= heads - 1)
    {
        int r = block_x() * TileRows + __builtin_ctzll(heads), at = a.positions[r], count = tile_rows(a.positions, a.rows, r);
        Activations keys = a.qkv + (long long)(r - at) * S + (a.shape.heads + kvHead) * D;
        block_barrier();
        load_tile<T, W>(q, a.qkv + (long long)r * S + h * D, S, count, D, a.scale);
        Gathered<T, W> own;
        own.begin();
        for (int k0 = 0; k0 < at + count; k0 += TileRows)
        {
            int there = least(TileRows, at + count - k0);
            block_barrier();
            load_tile<T, W>(k, keys + (long long)k0 * S, S, there, D);
            load_tile<T, W>(v, keys + (long long)k0 * S + a.shape.kvHeads * D, S, there, D);
            block_barrier();
            int first = at + warp() * 16 + g - k0, seen[2] = { first, first + 8 };
            own.add(ownQ, k, v, ownP, seen);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            int row = warp() * 16 + g + 8 * i;
            if (row >= count) continue;
            own.finish(i, a.y + (long long)(r + row) * a.shape.heads * D + h * D, D);
            if (lane() % 4 == 0) a.lse[(long long)h * a.rows + r + row] = own.max[i] + (float)logarithm(own.total[i]);
        }
    }
}

HEAD_KERNEL(attention, AttentionArgs, 128) { attend<OPERAND, HEAD>(a); }
