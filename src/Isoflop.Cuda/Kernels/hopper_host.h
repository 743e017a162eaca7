// What hopper.h has, on the host. Copies and products are late: a copy is made when its event is awaited, a product when products
// are awaited. So what is read or written over too early shows.
#pragma once
#include <vector>

// Set by a test: a card whose warpgroups sum in another order than its warps.
EXPORT int isoflop_reversed;
int isoflop_reversed = 0;

namespace host
{

// As host_driver.cpp makes it.
struct Tensor { const char* at; unsigned long long columns, rows, pitch; };

struct Copy { char* to; Tensor from; int column, row; };

// An mbarrier's 8 bytes: an index, since its state would not fit.
struct Event { int arrivals, arrived, expected, came, phase; std::vector<Copy> copies; };

struct Product { unsigned long long a, b; bool turnA, turnB; float* sums; };

struct Warpgroup
{
    std::vector<Product> products[128];                      // what each thread asked for: sums are its own
    bool open[128];                                          // between begin and commit
    int arrived, generation;
};

struct Hopper
{
    std::vector<Event> events;
    Warpgroup groups[MostThreads / 128];
};

// One a block. At its end no copy is under way, and no event between two phases for it.
inline Hopper& hopper(Block* b = current())
{
    if (!b->hopper)
    {
        b->hopper = std::make_shared<Hopper>();
        b->unfinished = [](Block* own)
        {
            for (const Event& e : hopper(own).events)
                if (!e.copies.empty() || e.came != 0 || e.expected != 0) return "a block ended before its copies";
            return (const char*)nullptr;
        };
    }
    return *(Hopper*)b->hopper.get();
}

// Where another block of the cluster has what lies there in this one.
template <class T> inline T* in_block(Block* b, T* here) { return (T*)((char*)here - current()->shared + b->shared); }

inline Event* event_of(const unsigned long long* e, Block* b = current())
{
    Hopper& h = hopper(b);
    const char* at = (const char*)e;
    if (b->ended) b->fault = "a block was reached that has ended";
    else if (at < b->shared || at + 8 > b->shared + b->sharedBytes || (uintptr_t)at % 8 != 0)
        b->fault = "an event lies outside of shared memory";
    else if (*e < h.events.size()) return &h.events[*e];
    else b->fault = "an event was used before it was made";
    current()->fault = b->fault;
    yield();
    std::abort();
}

inline void complete(Event& e)
{
    if (e.arrived < e.arrivals || e.came != e.expected) return;
    e.arrived = e.came = e.expected = 0, e.phase++;
}

// Waits for what other warps do.
template <class Done> inline void await(Done done)
{
    Block* b = current();
    while (!done())
    {
        b->state[b->thread] = Waiting;
        yield();
    }
    b->moves++;
}

// Zeros outside of the matrix, of whose rows a piece of 16 bytes is either part or not; pieces are turned by where they lie.
inline void copy_box(Block* b, const Copy& c)
{
    for (int row = 0; row < BoxSide; row++)
        for (int column = 0; column < BoxSide; column += 8)
        {
            long long x = c.column + column, y = c.row + row;
            bool there = x >= 0 && y >= 0 && x < (long long)c.from.columns && y < (long long)c.from.rows;
            size_t at = c.to - b->shared + row * 128 + 2 * column;
            at ^= at >> 7 << 4 & 0x70;
            if (there) memcpy(b->shared + at, c.from.at + y * c.from.pitch + 2 * x, 16);
            else memset(b->shared + at, 0, 16);
        }
}

inline void copies_came(Block* b, Event& e)
{
    for (const Copy& c : e.copies)
    {
        copy_box(b, c);
        e.came += BoxBytes;
    }
    e.copies.clear();
    complete(e);
}

inline Warpgroup& own_group() { return hopper().groups[current()->thread / 128]; }

// Until all 128 threads of the warpgroup have come; the last one does what is to be done once.
template <class Once> inline void meet_group(Once once)
{
    Warpgroup& g = own_group();
    int generation = g.generation;
    if (++g.arrived == 128)
    {
        once(g);
        g.arrived = 0, g.generation++, current()->moves++;
    }
    else await([&] { return g.generation != generation; });
}

// Element (row, k) of a tile as its descriptor says: 128-byte swizzle; the smaller stride goes from 8 rows of 128 bytes to the next 8,
// the larger one, where k goes down the rows, to the next 64 elements of the other side.
inline float tile_element(unsigned long long descriptor, int row, int k, bool turned)
{
    Block* b = current();
    if (descriptor >> 62 != 1) b->fault = "a descriptor of another layout";
    size_t eight = (descriptor >> 32 & 0x3FFF) * 16, further = (descriptor >> 16 & 0x3FFF) * 16, at = (descriptor & 0x3FFF) * 16;
    at += turned ? row / 64 * further + k / 8 * eight + k % 8 * 128 + row % 64 * 2 : row / 8 * eight + row % 8 * 128 + 2 * k;
    at ^= at >> 7 << 4 & 0x70;                               // address bits 4 to 6 xor bits 7 to 9
    if (at + 2 > (size_t)b->sharedBytes)
    {
        b->fault = "a product reads outside of shared memory";
        return 0;
    }
    uint16_t bits;
    memcpy(&bits, b->shared + at, 2);
    return half_of(bits, 0);
}

// The products that the threads of a warpgroup asked for, in their order.
inline void multiply(Warpgroup& g)
{
    static thread_local float left[64][16], right[128][16];
    for (size_t n = 0; n < g.products[0].size(); n++)
    {
        Product first = g.products[0][n];
        for (int k = 0; k < 16; k++)
        {
            for (int i = 0; i < 64; i++) left[i][k] = tile_element(first.a, i, k, first.turnA);
            for (int j = 0; j < 128; j++) right[j][k] = tile_element(first.b, j, k, first.turnB);
        }
        for (int t = 0; t < 128; t++)
        {
            if (g.open[t]) current()->fault = "products were awaited before they were committed";
            if (g.products[t].size() != g.products[0].size() || g.products[t][n].a != first.a || g.products[t][n].b != first.b)
                current()->fault = "threads of a warpgroup ask for different products";
            else
                for (int e = 0; e < 64; e++)
                {
                    int row = t / 32 * 16 + t % 32 / 4 + e / 2 % 2 * 8, column = e / 4 * 8 + 2 * (t % 4) + e % 2;
                    float& sum = g.products[t][n].sums[e];
                    for (int k = 0; k < 16; k++)
                    {
                        int at = isoflop_reversed ? 15 - k : k;
                        sum = __builtin_fmaf(left[row][at], right[column][at], sum);
                    }
                }
        }
    }
    for (auto& asked : g.products) asked.clear();
}

}

