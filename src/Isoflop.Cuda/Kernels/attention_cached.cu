#include "attention.h"

// Attention of single rows to the pages of their slots: 16 positions a page, for each key head its keys [16][D], then its values
// [16][D], as products take them. Kwon et al. 2023, arXiv:2309.06180. A warp takes a row and a key head; the query heads that share it are the rows of
// its tile, and each goes the way of Gathered, so that its bits are those of attention over the whole sequence.
struct CachedArgs
{
    Activations qkv; void* cache; const int *pages, *firstPage, *positions; Activations y; AttentionShape shape; int rows; float scale;
};
const int PageTokens = 16;

template <class T> DEVICE T* page_of(const CachedArgs& a, int row, int kvHead, int index)
{
    return (T*)a.cache + ((long long)a.pages[a.firstPage[row] + index] * a.shape.kvHeads + kvHead) * 2 * PageTokens * a.shape.D;
}

// Writes each row's keys and values at its position.
HEAD_KERNEL(cache_append, CachedArgs, 128)
{
    int D = a.shape.D, width = a.shape.kvHeads * D;
    Stored<OPERAND> qkv(a.qkv);
    for (int r = block_x(); r < a.rows; r += blocks_x())
        for (int i = thread(); i < width; i += 128)
        {
            int kvHead = i / D, d = i % D, at = a.positions[r];
            long long key = (long long)r * row_stride(a.shape) + a.shape.heads * D + i;
            OPERAND* page = page_of<OPERAND>(a, r, kvHead, at / PageTokens) + at % PageTokens * D + d;
            put(page, qkv[key]);
            put(page + PageTokens * D, qkv[key + width]);
        }
}

template <class T, int W> DEVICE void attend_cached(const CachedArgs& a)
{
    const int Ld = padded<T>(W);
    T *q = (T*)shared_memory(), *k = q + 16 * Ld, *v = k + TileRows * Ld, *p = v + TileRows * Ld;
    int D = a.shape.D, group = a.shape.heads / a.shape.kvHeads, r = block_x(), kvHead = block_y(), g = lane() / 4;
    int at = a.positions[r];
    for (int h0 = kvHead * group; h0 < (kvHead + 1) * group; h0 += 16)
    {
        int count = least(16, (kvHead + 1) * group - h0);
        Activations queries = a.qkv + (long long)r * row_stride(a.shape) + h0 * D;
        warp_barrier();
        load_rows<T, W, 16>(q, queries, D, count, D, a.scale, lane(), 32);
        Gathered<T, W> own;
        own.begin();
        for (int k0 = 0; k0 <= at; k0 += TileRows)
        {
            warp_barrier();
            for (int page = 0; page < TileRows / PageTokens; page++)
            {
                int first = k0 + page * PageTokens, there = least(PageTokens, at + 1 - first);
                const T* from = there > 0 ? page_of<T>(a, r, kvHead, first / PageTokens) : nullptr;
                load_rows<T, W, PageTokens>(k + page * PageTokens * Ld, from, D, there, D, 1, lane(), 32);
                load_rows<T, W, PageTokens>(v + page * PageTokens * Ld, from + PageTokens * D, D, there, D, 1, lane(), 32);
            }
            warp_barrier();
            int seen[2] = { at - k0, at - k0 };
            own.add(q, k, v, p, seen);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
            if (g + 8 * i < count) own.finish(i, a.y + ((long long)r * a.shape.heads + h0 + g + 8 * i) * D, D);
    }
}

HEAD_KERNEL(attention_cached, CachedArgs, 32) { attend_cached<OPERAND, HEAD>(a); }
