#include "pack.h"

// x [rows, k], or [k, rows] where it is turned, as chunks: block (x, y) makes chunk x of row chunk y. k may be in groups.
struct PackArgs { Activations x; void* to; Groups groups; int rows, k, chunks; };

// Which stretch of k a chunk holds: k0 ≤ k < k1. Nothing where no group has a chunk there.
DEVICE bool stretch_of(const PackArgs& a, int chunk, int& k0, int& k1)
{
    for (int g = 0; g < a.groups.count; g++)
    {
        int inside = chunk - chunk_begin(a.groups, g, a.k);
        if (inside < 0 || inside >= chunk_count(a.groups, g, a.k)) continue;
        k0 = group_begin(a.groups, g, a.k) + inside * ChunkSteps;
        k1 = least(group_begin(a.groups, g + 1, a.k), k0 + ChunkSteps);
        return true;
    }
    return false;
}

DEVICE char* chunk_at(const PackArgs& a) { return (char*)a.to + ((long long)block_y() * a.chunks + block_x()) * ChunkBytes; }

KERNEL(pack, PackArgs, 256)
{
    int k0, k1, r0 = block_y() * ChunkRows;
    if (!stretch_of(a, block_x(), k0, k1)) return;
    with_elements(a.x, [&](auto x)
    {
        bool aligned = k0 % 4 == 0 && x.quads(a.k);
#pragma unroll
        for (int i = 0; i < ChunkRows * 8 / 256; i++)
        {
            int slot = thread() + i * 256, row = slot / 8, piece = slot % 8, left = r0 + row < a.rows ? k1 - k0 - 8 * piece : 0;
            long long at = (long long)(r0 + row) * a.k + k0 + 8 * piece;
            float v[8];
            if (aligned && left >= 8)
            {
                float4 low = x.load4(at), high = x.load4(at + 4);
                v[0] = low.x, v[1] = low.y, v[2] = low.z, v[3] = low.w, v[4] = high.x, v[5] = high.y, v[6] = high.z, v[7] = high.w;
            }
            else
#pragma unroll
                for (int e = 0; e < 8; e++) v[e] = e < left ? x[at + e] : 0;
            put_piece(chunk_at(a), row, piece, v);
        }
    });
}

// Turned through shared memory: read along rows, written along k. Rows of it are one float longer, so that lanes read other banks.
const int HeldStride = ChunkRows + 1;

DEVICE void turn(const PackArgs& a, int k0, int k1, float* held)
{
    int r0 = block_y() * ChunkRows;
    with_elements(a.x, [&](auto x)
    {
#pragma unroll
        for (int i = 0; i < ChunkRows * ChunkSteps / 256; i++)
        {
            int slot = thread() + i * 256, row = slot % ChunkRows, step = slot / ChunkRows;
            bool there = r0 + row < a.rows && k0 + step < k1;
            held[step * HeldStride + row] = there ? x[(long long)(k0 + step) * a.rows + r0 + row] : 0;
        }
    });
    block_barrier();
#pragma unroll
    for (int i = 0; i < ChunkRows * 8 / 256; i++)
    {
        int slot = thread() + i * 256, row = slot / 8, piece = slot % 8;
        float v[8];
#pragma unroll
        for (int e = 0; e < 8; e++) v[e] = held[(8 * piece + e) * HeldStride + row];
        put_piece(chunk_at(a), row, piece, v);
    }
}

KERNEL(pack_turned, PackArgs, 256)
{
    int k0, k1;
    if (stretch_of(a, block_x(), k0, k1)) turn(a, k0, k1, (float*)shared_memory());
}

// The same, and x as it lies, [k, rows], as chunks of 128 of k by 64 of rows: what two products take of one gradient, read once.
// Every k is in one group.
struct PackBothArgs { PackArgs turned; void* plain; int plain_chunks; };

KERNEL(pack_both, PackBothArgs, 256)
{
    int k0, k1, r0 = block_y() * ChunkRows, whole = (a.turned.k + ChunkRows - 1) / ChunkRows * ChunkRows;
    if (!stretch_of(a.turned, block_x(), k0, k1)) return;
    float* held = (float*)shared_memory();
    turn(a.turned, k0, k1, held);
    int steps = (k1 < a.turned.k ? k1 : whole) - k0;         // the last block also fills up with zeros
    for (int slot = thread(); slot < steps * (ChunkRows / 8); slot += 256)
    {
        int step = slot / (ChunkRows / 8), k = k0 + step, row = slot % (ChunkRows / 8) * 8;
        if (r0 + row >= (a.turned.rows + ChunkSteps - 1) / ChunkSteps * ChunkSteps) continue;
        float v[8];
#pragma unroll
        for (int e = 0; e < 8; e++) v[e] = step < ChunkSteps ? held[step * HeldStride + row + e] : 0;
        char* chunk = (char*)a.plain + ((long long)(k / ChunkRows) * a.plain_chunks + (r0 + row) / ChunkSteps) * ChunkBytes;
        put_piece(chunk, k % ChunkRows, (r0 + row) % ChunkSteps / 8, v);
    }
}