DEVICE void event_make(BlockEvent* e, int arrivals)
{
    host::Hopper& h = host::hopper();
    *e = h.events.size();
    h.events.push_back({ arrivals });
}

// At that block of the cluster's.
DEVICE void event_arrive(BlockEvent* e, int rank)
{
    host::Block* b = host::current()->cluster[rank];
    host::Event& its = *host::event_of(host::in_block(b, e), b);
    if (its.arrived == its.arrivals) host::current()->fault = "more arrive at an event than it waits for";
    its.arrived++, b->moves++;
    host::complete(its);
}

DEVICE void event_arrive(BlockEvent* e) { event_arrive(e, host::current()->rank); }

DEVICE void event_expect(BlockEvent* e, int bytes)
{
    host::event_of(e)->expected += bytes;
    event_arrive(e);
}

DEVICE void event_await(BlockEvent* e, int parity)
{
    host::await([&]
    {
        host::Event& own = *host::event_of(e);
        host::copies_came(host::current(), own);
        return own.phase % 2 != parity;
    });
}

DEVICE int cluster_blocks() { return host::current()->blocks; }
DEVICE int cluster_rank() { return host::current()->rank; }

DEVICE void cluster_barrier()
{
    host::Block *b = host::current(), *first = b->cluster[0];
    int seen = first->clusterGeneration;
    if (++first->clusterArrived == b->threads * b->blocks) first->clusterArrived = 0, first->clusterGeneration++;
    b->moves++;
    host::await([=] { return first->clusterGeneration != seen; });
}

struct TensorMap { unsigned long long words[16]; };

#define TENSOR_KERNEL(name, Args, threads) \
    static void name##_given(const Args& a, unsigned long long given); \
    KERNEL(name, Args, threads) { name##_given(a, (unsigned long long)&a); } \
    static void name##_given(const Args& a, unsigned long long given)

// Now or when it is awaited, by lot.
DEVICE void box_copies(void* to, unsigned long long map, int column, int row, BlockEvent* e, bool all)
{
    host::Block* own = host::current();
    bool inside = (char*)to >= own->shared && (char*)to + BoxBytes <= own->shared + own->sharedBytes;
    if (((char*)to - own->shared) % 1024 != 0 || !inside) own->fault = "a box that is not aligned, or goes outside of shared memory";
    else
        for (int r = 0; r < own->blocks; r++)
        {
            host::Block* b = own->cluster[r];
            if (b != own && !all) continue;
            host::Event& its = *host::event_of(host::in_block(b, e), b);
            its.copies.push_back({ host::in_block(b, (char*)to), *(const host::Tensor*)map, column, row }), b->moves++;
            if (own->draw() & 1) host::copies_came(b, its);
        }
}

DEVICE void box_copy(void* to, unsigned long long map, int column, int row, BlockEvent* e) { box_copies(to, map, column, row, e, false); }
DEVICE void box_copy_to_all(void* to, unsigned long long map, int column, int row, BlockEvent* e) { box_copies(to, map, column, row, e, true); }

DEVICE void copies_begin() {}

template <bool Turned> DEVICE unsigned long long tile_descriptor(const void* tile, int k)
{
    host::Block* b = host::current();
    if (((const char*)tile - b->shared) % 1024 != 0) b->fault = "a tile that does not begin at a multiple of 1024 bytes";
    return (unsigned long long)((const char*)tile - b->shared + (Turned ? 128 : 2) * k) >> 4
        | (unsigned long long)(BoxBytes >> 4) << 16 | 64ull << 32 | 1ull << 62;
}

DEVICE void writes_to_products()
{
    host::meet_group([](host::Warpgroup&) {});
}

DEVICE void products_begin() { host::own_group().open[host::current()->thread % 128] = true; }
DEVICE void products_commit() { host::own_group().open[host::current()->thread % 128] = false; }

DEVICE void products_await()
{
    host::meet_group(host::multiply);
}

template <bool TurnA, bool TurnB> DEVICE void product_64x128(float (&d)[64], unsigned long long a, unsigned long long b)
{
    host::Warpgroup& g = host::own_group();
    int t = host::current()->thread % 128;
    if (!g.open[t]) host::current()->fault = "a product before products_begin";
    g.products[t].push_back({ a, b, TurnA, TurnB, d });
}
