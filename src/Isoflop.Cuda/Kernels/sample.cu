#include "logits.h"

// Draws a token for each row of logits by inversion: the first at which the cumulated probability passes the uniform that the
// row's key names. temperature 0 takes the most probable; topK 0 and topP 1 keep all, else the most probable, best first, equal
// ones in the order of their ids. The log-probability, at temperature 1, is −nll of cross-entropy.
struct Key { long long stream, step; };
struct Drawn { int token; float logProb; };
struct SampleArgs { const float* logits; const Key* draws; Drawn* into; unsigned long long seed; float temperature, topP; int topK, rows, V; };

// Philox4x32-10. Salmon et al. 2011, doi:10.1145/2063384.2063405. The first word of the stream (seed, purpose 3, step, index).
DEVICE float uniform(unsigned long long seed, Key key)
{
    unsigned long long high = 3ull << 56 | (unsigned long long)key.step << 16 | (unsigned long long)key.stream >> 32;
    unsigned a = 0, b = (unsigned)key.stream, c = (unsigned)high, d = (unsigned)(high >> 32);
    unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    {
        unsigned long long x = 0xD2511F53ull * a, y = 0xCD9E8D57ull * c;
        a = (unsigned)(y >> 32) ^ b ^ k0;
        b = (unsigned)y;
        c = (unsigned)(x >> 32) ^ d ^ k1;
        d = (unsigned)x;
    }
    return (a >> 8) * (1.0f / (1 << 24));
}

DEVICE unsigned long long warp_least(unsigned long long x)
{
    for (int mask = 16; mask > 0; mask >>= 1)
    {
        unsigned low = exchange((unsigned)x, mask), high = exchange((unsigned)(x >> 32), mask);
        unsigned long long other = (unsigned long long)high << 32 | low;
        if (other < x) x = other;
    }
    return x;
}

// The least over the block.
DEVICE unsigned long long block_least(unsigned long long x)
{
    x = warp_least(x);
    if (lane() == 0) row_room().keys[warp()] = x;
    block_barrier();
    unsigned long long best = row_room().keys[0];
    for (int w = 1; w < 4; w++)
        if (row_room().keys[w] < best) best = row_room().keys[w];
    block_barrier();
    return best;
}

DEVICE double block_sum(double x)
{
    x = warp_sum(x);
    if (lane() == 0) row_room().masses[warp()] = x;
    block_barrier();
    double sum = (row_room().masses[0] + row_room().masses[1]) + (row_room().masses[2] + row_room().masses[3]);
    block_barrier();
    return sum;
}

const unsigned long long None = ~0ull;

struct Row
{
    const float* x;
    float max, sharpness;
    int V;

    DEVICE_MEMBER float p(int i) const { return exponential((x[i] - max) * sharpness); }

    // Sorts by probability, best first; the token in the lower half.
    DEVICE_MEMBER unsigned long long key(int i) const { return (unsigned long long)(~as<unsigned>(p(i))) << 32 | (unsigned)i; }

    // The best token behind one, or None.
    DEVICE_MEMBER unsigned long long next(bool first, unsigned long long behind) const
    {
        unsigned long long best = None;
        for (int i = thread(); i < V; i += RowThreads)
        {
            unsigned long long own = key(i);
            if ((first || own > behind) && own < best) best = own;
        }
        return block_least(best);
    }
};

// In the order of the ids: each thread has a stretch; the first stretch in which the sum passes is searched.
DEVICE int draw_from_all(const Row& row, float u, double total)
{
    double* sums = (double*)(shared_memory() + sizeof(RowRoom));                  // [128]
    int stretch = (row.V + RowThreads - 1) / RowThreads, from = least(thread() * stretch, row.V), to = least(from + stretch, row.V);
    double own = 0;
    for (int i = from; i < to; i++) own += row.p(i);
    sums[thread()] = own;
    block_barrier();
    double before = 0;
    for (int i = 0; i < thread(); i++) before += sums[i];
    unsigned long long best = None;
    for (int i = from; i < to && best == None; i++)
        if ((before += row.p(i)) > u * total) best = (unsigned)i;
    best = block_least(best);
    if (best != None) return (int)best;
    unsigned long long last = None;                          // rounding left the end open: the last that can be drawn
    for (int i = from; i < to; i++)
        if (row.p(i) > 0) last = (unsigned)(row.V - 1 - i);
    last = block_least(last);
    return last == None ? 0 : row.V - 1 - (int)last;
}

DEVICE int draw_from_best(const Row& row, float u, double total, int topK, float topP)
{
    int most = topK > 0 ? least(topK, row.V) : row.V, kept = 0;
    unsigned long long at = 0;
    double mass = 0;
    while (kept < most)
    {
        unsigned long long next = row.next(kept == 0, at);
        if (next == None) break;
        at = next;
        kept++;
        mass += row.p((int)(unsigned)at);
        if (topP < 1 && !(mass < topP * total)) break;       // also where it is no number
    }
    double cumulated = 0;
    int last = 0;
    at = 0;
    for (int i = 0; i < kept; i++)
    {
        at = row.next(i == 0, at);
        int token = (int)(unsigned)at;
        float p = row.p(token);
        if (p > 0 || i == 0) last = token;
        if ((cumulated += p) > u * mass) return token;
    }
    return last;
}

KERNEL(sample, SampleArgs, RowThreads)
{
    for (int r = block_x(); r < a.rows; r += blocks_x())
    {
        Row row = { a.logits + (long long)r * a.V, 0, a.temperature > 0 ? 1 / a.temperature : 1, a.V };
        float sum;
        max_and_sum<RowThreads>(row.x, a.V, row.max, sum);
        int token;
        if (a.temperature <= 0)
        {
            unsigned long long best = None;
            for (int i = thread(); i < a.V && best == None; i += RowThreads)
                if (row.x[i] == row.max) best = (unsigned)i;
            best = block_least(best);
            token = best == None ? 0 : (int)best;
        }
        else
        {
            double own = 0;
            for (int i = thread(); i < a.V; i += RowThreads) own += row.p(i);
            double total = block_sum(own);
            float u = uniform(a.seed, a.draws[r]);
            bool all = (a.topK == 0 || a.topK >= a.V) && a.topP >= 1;
            token = all ? draw_from_all(row, u, total) : draw_from_best(row, u, total, a.topK, a.topP);
        }
        if (thread() == 0) a.into[r] = { token, -nll_of(row.x[token], row.max, logarithm(sum)) };
        block_barrier();
    }
}
