// The card's threads on the host, so that every kernel runs and is tested without a card. Blocks run one after another; the
// threads of a block are fibers, which run by turns from one barrier to the next. Operations of a warp wait for its 32 lanes,
// and it is an error, not a hang, where some lanes come to a barrier that the others never reach, or a thread waits in vain.
// Which warp goes first, and from which end its lanes go, is drawn at each turn, so that no fixed order hides a missing barrier;
// every launch draws the same, so that a fault comes again.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#define DEVICE static inline
#define DEVICE_MEMBER inline
#define GLOBAL
#define EXPORT extern "C" __attribute__((visibility("default")))

namespace host
{

enum State { Ready, AtBarrier, Waiting, Done };              // Waiting: for other warps' doing
const int MostThreads = 1024, MostBlocks = 2, StackBytes = 64 << 10;

struct Warp
{
    unsigned words[2][32][6];                                // what lanes lay out for each other, by turns of two
    float sums[2][16][8];                                    // of a product, whole
    int arrived, generation;
    int site, atSite;                                        // an instruction of the text, and how many lanes came to it: ptx_host.h
};

struct Block
{
    void* stack[MostThreads];                                // where each fiber stopped
    void* scheduler;
    State state[MostThreads];
    Warp warps[MostThreads / 32];
    int thread, threads, x, y, z, gridX;
    char* shared;
    int sharedBytes;
    char* stacks;
    void (*body)(const void*);
    const void* args;
    const char* fault;
    long long moves;                                         // of waiting threads and of what they wait for
    std::shared_ptr<void> hopper;                            // events and warpgroups, where a kernel has them: hopper_host.h
    const char* (*unfinished)(Block*) = nullptr;             // what of them a block left behind
    unsigned drawn = 2463534242u;                            // the same for every launch
    Block* cluster[MostBlocks];                              // blocks that run together
    int rank, blocks;                                        // of them
    bool ended;
    int clusterArrived, clusterGeneration;                   // the first one's are of all

