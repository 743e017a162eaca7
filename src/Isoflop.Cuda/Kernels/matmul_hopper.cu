#include "hopper.h"
#include "pack.h"

// C = start + A·Bᵀ of packed operands; bits as matmul.cu has them: an element is one chain over ascending k in steps of 16, begun
// at start. A warp copies chunks into a ring of four stages, two warpgroups multiply them, 64 rows each. Group z of k has a C and a
// start of its own, stride further.
struct PackedMatMulArgs { const void *a, *b; const float* start; Activations c; Groups groups; int m, n, k, chunks; };

const int Stages = 4, Warps = 8;                             // that multiply; one more copies

struct Ring { BlockEvent full[Stages], empty[Stages]; };

// Steps of k of a stage, from k0 on. It waits for what it began: the other warpgroup's products run meanwhile, and the compiler may
// move sums between registers only where no product is under way.
template <int Steps, int J> DEVICE void multiply_steps(float (&acc)[J][64], const char* left, const char* right, int k0)
{
    products_begin();
#pragma unroll
    for (int k = 0; k < Steps; k += 16)
#pragma unroll
        for (int j = 0; j < J; j++)
            product_64x128(acc[j], tile_descriptor(left, k0 + k), tile_descriptor(right + j * ChunkBytes, k0 + k));
    products_commit();
    products_await();
}

// Tiles of 128 × 128·J.
template <int J> DEVICE void packed_product(const PackedMatMulArgs& a)
{
    const int StageBytes = (1 + J) * ChunkBytes;
    char* stages = shared_memory();
    Ring& ring = *(Ring*)(stages + Stages * StageBytes);
    int group = block_z(), i0 = block_y() * ChunkRows, j0 = block_x() * J * ChunkRows;
    int length = group_begin(a.groups, group + 1, a.k) - group_begin(a.groups, group, a.k);
    int begin = chunk_begin(a.groups, group, a.k), count = chunk_count(a.groups, group, a.k);
    if (thread() == 0)
        for (int s = 0; s < Stages; s++) event_make(&ring.full[s], 1), event_make(&ring.empty[s], Warps);
    block_barrier();

    if (warp() == Warps)                            // copies
    {
        const char* left = (const char*)a.a + ((long long)block_y() * a.chunks + begin) * ChunkBytes;
        const char* right = (const char*)a.b + ((long long)block_x() * J * a.chunks + begin) * ChunkBytes;
        copies_begin();
        int columns = least(J, (a.n - j0 + ChunkRows - 1) / ChunkRows);          // chunks of B that there are
        for (int i = 0; lane() == 0 && i < count; i++)
        {
            int s = i % Stages;
            char* stage = stages + s * StageBytes;
            if (i >= Stages) event_await(&ring.empty[s], (i / Stages + 1) & 1);
            event_expect(&ring.full[s], (1 + columns) * ChunkBytes);
            bulk_copy(stage, left + (long long)i * ChunkBytes, ChunkBytes, &ring.full[s]);
            for (int j = 0; j < columns; j++)
                bulk_copy(stage + (1 + j) * ChunkBytes, right + ((long long)j * a.chunks + i) * ChunkBytes, ChunkBytes,
                    &ring.full[s]);
        }
        return;
    }

    const float* start = a.start ? a.start + group * a.groups.stride : nullptr;
    Activations to = a.c + group * a.groups.stride;
    int half = warp() / 4 * 64, row0 = i0 + half + warp() % 4 * 16 + lane() / 4, column0 = j0 + 2 * (lane() % 4);
    float acc[J][64];
#pragma unroll
    for (int j = 0; j < J; j++)
#pragma unroll
        for (int e = 0; e < 64; e++)
        {
            int row = row0 + e / 2 % 2 * 8, column = column0 + j * ChunkRows + e / 4 * 8 + e % 2;
            acc[j][e] = start && row < a.m && column < a.n ? start[(long long)row * a.n + column] : 0;
        }
    for (int i = 0; i < count; i++)
    {
        int s = i % Stages, steps = least(ChunkSteps, length - i * ChunkSteps);
        const char *left = stages + s * StageBytes + half * 128, *right = stages + s * StageBytes + ChunkBytes;
        event_await(&ring.full[s], i / Stages & 1);
        if (steps > ChunkSteps - 16) multiply_steps<ChunkSteps>(acc, left, right, 0);
        else
            for (int k = 0; k < steps; k += 16) multiply_steps<16>(acc, left, right, k);
        if (lane() == 0) event_arrive(&ring.empty[s]);
    }
    Either c(to);
    bool pairs = c.pairs(a.n);
#pragma unroll
    for (int j = 0; j < J; j++)
#pragma unroll
        for (int e = 0; e < 64; e += 2)
        {
            int row = row0 + e / 2 % 2 * 8, column = column0 + j * ChunkRows + e / 4 * 8;
            store_pair(c, (long long)row * a.n + column, row < a.m ? a.n - column : 0, pairs, acc[j][e], acc[j][e + 1]);
        }
}

KERNEL(matmul_packed_wide, PackedMatMulArgs, 288) { packed_product<2>(a); }
KERNEL(matmul_packed_narrow, PackedMatMulArgs, 288) { packed_product<1>(a); }
