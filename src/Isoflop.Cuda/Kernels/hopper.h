// What cards of compute capability 9.0 have beyond kernel.h: copies of boxes of a matrix that run by themselves, barriers that know
// of them, and products that a warpgroup, four warps, reads from shared memory. PTX ISA 8.0: mbarrier, cp.async.bulk.tensor,
// wgmma.mma_async.
#pragma once
#define SHARED_ALIGNMENT 1024                                // the swizzle goes by the address
#include "kernel.h"

typedef unsigned long long BlockEvent;                       // an mbarrier object; 8 bytes of shared memory

// Boxes are of 64 rows by 64 columns of bfloat16, 8 KB: rows of 128 bytes, whose pieces of 16 bytes lie turned by the row (piece p
// at p xor row mod 8), as wgmma's 128-byte swizzle has them. What is outside of the matrix is zeros.
const int BoxSide = 64, BoxBytes = BoxSide * BoxSide * 2;

#ifdef __CUDA__

// A matrix, as the driver describes it (cuTensorMapEncodeTiled). Copies are given its address, so that a kernel's arguments are not
// to be copied: where they lie is what its name and _param_0 say.
struct alignas(64) TensorMap { unsigned long long words[16]; };

#define TENSOR_KERNEL(name, Args, threads) \
    DEVICE void name##_body(const Args& a, unsigned long long given); \
    extern "C" __attribute__((global)) __attribute__((launch_bounds(threads))) void name(const Args a) \
    { \
        unsigned long long given; \
        asm volatile("{\n\t.reg .b64 at;\n\tmov.b64 at, " #name "_param_0;\n\tcvta.param.u64 %0, at;\n\t}" : "=l"(given)); \
        begin(); \
        name##_body(a, given); \
    } \
    DEVICE void name##_body(const Args& a, unsigned long long given)

DEVICE unsigned shared_address(const void* x)
{
    return (unsigned)(unsigned long long)(__attribute__((address_space(3))) const char*)x;
}

// Of the thread that makes events, before block_barrier: copies see them too.
DEVICE void event_make(BlockEvent* e, int arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n\tfence.mbarrier_init.release.cluster;\n\t"
        "fence.proxy.async.shared::cta;" :: "r"(shared_address(e)), "r"(arrivals) : "memory");
}

DEVICE void event_arrive(BlockEvent* e)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(shared_address(e)) : "memory");
}

// At that block of the cluster's, which lies where this one does in its own. It tells that products have read, not what was written:
// without a scope it is the block's own, as waits are.
DEVICE void event_arrive(BlockEvent* e, int rank)
{
    asm volatile("{\n\t.reg .b32 there;\n\tmapa.shared::cluster.u32 there, %0, %1;\n\tmbarrier.arrive.shared::cluster.b64 _, [there];\n\t}"
        :: "r"(shared_address(e)), "r"(rank) : "memory");
}

// Arrives, and so many bytes of copies are still to come.
DEVICE void event_expect(BlockEvent* e, int bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(e)), "r"(bytes) : "memory");
}

// Until the phase of that parity, 0, 1, 0, … from the first on, is complete.
DEVICE void event_await(BlockEvent* e, int parity)
{
    int done;
    do
        asm volatile("{\n\t.reg .pred p;\n\tmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n\tselp.b32 %0, 1, 0, p;\n\t}"
            : "=r"(done) : "r"(shared_address(e)), "r"(parity) : "memory");
    while (!done);
}

// The box of a matrix that begins at a column and a row, either may be outside, to a multiple of 1024 bytes; the event is told when
// all of it is there.
DEVICE void box_copy(void* to, unsigned long long map, int column, int row, BlockEvent* e)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
        :: "r"(shared_address(to)), "l"(map), "r"(column), "r"(row), "r"(shared_address(e)) : "memory");
}

// The same for all blocks of the cluster, of which there are two: into the place and to the event that each has there.
DEVICE void box_copy_to_all(void* to, unsigned long long map, int column, int row, BlockEvent* e)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster"
        " [%0], [%1, {%2, %3}], [%4], %5;"
        :: "r"(shared_address(to)), "l"(map), "r"(column), "r"(row), "r"(shared_address(e)), "h"((unsigned short)3) : "memory");
}

// Blocks that run at the same time and reach each other's shared memory; 1 where a kernel is launched without.
DEVICE int cluster_blocks()
{
    int blocks;
    asm("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(blocks));
    return blocks;
}

DEVICE int cluster_rank()
{
    int rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// All threads of a cluster: what was done before it is seen after it. Warps come whole.
DEVICE void cluster_barrier()
{
    asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// Of the thread that copies, before its first copy: it sees what earlier kernels wrote otherwise.
DEVICE void copies_begin() { asm volatile("fence.proxy.async.global;" ::: "memory"); }

// A tile of boxes for wgmma from step k on, 128-byte swizzle, 1024 bytes from 8 rows to the next 8; the tile at a multiple of 1024.
// Where k lies along a row, boxes follow as more rows, and 16 steps are 32 bytes; where it goes down the rows (Turned), 16 steps are
// 2048 bytes, and the next box has the next 64 of the other side. PTX ISA, Matrix Descriptor Format; Strides.
template <bool Turned> DEVICE unsigned long long tile_descriptor(const void* tile, int k)
{
    return (shared_address(tile) + (Turned ? 128 : 2) * k & 0x3FFFF) >> 4 | (unsigned long long)(BoxBytes >> 4) << 16 | 64ull << 32
        | 1ull << 62;
}

// After threads of a warpgroup wrote to shared memory what products are to read: all of them come here. Barrier 0 is the block's.
DEVICE void writes_to_products()
{
    asm volatile("fence.proxy.async.shared::cta;\n\tbar.sync %0, 128;" :: "r"(1 + thread() / 128) : "memory");
}

// Before the first product, after registers of sums were written otherwise.
DEVICE void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Until all committed products are done: their sums may be read.
DEVICE void products_await() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }

// d [64, 128] += A [64, 16] · B [128, 16]ᵀ by a warpgroup, either stored the other way round where it is turned. Warp w holds rows 16w to 16w + 15: of each 8 columns a lane has rows g
// and g + 8, columns 2t and 2t + 1, g = lane / 4, t = lane mod 4: as mma_bf16 has them.
template <bool TurnA, bool TurnB> DEVICE void product_64x128(float (&d)[64], unsigned long long a, unsigned long long b)
{
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
        "}, %64, %65, 1, 1, 1, %66, %67;"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
          "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
          "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
          "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]),
          "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]),
          "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]),
          "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]),
          "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "l"(a), "l"(b), "n"((int)TurnA), "n"((int)TurnB));
}

#else
#include "hopper_host.h"
#endif
