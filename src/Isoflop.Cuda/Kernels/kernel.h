// What every kernel is written with: threads, barriers, warps, bfloat16 and functions whose bits are the same on all cards of a model.
// Compiled as CUDA these are instructions of the card; compiled as C++ they are functions of cuda_host.h. Sums never use
// atomics: what a result is hangs on its operands alone. Contraction of a·b + c is off; where it is meant it says fma.
#pragma once

#ifndef SHARED_ALIGNMENT
#define SHARED_ALIGNMENT 16                                  // of the first byte that shared_memory names
#endif

#ifdef __CUDA__

#define DEVICE static __attribute__((device)) __attribute__((always_inline)) inline
#define DEVICE_MEMBER __attribute__((device)) __attribute__((always_inline)) inline
#define KERNEL(name, Args, threads) \
    DEVICE void name##_body(const Args& a); \
    extern "C" __attribute__((global)) __attribute__((launch_bounds(threads))) void name(const Args a) \
    { \
        begin(); \
        name##_body(a); \
    } \
    DEVICE void name##_body(const Args& a)

// From compute capability 9.0 on a kernel may be launched while the one before it still runs: it waits here until that one is
// done and its memory is seen, and lets the next one come. Older cards do not know the words: they are put in where a card does.
DEVICE void begin() { asm volatile("// griddepcontrol" ::: "memory"); }

extern "C" __attribute__((shared)) __attribute__((aligned(SHARED_ALIGNMENT))) char dynamic_shared[];

DEVICE int thread() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE int threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE int block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE int block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE int block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
DEVICE int blocks_x() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEVICE char* shared_memory() { return dynamic_shared; }
DEVICE void block_barrier() { __syncthreads(); }
DEVICE void warp_barrier() { __nvvm_bar_warp_sync(0xffffffffu); }
DEVICE unsigned warp_ballot(bool vote) { return __nvvm_vote_ballot_sync(0xffffffffu, vote); }
DEVICE unsigned exchange(unsigned value, int mask) { return __nvvm_shfl_sync_bfly_i32(0xffffffffu, value, mask, 31); }

#define GLOBAL __attribute__((address_space(1)))            // of memory that all blocks see

struct alignas(16) float4 { float x, y, z, w; };

// Four words of global memory from a multiple of 16 bytes, in one instruction: written as an access, clang takes it apart.
DEVICE float4 load_words(unsigned long long from)
{
    float4 v;
    asm volatile("ld.global.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(from));
    return v;
}

// Eight bytes likewise.
DEVICE unsigned long long load_long(unsigned long long from)
{
    unsigned long long v;
    asm volatile("ld.global.u64 %0, [%1];" : "=l"(v) : "l"(from));
    return v;
}

// Two words; or one, where they are halves.
DEVICE void store_either(unsigned long long to, bool half, float x, float y, unsigned both)
{
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.u32 p, %4, 0;\n\t@p st.global.u32 [%0], %3;\n\t@!p st.global.v2.f32 [%0], {%1,%2};\n\t}"
        :: "l"(to), "f"(x), "f"(y), "r"(both), "r"((unsigned)half) : "memory");
}

DEVICE float power_of_two(float x) { return __nvvm_ex2_approx_ftz_f(x); }

// One more has come; how many had before. After last had it begins anew. What was written before a release is seen after it.
DEVICE unsigned count_up(unsigned* counter, unsigned last)
{
    unsigned before;
    asm volatile("atom.acq_rel.gpu.global.inc.u32 %0, [%1], %2;" : "=r"(before)
        : "l"((unsigned long long)(GLOBAL unsigned*)counter), "r"(last) : "memory");
    return before;
}

// Two floats to bfloat16, to the nearest, ties to even.
DEVICE unsigned pack_bf16(float low, float high)
{
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// Four 8×8 matrices of 16-bit elements from shared memory: a lane names row lane mod 8 of matrix lane / 8, 16 bytes, and gets of
// each matrix elements 2t and 2t + 1 of row g, or of column g where it is turned; g = lane / 4, t = lane mod 4. PTX ISA, ldmatrix.
template <bool Turned> DEVICE void load_fragments(unsigned (&x)[4], const void* row)
{
    unsigned at = (unsigned)(unsigned long long)(__attribute__((address_space(3))) const char*)row;
    if (Turned)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
            : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(at) : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
            : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(at) : "memory");
}

// c [16, 8] += a [16, 16] · b [16, 8]: fragments as the PTX ISA lays them out, "Matrix Fragments for mma.m16n8k16".
DEVICE void mma_bf16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#else
#include "cuda_host.h"
#endif