    unsigned draw()                                          // xorshift, Marsaglia 2003
    {
        drawn ^= drawn << 13, drawn ^= drawn >> 17, drawn ^= drawn << 5;
        return drawn;
    }
};

// One a host thread: several devices may work at once.
inline Block*& current()
{
    static thread_local Block* block;
    return block;
}

#if defined(__x86_64__)
extern "C" void isoflop_switch(void** from, void* to);
__asm__(".text\n.weak isoflop_switch\n.hidden isoflop_switch\nisoflop_switch:\n"
    "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\nmov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n");
const int SavedWords = 7;
#elif defined(__aarch64__)
extern "C" void isoflop_switch(void** from, void* to);
__asm__(".text\n.weak isoflop_switch\n.hidden isoflop_switch\nisoflop_switch:\n"
    "stp x19,x20,[sp,#-160]!\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\n"
    "stp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\nstp d14,d15,[sp,#144]\n"
    "mov x2,sp\nstr x2,[x0]\nmov sp,x1\n"
    "ldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\nldp x29,x30,[sp,#80]\n"
    "ldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\nldp x19,x20,[sp],#160\nret\n");
const int SavedWords = 20;
#else
#error fibers are written for x86-64 and arm64
#endif

inline void yield()
{
    Block* b = current();
    isoflop_switch(&b->stack[b->thread], b->scheduler);
}

inline void run_fiber()
{
    Block* b = current();
    b->body(b->args);
    b->state[b->thread] = Done;
    yield();
    std::abort();                                            // nobody wakes what is done
}

inline void prepare_fiber(Block* b, int t)
{
    void** top = (void**)(b->stacks + (size_t)(t + 1) * StackBytes - 64);
#if defined(__x86_64__)
    *--top = nullptr;                                        // as after a call: 8 off a multiple of 16
    *--top = (void*)run_fiber;
    top -= 6;
#else
    top -= SavedWords;
    top[11] = (void*)run_fiber;
#endif
    b->stack[t] = top;
    b->state[t] = Ready;
}

inline void begin_block(Block* b)
{
    memset(b->warps, 0, sizeof(Warp) * ((b->threads + 31) / 32));
    for (int t = 0; t < b->threads; t++) prepare_fiber(b, t);
    b->hopper.reset(), b->unfinished = nullptr;
    b->clusterArrived = b->clusterGeneration = 0, b->ended = false;
}

enum Turn { Goes, Waits, Ended };

// Every warp once, as far as it comes; then those that wait may look again.
inline Turn turn(Block* b)
{
    int warps = (b->threads + 31) / 32, order[MostThreads / 32];
    for (int w = 0; w < warps; w++) order[w] = w;
    for (int i = warps - 1; i > 0; i--) std::swap(order[i], order[b->draw() % (i + 1)]);
    for (int next = 0; next < warps; next++)
        for (bool ready = true; ready && !b->fault;)
        {
            int w = order[next], generation = b->warps[w].generation, begin = w * 32;
            int count = begin + 32 < b->threads ? 32 : b->threads - begin;
            bool backward = b->draw() & 1, moved = false, waiting = false;
            ready = false;
            for (int i = 0; i < count; i++)
            {
                int t = begin + (backward ? count - 1 - i : i);
                if (b->state[t] == Ready)
                {
                    b->thread = t;
                    isoflop_switch(&b->scheduler, b->stack[t]);
                    if (b->state[t] == Ready) ready = true;
                    else moved = true;
                }
                if (b->state[t] == Waiting) waiting = true;
            }
            if (b->fault || !ready || moved || generation != b->warps[w].generation) continue;
            if (waiting) break;                              // other warps first
            b->fault = "some lanes of a warp came to an operation of the whole warp, others never did";
        }
    int at[Done + 1] = {};
    for (int t = 0; t < b->threads; t++) at[b->state[t]]++;
    if (at[AtBarrier] > 0 && at[Waiting] == 0)
    {
        if (at[Done] > 0) b->fault = "some threads of a block came to a barrier, others never did";
        b->moves++;
    }
    for (int t = 0; t < b->threads; t++)
        if (b->state[t] == Waiting || (b->state[t] == AtBarrier && at[Waiting] == 0)) b->state[t] = Ready;
    return at[Done] == b->threads ? Ended : at[Waiting] > 0 ? Waits : Goes;
}

// The blocks of a cluster by turns, to their end, each as often by lot; what is wrong, or null.
inline const char* run_cluster(Block** cluster, int blocks)
{
    for (int r = 0; r < blocks; r++) begin_block(cluster[r]);
    for (bool alive = true; alive;)
    {
        long long moves = 0;
        bool waits = alive = false;
        for (int r = 0; r < blocks; r++) moves -= cluster[r]->moves;
        for (int r = 0; r < blocks; r++)
        {
            if (cluster[r]->ended) continue;
            if (blocks > 1 && cluster[0]->draw() & 1)
            {
                alive = true, moves++;
                continue;
            }
            current() = cluster[r];
            Turn came = turn(cluster[r]);
            cluster[r]->ended = came == Ended, alive |= came != Ended, waits |= came == Waits;
            if (came == Ended && !cluster[r]->fault && cluster[r]->unfinished) cluster[r]->fault = cluster[r]->unfinished(cluster[r]);
            if (cluster[r]->fault) return cluster[r]->fault;
        }
        for (int r = 0; r < blocks; r++) moves += cluster[r]->moves;
        if (waits && moves == 0) return "a thread waits for what never comes";
    }
    return nullptr;
}

struct Shape { int x, y, z, threads, shared, cluster; };

// Fences before and behind a block's shared memory, which begins where a card has it begin; a kernel sees noise in it.
const int Fence = 1024;

inline const char* launch(const Shape& shape, void (*body)(const void*), const void* args)
{
    static thread_local char* stacks = (char*)malloc((size_t)MostThreads * StackBytes);
    if (shape.cluster > MostBlocks || shape.cluster * shape.threads > MostThreads || shape.x % shape.cluster) return "a cluster that no card takes";
    size_t bytes = (size_t)shape.shared + 2 * Fence;
    Block* cluster[MostBlocks];
    for (int r = 0; r < shape.cluster; r++)
    {
        Block* b = cluster[r] = new Block();
        b->stacks = stacks + (size_t)r * shape.threads * StackBytes;
        b->threads = shape.threads;
        b->gridX = shape.x;
        b->body = body;
        b->args = args;
        b->shared = (char*)aligned_alloc(Fence, (bytes + Fence - 1) / Fence * Fence) + Fence;
        b->sharedBytes = shape.shared;
        b->rank = r, b->blocks = shape.cluster;
    }
    const char* fault = nullptr;
    Block* outer = current();
    for (int z = 0; z < shape.z; z++)
        for (int y = 0; y < shape.y; y++)
            for (int x = 0; x < shape.x && !fault; x += shape.cluster)
            {
                for (int r = 0; r < shape.cluster; r++)
                {
                    Block* b = cluster[r];
                    b->x = x + r, b->y = y, b->z = z;
                    memcpy(b->cluster, cluster, sizeof(cluster));
                    memset(b->shared - Fence, 0xFF, bytes);  // NaN in every float
                }
                fault = run_cluster(cluster, shape.cluster);
                for (int r = 0; r < shape.cluster; r++)
                    for (int i = 1; i <= Fence && !fault; i++)
                        if (cluster[r]->shared[-i] != (char)0xFF || cluster[r]->shared[shape.shared + i - 1] != (char)0xFF)
                            fault = "a block wrote outside of its shared memory";
            }
    current() = outer;
    for (int r = 0; r < shape.cluster; r++)
    {
        free(cluster[r]->shared - Fence);
        delete cluster[r];
    }
    return fault;
}

// Waits until all lanes of the warp have come here; returns which of the two places holds what they laid out. The last one to
// come does what is to be done once.
template <class Once> inline int meet(Warp& w, int lanes, Once once)
{
    int turn = w.generation & 1, generation = w.generation;
    if (++w.arrived == lanes)
    {
        once(turn);
        w.arrived = 0, w.generation++;
    }
    else
        while (w.generation == generation) yield();
    return turn;
}

inline int meet(Warp& w, int lanes) { return meet(w, lanes, [](int) {}); }

inline float half_of(unsigned pair, int high)
{
    unsigned bits = high ? pair & 0xFFFF0000u : pair << 16;
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

// sums += A·B, k by k. Element (i, k) of A lies in lane 4·(i mod 8) + (k mod 8)/2, word 2·(k ≥ 8) + (i ≥ 8); (k, j) of B in
// lane 4·j + (k mod 8)/2.
inline void multiply_fragments(float (&sums)[16][8], const unsigned (&words)[32][6])
{
    for (int k = 0; k < 16; k++)
    {
        float right[8];
        for (int j = 0; j < 8; j++) right[j] = half_of(words[4 * j + k % 8 / 2][4 + k / 8], k % 2);
        for (int i = 0; i < 16; i++)
        {
            float left = half_of(words[4 * (i % 8) + k % 8 / 2][2 * (k / 8) + i / 8], k % 2);
            for (int j = 0; j < 8; j++) sums[i][j] = __builtin_fmaf(left, right[j], sums[i][j]);
        }
    }
}

inline Warp& own_warp() { return current()->warps[current()->thread / 32]; }
inline int own_lanes()
{
    int first = current()->thread / 32 * 32, left = current()->threads - first;
    return left < 32 ? left : 32;
}

}

#define KERNEL(name, Args, threads) \
    static void name##_body(const Args a); \
    static void name##_erased(const void* args) { name##_body(*(const Args*)args); } \
    EXPORT const char* name(const host::Shape* shape, const void* args) { return host::launch(*shape, name##_erased, args); } \
    EXPORT int name##_bytes() { return sizeof(Args); } \
    static void name##_body(const Args a)

DEVICE int thread() { return host::current()->thread; }
DEVICE int threads() { return host::current()->threads; }
DEVICE int block_x() { return host::current()->x; }
DEVICE int block_y() { return host::current()->y; }
DEVICE int block_z() { return host::current()->z; }
DEVICE int blocks_x() { return host::current()->gridX; }
DEVICE char* shared_memory() { return host::current()->shared; }

DEVICE void block_barrier()
{
    host::current()->state[thread()] = host::AtBarrier;
    host::yield();
}

DEVICE void warp_barrier() { host::meet(host::own_warp(), host::own_lanes()); }

DEVICE unsigned exchange(unsigned value, int mask)
{
    host::Warp& w = host::own_warp();
    int lane = thread() & 31;
    w.words[w.generation & 1][lane][0] = value;
    int turn = host::meet(w, host::own_lanes());
    return w.words[turn][lane ^ mask][0];
}

DEVICE unsigned warp_ballot(bool vote)
{
    host::Warp& w = host::own_warp();
    w.words[w.generation & 1][thread() & 31][0] = vote;
    int turn = host::meet(w, host::own_lanes());
    unsigned votes = 0;
    for (int i = 0; i < 32; i++) votes |= w.words[turn][i][0] << i;
    return votes;
}

struct alignas(16) float4 { float x, y, z, w; };

DEVICE float4 load_words(unsigned long long from) { return *(const float4*)from; }
DEVICE unsigned long long load_long(unsigned long long from) { return *(const unsigned long long*)from; }
DEVICE void store_either(unsigned long long to, bool half, float x, float y, unsigned both)
{
    if (half) *(unsigned*)to = both;
    else ((float*)to)[0] = x, ((float*)to)[1] = y;
}

DEVICE float power_of_two(float x) { return __builtin_exp2f(x); }

DEVICE unsigned count_up(unsigned* counter, unsigned last)
{
    unsigned before = *counter;
    *counter = before >= last ? 0 : before + 1;
    return before;
}

DEVICE unsigned round_bf16(float x)
{
    unsigned bits;
    memcpy(&bits, &x, 4);
    if (x != x) return 0x7FFF;
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

DEVICE unsigned pack_bf16(float low, float high) { return round_bf16(low) | round_bf16(high) << 16; }

template <bool Turned> DEVICE void load_fragments(unsigned (&x)[4], const void* row)
{
    host::Warp& w = host::own_warp();
    host::Block* b = host::current();
    int lane = thread() & 31, g = lane / 4, t = lane % 4, next = w.generation & 1;
    if ((uintptr_t)row % 16 != 0 || (const char*)row < b->shared || (const char*)row + 16 > b->shared + b->sharedBytes)
        b->fault = "a fragment's row lies outside of shared memory, or not at a multiple of 16 bytes";
    else memcpy(w.words[next][lane], row, 16);
    int turn = host::meet(w, 32);
    for (int m = 0; m < 4; m++)
    {
        auto at = [&](int i, int j) { return (unsigned)((const uint16_t*)w.words[turn][8 * m + i])[j]; };
        x[m] = Turned ? at(2 * t, g) | at(2 * t + 1, g) << 16 : at(g, 2 * t) | at(g, 2 * t + 1) << 16;
    }
}

DEVICE void mma_bf16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
    host::Warp& w = host::own_warp();
    int lane = thread() & 31, row = lane / 4, quad = lane % 4, next = w.generation & 1;
    unsigned* own = w.words[next][lane];
    for (int i = 0; i < 4; i++) own[i] = a[i];
    own[4] = b0;
    own[5] = b1;
    for (int e = 0; e < 4; e++) w.sums[next][row + 8 * (e / 2)][2 * quad + e % 2] = c[e];
    int turn = host::meet(w, 32, [&](int t) { host::multiply_fragments(w.sums[t], w.words[t]); });
    for (int e = 0; e < 4; e++) c[e] = w.sums[turn][row + 8 * (e / 2)][2 * quad + e % 2];
}
