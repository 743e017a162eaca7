#include "kernel.h"

// y[r] = table[tokens[r]]; table [V, C], y [rows, C].
struct EmbedArgs { const float* table; const int* tokens; float* y; int rows, C; };

KERNEL(embed, EmbedArgs, 256)
{
    for (int r = block_x(); r < a.rows; r += blocks_x())
        for (int c = thread(); c < a.C; c += 256) a.y[(long long)r * a.C + c] = a.table[(long long)a.tokens[r] * a.C + c];
}

// dTable[tokens[r]] += dy[r], in the order of the rows, without atomics: a block owns one token, 256 columns and one group of
// rows. It reads the tokens of its group 256 at a time, finds its own by vote, and adds their rows one by one.
struct EmbedBackwardArgs { const int* tokens; const float* dy; float* dTable; Groups groups; int rows, C; };

KERNEL(embed_backward, EmbedBackwardArgs, 256)
{
    int own = block_x(), c = block_y() * 256 + thread(), g = block_z();
    int begin = group_begin(a.groups, g, a.rows), end = group_begin(a.groups, g + 1, a.rows);
    float* to = a.dTable + g * a.groups.stride + (long long)own * a.C + c;
    unsigned* votes = (unsigned*)shared_memory();            // [8]
    bool found = false;
    float sum = 0;
    for (int r0 = begin; r0 < end; r0 += 256)
    {
        int r = r0 + thread();
        unsigned vote = warp_ballot(r < end && a.tokens[r] == own);
        if (lane() == 0) votes[warp()] = vote;
        block_barrier();
        for (int w = 0; w < 8; w++)
            for (unsigned left = votes[w]; left != 0; left &= left - 1)
            {
                if (c >= a.C) break;
                if (!found) sum = *to, found = true;
                sum += a.dy[(long long)(r0 + 32 * w + __builtin_ctz(left)) * a.C + c];
            }
        block_barrier();
    }
    if (found) *to = sum;
}
