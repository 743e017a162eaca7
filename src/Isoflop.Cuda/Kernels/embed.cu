#include "kernel.h"

// y[r] = table[tokens[r]]; table [V, C], y [rows, C], both floats or both activations.
struct EmbedArgs { Activations table; const int* tokens; Activations y; int rows, C; };

KERNEL(embed, EmbedArgs, 256)
{
    with_elements(a.y, [&](auto y)
    {
        decltype(y) table(a.table);
        for (int r = block_x(); r < a.rows; r += blocks_x())
            for (int c = thread(); c < a.C; c += 256) y.put((long long)r * a.C + c, table[(long long)a.tokens[r] * a.C + c]);
    });
}

// dTable[tokens[r]] += dy[r], in the order of the rows, without atomics: a block owns so many tokens (32 at most), 256 columns and
// one group of rows. It reads the tokens of its group 256 at a time, lists its own in their order, and adds their rows one by one.
// Block b of B owns tokens b, b + B, …: neighbours are often frequent together.
struct EmbedBackwardArgs { const int* tokens; const float* dy; float* dTable; Groups groups; int rows, C, owned; };

KERNEL(embed_backward, EmbedBackwardArgs, 256)
{
    const int Ahead = 4;                                     // rows under way before the first is added
    int blocks = blocks_x(), c = block_y() * 256 + thread(), g = block_z();
    int begin = group_begin(a.groups, g, a.rows), end = group_begin(a.groups, g + 1, a.rows);
    float* to = a.dTable + g * a.groups.stride + (long long)block_x() * a.C + c;
    long long step = (long long)blocks * a.C;                // from one own token to the next
    float* sums = (float*)shared_memory() + thread();        // [owned][256], a column of each thread's own
    int *listed = (int*)((float*)shared_memory() + a.owned * 256), *listedTokens = listed + 256;
    unsigned *votes = (unsigned*)(listedTokens + 256), found = 0;
    for (int r0 = begin; r0 < end; r0 += 256)
    {
        int r = r0 + thread(), token = r < end ? a.tokens[r] : 0, before = 0, count = 0;
        bool own = r < end && token % blocks == block_x();
        unsigned vote = warp_ballot(own);
        if (lane() == 0) votes[warp()] = vote;
        block_barrier();
        for (int w = 0; w < 8; w++)
        {
            int n = __builtin_popcount(votes[w]);
            before += w < warp() ? n : 0;
            count += n;
        }
        if (own)
        {
            int at = before + __builtin_popcount(vote & ((1u << lane()) - 1));
            listed[at] = r;
            listedTokens[at] = token / blocks;
        }
        block_barrier();                                     // and before the next votes
        for (int i = 0; i < count && c < a.C; i += Ahead)
        {
            float held[Ahead];
#pragma unroll
            for (int j = 0; j < Ahead; j++) held[j] = i + j < count ? a.dy[(long long)listed[i + j] * a.C + c] : 0;
#pragma unroll
            for (int j = 0; j < Ahead; j++)
            {
                if (i + j >= count) continue;
                int t = listedTokens[i + j];
                sums[t * 256] = (found >> t & 1 ? sums[t * 256] : to[t * step]) + held[j];
                found |= 1u << t;
            }
        }
    }
    for (; found != 0; found &= found - 1)
    {
        int t = __builtin_ctz(found);
        to[t * step] = sums[t * 256];
    }
}