const float Infinity = __builtin_inff();

struct bf16 { unsigned short bits; };

typedef float Pair __attribute__((vector_size(8)));          // one access, where it lies at a multiple of 8 bytes
typedef float Quad __attribute__((vector_size(16)));         // of 16

template <class To, class From> DEVICE To as(From from)
{
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    __builtin_memcpy(&to, &from, sizeof(To));
    return to;
}

#include "activations.h"

DEVICE int lane() { return thread() & 31; }
DEVICE int warp() { return thread() >> 5; }
DEVICE int least(int a, int b) { return a < b ? a : b; }
DEVICE int most(int a, int b) { return a > b ? a : b; }
DEVICE float greater(float a, float b) { return a > b ? a : b; }
DEVICE float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// Whether this block is the last of so many to come here: it sees what the others wrote, and ends what they began, in an order of its
// own. room: of a word in shared memory. The counter is 0 before and after.
DEVICE bool is_last(unsigned* counter, int of, int* room)
{
    block_barrier();
    if (thread() == 0) *room = count_up(counter, of - 1) == (unsigned)of - 1;
    block_barrier();
    return *room;
}

DEVICE float exchange(float value, int mask) { return as<float>(exchange(as<unsigned>(value), mask)); }

DEVICE double exchange(double value, int mask)
{
    unsigned long long bits = as<unsigned long long>(value);
    unsigned low = exchange((unsigned)bits, mask), high = exchange((unsigned)(bits >> 32), mask);
    return as<double>((unsigned long long)high << 32 | low);
}

// Sum of a warp's lanes as a tree of neighbours: the same bits in every lane.
template <class T> DEVICE T warp_sum(T x)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) x += exchange(x, mask);
    return x;
}

DEVICE float warp_max(float x)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) x = greater(x, exchange(x, mask));
    return x;
}

// e^x = 2^t·(1 + e·ln 2), t + e = x·log₂e in two parts; relative error below 4e-7: 2^-22 of the card's power of two (PTX ISA, ex2), the
// rest of roundings. 0 below −87.3, e^88 above; e^0 is 1, NaN stays.
DEVICE float exponential(float x)
{
    bool none = x < -87.3f;                                  // chosen at the end: no branch
    if (x > 88.0f) x = 88.0f;
    const float high = 1.44269502f, low = 1.92596299e-8f;    // log₂e
    float t = x * high, e = multiply_add(x, low, multiply_add(x, high, -t)), p = power_of_two(t);
    return none ? 0 : multiply_add(p, e * 0.693147182f, p);
}

// ln x of a normal x > 0: x = m·2^e, m in (√½, √2], ln m = 2·artanh((m − 1)/(m + 1)); error below 1e-15 of 1.
DEVICE double logarithm(double x)
{
    if (!(x < 1e300)) return x;                              // no number, or no bound: it stays to be seen
    long long bits = as<long long>(x);
    int e = (int)(bits >> 52) - 1023;
    double m = as<double>((bits & 0xFFFFFFFFFFFFFll) | 0x3FF0000000000000ll);
    if (m > 1.4142135623730951) m *= 0.5, e++;
    double z = (m - 1) / (m + 1), square = z * z, sum = 0;
#pragma unroll
    for (int n = 21; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
    return e * 0.69314718055994530942 + 2 * z * sum;
}

// Rows whose gradients are sums of their own: group g has rows [offsets[g], offsets[g + 1]), less first, as far as they are
// here; its sums lie stride elements after those of the group before it. Without offsets all rows are one group.
struct Groups { const int* offsets; long long stride; int count, first; };

DEVICE int group_begin(const Groups& groups, int g, int rows)
{
    return groups.offsets ? least(most(groups.offsets[g] - groups.first, 0), rows) : g > 0 ? rows : 0;
}

// Which tile of so many rows and columns of tiles a block takes: eight rows at a time, column by column, so that blocks that run at
// the same time share what they read in the second cache.
DEVICE void tile_of(int block, int rows, int columns, int& row, int& column)
{
    const int Together = 8;
    int first = block / (Together * columns) * Together;
    int within = block % (Together * columns), there = least(Together, rows - first);
    row = first + within % there, column = within / there;
}

// A row of heads·width elements, stride from one row to the next.
struct HeadRows { int rows, heads, width, stride; };

DEVICE long long vector_at(const HeadRows& shape, int vector)
{
    return (long long)(vector / shape.heads) * shape.stride + vector % shape.heads * shape.width;
}
