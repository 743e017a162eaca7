// What PtxOnHost writes instructions of PTX as, for the card that cuda_host.h plays: register for register, so that what clang made
// of a kernel runs, its inline assembly included. Beyond the kernel's own sources it is held to what a card demands: accesses lie at
// multiples of their size and inside of shared memory and arguments, and lanes of a warp come to the same instruction where it is one
// of the whole warp. PTX ISA 8.0, Instruction Set.
#pragma once
#include "kernel.h"
#include <type_traits>

#define INLINE static inline __attribute__((always_inline))

namespace ptx
{

// A block with a fault does not go on.
[[noreturn, gnu::noinline, gnu::cold]] static void fail(const char* fault)
{
    host::current()->fault = fault;
    host::yield();
    std::abort();
}

INLINE void check(bool good, const char* fault)
{
    if (__builtin_expect(!good, 0)) fail(fault);
}

// A register's bits, or a number, as T.
template <class T, class R> INLINE T in(R x)
{
    if constexpr (std::is_floating_point_v<T> || std::is_floating_point_v<R>)
    {
        static_assert(sizeof(T) == sizeof(R), "");
        T y;
        __builtin_memcpy(&y, &x, sizeof(T));
        return y;
    }
    else return (T)x;
}

// T in a register of its size or, where it is loaded or converted, of more: the sign goes along.
template <class T, class R> INLINE void put(R& to, T x)
{
    if constexpr (std::is_floating_point_v<T> != std::is_floating_point_v<R>)
    {
        static_assert(sizeof(T) == sizeof(R), "");
        __builtin_memcpy(&to, &x, sizeof(T));
    }
    else
    {
        static_assert(sizeof(T) <= sizeof(R) && (sizeof(T) == sizeof(R) || std::is_integral_v<T>), "");
        to = (R)x;
    }
}

enum Space { Generic, Global, Shared, Param };

// What a kernel has been given: its block's shared memory, and its arguments.
struct Given { char* shared; unsigned long long sharedBytes, args, argBytes; };

template <Space S> INLINE char* place(const Given& given, unsigned long long at, unsigned bytes)
{
    if (S == Shared) check(at + bytes <= given.sharedBytes, "an access outside of shared memory");
    if (S == Param) check(at >= given.args && at - given.args + bytes <= given.argBytes, "an access outside of a kernel's arguments");
    check((S == Param ? at - given.args : at) % bytes == 0, "an access that does not lie at a multiple of its size");
    return S == Shared ? given.shared + at : (char*)at;
}

template <class T, class R> INLINE void load_at(const char* at, R& to)
{
    T x;
    __builtin_memcpy(&x, at, sizeof(T));
    put<T>(to, x);
}

template <Space S, class T, class... R> INLINE void load(const Given& given, unsigned long long at, R&... to)
{
    const char* from = place<S>(given, at, sizeof(T) * sizeof...(R));
    ((load_at<T>(from, to), from += sizeof(T)), ...);
}

template <class T> INLINE void store_at(char* at, T x) { __builtin_memcpy(at, &x, sizeof(T)); }

template <Space S, class T, class... R> INLINE void store(const Given& given, unsigned long long at, R... from)
{
    char* to = place<S>(given, at, sizeof(T) * sizeof...(R));
    ((store_at(to, in<T>(from)), to += sizeof(T)), ...);
}

template <class T> INLINE T add(T a, T b) { return (T)(a + b); }
template <class T> INLINE T sub(T a, T b) { return (T)(a - b); }
template <class T> INLINE T mul(T a, T b) { return (T)(a * b); }
template <class T> INLINE T mad(T a, T b, T c) { return (T)(a * b + c); }
template <class T> INLINE T div(T a, T b) { return (T)(a / b); }
template <class T> INLINE T rem(T a, T b) { return (T)(a % b); }
template <class T> INLINE T min(T a, T b) { return a < b ? a : b; }
template <class T> INLINE T max(T a, T b) { return a > b ? a : b; }
template <class T> INLINE T neg(T a) { return (T)-a; }
INLINE bool not_(bool a) { return !a; }
template <class T> INLINE T not_(T a) { return (T)~a; }
template <class T> INLINE T and_(T a, T b) { return (T)(a & b); }
template <class T> INLINE T or_(T a, T b) { return (T)(a | b); }
template <class T> INLINE T xor_(T a, T b) { return (T)(a ^ b); }
template <class T> INLINE T shl(T a, unsigned b) { return b < 8 * sizeof(T) ? (T)(a << b) : 0; }
template <class T> INLINE T shr(T a, unsigned b) { return b < 8 * sizeof(T) ? (T)(a >> b) : (T)(a < 0 ? -1 : 0); }
INLINE unsigned popc(unsigned a) { return __builtin_popcount(a); }
INLINE unsigned popc(unsigned long long a) { return __builtin_popcountll(a); }
INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
INLINE float sqrt(float a) { return __builtin_sqrtf(a); }
INLINE double sqrt(double a) { return __builtin_sqrt(a); }
template <class T> INLINE T rcp(T a) { return 1 / a; }
template <class T> INLINE T bfe(T a, unsigned from, unsigned length)
{
    return length == 0 || from >= 8 * sizeof(T) ? 0 : (T)(a >> from) & (T)(length < 8 * sizeof(T) ? ((T)1 << length) - 1 : ~(T)0);
}

INLINE void unpack(unsigned long long x, unsigned& low, unsigned& high) { low = (unsigned)x, high = (unsigned)(x >> 32); }
INLINE unsigned long long pack(unsigned low, unsigned high) { return (unsigned long long)high << 32 | low; }

// Ordered comparisons are false for what is no number, the others true.
template <class T> INLINE bool eq(T a, T b) { return a == b; }
template <class T> INLINE bool ne(T a, T b) { return a < b || a > b; }
template <class T> INLINE bool lt(T a, T b) { return a < b; }
template <class T> INLINE bool le(T a, T b) { return a <= b; }
template <class T> INLINE bool gt(T a, T b) { return a > b; }
template <class T> INLINE bool ge(T a, T b) { return a >= b; }
template <class T> INLINE bool equ(T a, T b) { return !ne(a, b); }
template <class T> INLINE bool neu(T a, T b) { return !(a == b); }
template <class T> INLINE bool ltu(T a, T b) { return !(a >= b); }
template <class T> INLINE bool leu(T a, T b) { return !(a > b); }
template <class T> INLINE bool gtu(T a, T b) { return !(a <= b); }
template <class T> INLINE bool geu(T a, T b) { return !(a < b); }

// Lanes of a warp are at the same instruction. By turns, as the warp has nothing between that goes ahead without the rest.
[[gnu::noinline]] static void together(int site)
{
    host::Warp& w = host::own_warp();
    if (w.atSite == 0) w.site = site;
    check(w.site == site, "lanes of a warp came to different instructions of the whole warp");
    if (++w.atSite == host::own_lanes()) w.atSite = 0;
}

INLINE void bar_sync(int barrier) { check(barrier == 0, "another barrier than the block's"), block_barrier(); }

INLINE void shfl_bfly(unsigned& to, unsigned from, int mask, unsigned bound, int lanes)
{
    check(bound == 31 && lanes == -1, "an exchange of a part of a warp");
    to = exchange(from, mask);
}

INLINE void vote_ballot(unsigned& to, bool vote, int lanes)
{
    check(lanes == -1, "a vote of a part of a warp");
    to = warp_ballot(vote);
}

template <bool Turned> INLINE void ldmatrix(unsigned& a, unsigned& b, unsigned& c, unsigned& d, unsigned at)
{
    unsigned x[4];
    load_fragments<Turned>(x, host::current()->shared + at);
    a = x[0], b = x[1], c = x[2], d = x[3];
}

INLINE void mma(float& d0, float& d1, float& d2, float& d3, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1,
    float c0, float c1, float c2, float c3)
{
    float c[4] = { c0, c1, c2, c3 };
    const unsigned a[4] = { a0, a1, a2, a3 };
    mma_bf16(c, a, b0, b1);
    d0 = c[0], d1 = c[1], d2 = c[2], d3 = c[3];
}

#ifdef TENSOR_KERNEL                                         // hopper.h is there

INLINE BlockEvent* event_at(unsigned at) { return (BlockEvent*)(host::current()->shared + at); }

INLINE void bar_sync(int barrier, int count)
{
    check(count == 128 && barrier == 1 + thread() / 128, "a barrier that is not the warpgroup's own");
    writes_to_products();
}

// By lot it tries in vain, as it may.
INLINE void mbarrier_try_wait(bool& done, unsigned at, int parity)
{
    done = host::current()->draw() % 4 != 0;
    if (done) event_await(event_at(at), parity);
}

INLINE void bulk_copy(unsigned to, unsigned long long map, int column, int row, unsigned event)
{
    check(map % 64 == 0, "a tensor map that does not lie at a multiple of 64 bytes");
    box_copy(host::current()->shared + to, map, column, row, event_at(event));
}

INLINE void bulk_copy_to(int blocks, unsigned to, unsigned long long map, int column, int row, unsigned event)
{
    check(blocks == (1 << cluster_blocks()) - 1, "a copy to some blocks of a cluster, or to more");
    check(map % 64 == 0, "a tensor map that does not lie at a multiple of 64 bytes");
    box_copy_to_all(host::current()->shared + to, map, column, row, event_at(event));
}

// An address in the cluster's shared memory: of block r, and there.
const int BlockBits = 24;
INLINE unsigned mapa(unsigned at, unsigned rank)
{
    check((int)rank < cluster_blocks(), "a block that is none of the cluster");
    return (rank + 1) << BlockBits | at;
}
INLINE void mbarrier_arrive(unsigned at)
{
    check(at >> BlockBits, "an address that is none of the cluster's");
    event_arrive(event_at(at & ((1u << BlockBits) - 1)), (at >> BlockBits) - 1);
}

// At once, when the whole warpgroup is there: between two products of a chain clang may name a sum's register anew, which the card's
// assembler undoes, so a product that came later would miss its sums. That products are late is cuda_host.h's to play.
template <class... Sums> INLINE void wgmma(unsigned long long a, unsigned long long b, int add, int scaleA, int scaleB, int turnA, int turnB,
    Sums&... d)
{
    check(add == 1 && scaleA == 1 && scaleB == 1, "a product that is not added as it is");
    float sums[64] = { d... };
    host::Warpgroup& g = host::own_group();
    int t = thread() % 128, i = 0;
    check(g.open[t], "a product before wgmma.fence");
    g.products[t].push_back({ a, b, turnA == 1, turnB == 1, sums });
    g.open[t] = false;
    host::meet_group(host::multiply);
    g.open[t] = true;
    ((d = sums[i++]), ...);
}

INLINE void wgmma_wait(int pending)
{
    check(pending == 0 && !host::own_group().open[thread() % 128], "products are awaited that were not committed");
}

#endif

}
