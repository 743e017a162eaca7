// The CUDA driver's functions on the host, as far as Isoflop.Cuda calls them: a card made of cuda_host.h. Work waits in its stream
// until something waits for it, as on a card at its slowest, so that what reads or frees too early is found. Memory lies between
// fences. isoflop_card says what the card is; isoflop_fault what it found wrong.
#include "cuda_host.h"
#include <dlfcn.h>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace
{

typedef int Result;
const Result Invalid = 1, OutOfMemory = 2, NoDevice = 100, NotFound = 500, NotReady = 600, LaunchFailed = 719, InvalidCluster = 912;
const size_t Fence = 256;
const int Fill = 0xFF;

struct Card { int count = 1, major = 8, minor = 0, version = 13000; size_t memory = 1ull << 34; bool chains = false, alone = false, aloneInGraphs = false, hangs = false; } card;

// Bytes of shared memory that a block may ask for: A100, H100.
int most_shared() { return card.major >= 9 ? 232448 : 166912; }

// Set: kernels are not run. What is left of a step is the host's own work.
const bool idle = getenv("ISOFLOP_IDLE_CARD");

std::recursive_mutex one;
std::map<char*, size_t> blocks;
std::vector<void*> lost;                                     // what nobody frees, while nothing ends
size_t used;
std::string fault;

typedef const char* (*Launcher)(const host::Shape*, const void*);
struct Function { Launcher run = nullptr; int bytes = 0; std::string name; int maxShared = 0; bool waits = false; int cluster[3] = { 0, 0, 0 }; };
struct Node { Function* function; host::Shape shape; std::vector<char> given; };
struct Stream { std::deque<std::function<Result()>> work; };
struct Graph { std::vector<Node> nodes; size_t edges = 0; };
struct Module { std::string text; std::map<std::string, Function> functions; };
std::vector<Stream*> streams;
Result broken;

size_t count_of(const std::string& text, const std::string& what)
{
    size_t count = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) count++;
    return count;
}

Result drain(Stream* s)
{
    while (!s->work.empty())
    {
        auto next = std::move(s->work.front());
        s->work.pop_front();
        if (!broken) broken = next();
    }
    return broken;
}

Result drain_all()
{
    for (Stream* s : streams) drain(s);
    return broken;
}

Result run(const Node& n)
{
    const char* said = n.function->run(&n.shape, n.given.data());
    if (!said) return 0;
    fault = n.function->name + ": " + said;
    return LaunchFailed;
}

Node node_of(Function* f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned shared, void** given)
{
    Node n = { f, { (int)x, (int)y, (int)z, (int)threads, (int)shared, f->cluster[0] ? f->cluster[0] : 1 }, std::vector<char>(f->bytes) };
    memcpy(n.given.data(), given[0], f->bytes);
    return n;
}

bool wrong(Function* f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned shared)
{
    return x == 0 || y == 0 || z == 0 || y > 65535 || z > 65535 || threads > 1024 || (int)shared > f->maxShared
        || (f->cluster[0] ? x % f->cluster[0] || f->cluster[1] != 1 || f->cluster[2] != 1 : f->cluster[1] || f->cluster[2]);
}

bool fences_stand(char* at, size_t bytes)
{
    for (size_t i = 0; i < Fence; i++)
        if (at[-1 - (long)i] != (char)Fill || at[bytes + i] != (char)Fill) return false;
    return true;
}

struct Params { Function* function; unsigned x, y, z, threads, ty, tz, shared; void** given; void** extra; };

}

#define CALL EXPORT Result
#define ALONE std::lock_guard<std::recursive_mutex> alone(one)

CALL cuMemFree_v2(void* p);

EXPORT void isoflop_card(int count, int major, int minor, int version, size_t memory)
{
    ALONE;
    for (void* p : lost) cuMemFree_v2(p);
    lost.clear();
    card = { count, major, minor, version, memory };
    broken = 0;
    fault.clear();
}

EXPORT size_t isoflop_used() { return used; }

// What is wrong so far; fences of everything that is still allocated are looked at.
EXPORT const char* isoflop_fault()
{
    ALONE;
    drain_all();
    for (auto& b : blocks)
        if (fault.empty() && !fences_stand(b.first, b.second)) fault = "wrote outside of " + std::to_string(b.second) + " bytes";
    return fault.c_str();
}

// A driver that has no edges but those of whole kernels.
EXPORT void isoflop_chains() { card.chains = true; }

// A driver that has no clusters.
EXPORT void isoflop_alone() { card.alone = true; }

// One that has none in graphs.
EXPORT void isoflop_alone_in_graphs() { card.aloneInGraphs = true; }

// Nothing that was launched ends.
EXPORT void isoflop_hang() { card.hangs = true; }

// As if the card fell off its bus.
EXPORT void isoflop_break() { broken = 999; fault = "the card is lost"; }

CALL cuInit(unsigned) { return card.count == 0 ? NoDevice : 0; }
CALL cuDriverGetVersion(int* v) { *v = card.version; return 0; }
CALL cuDeviceGetCount(int* n) { *n = card.count; return 0; }
CALL cuDeviceGet(int* d, int i) { *d = i; return i < card.count ? 0 : 101; }
CALL cuDeviceGetName(char* name, int n, int) { snprintf(name, n, "Host card"); return 0; }
CALL cuDeviceTotalMem_v2(size_t* n, int) { *n = card.memory; return 0; }
CALL cuDeviceGetAttribute(int* v, int which, int)
{
    *v = which == 75 ? card.major : which == 76 ? card.minor : which == 16 ? 4 : which == 13 ? 1000000 : which == 97 ? most_shared() : -1;
    return *v < 0 ? Invalid : 0;
}
CALL cuDevicePrimaryCtxRetain(void** c, int) { *c = &card; return 0; }
CALL cuCtxSetCurrent(void* c) { return c == &card ? 0 : Invalid; }
CALL cuGetErrorName(int e, const char** s)
{
    *s = e == OutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : e == LaunchFailed ? "CUDA_ERROR_LAUNCH_FAILED" : e == 999 ? "CUDA_ERROR_UNKNOWN" : "CUDA_ERROR";
    return 0;
}
CALL cuGetErrorString(int e, const char** s) { *s = fault.empty() ? "error" : fault.c_str(); return 0; }
CALL cuMemGetInfo_v2(size_t* left, size_t* all) { *left = card.memory - used; *all = card.memory; return 0; }

CALL cuMemAlloc_v2(void** p, size_t bytes)
{
    ALONE;
    if (used + bytes > card.memory) return OutOfMemory;
    char* block = (char*)aligned_alloc(256, (bytes + 2 * Fence + 255) / 256 * 256);
    memset(block, Fill, bytes + 2 * Fence);
    blocks[block + Fence] = bytes;
    used += bytes;
    *p = block + Fence;
    if (card.hangs) lost.push_back(*p);
    return 0;
}

CALL cuMemFree_v2(void* p)
{
    ALONE;
    drain_all();
    auto b = blocks.find((char*)p);
    if (b == blocks.end()) return fault = "freed what was not allocated", Invalid;
    if (!fences_stand(b->first, b->second)) fault = "wrote outside of " + std::to_string(b->second) + " bytes";
    used -= b->second;
    free((char*)p - Fence);
    blocks.erase(b);
    return broken;
}

// As hopper_host.h reads it. What this driver refuses, and the one kind of map that kernels take.
CALL cuTensorMapEncodeTiled(void* map, int type, unsigned rank, char* at, const unsigned long long* sizes, const unsigned long long* strides,
    const unsigned* box, const unsigned* steps, int interleave, int swizzle, int, int fill)
{
    struct { const char* at; unsigned long long columns, rows, pitch; } made = { at, sizes[0], sizes[1], strides[0] };
    if ((size_t)map % 64 || (size_t)at % 16 || strides[0] % 16 || strides[0] < 2 * sizes[0] || !sizes[0] || !sizes[1] || sizes[0] % 8) return Invalid;
    if (type != 9 || rank != 2 || box[0] != 64 || box[1] != 64 || steps[0] != 1 || steps[1] != 1 || interleave || swizzle != 3 || fill) return Invalid;
    memset(map, 0, 128);
    memcpy(map, &made, sizeof(made));
    return 0;
}

CALL cuMemHostAlloc(void** p, size_t bytes, unsigned) { *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096); return 0; }
CALL cuMemFreeHost(void* p) { ALONE; drain_all(); free(p); return 0; }

CALL cuMemsetD8Async(char* to, unsigned char value, size_t bytes, Stream* s)
{
    ALONE;
    s->work.push_back([=] { memset(to, value, bytes); return 0; });
    return broken;
}

CALL cuMemcpyHtoDAsync_v2(char* to, const char* from, size_t bytes, Stream* s)
{
    ALONE;
    std::vector<char> copy(from, from + bytes);
    s->work.push_back([=] { memcpy(to, copy.data(), copy.size()); return 0; });
    return broken;
}

CALL cuMemcpyDtoHAsync_v2(char* to, const char* from, size_t bytes, Stream* s)
{
    ALONE;
    s->work.push_back([=] { memcpy(to, from, bytes); return 0; });
    return broken;
}

CALL cuStreamCreate(Stream** s, unsigned) { ALONE; streams.push_back(*s = new Stream()); return 0; }
CALL cuStreamDestroy_v2(Stream* s)
{
    ALONE;
    drain(s);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == s) streams.erase(streams.begin() + i);
    delete s;
    return 0;
}
CALL cuStreamQuery(Stream* s) { ALONE; return card.hangs ? NotReady : drain(s); }
CALL cuStreamSynchronize(Stream* s) { ALONE; return drain(s); }

// An event is a count of what was in its stream when it was recorded: waiting for it drains the stream, which is later, not sooner.
struct Event { Stream* stream = nullptr; };
CALL cuEventCreate(Event** e, unsigned) { *e = new Event(); return 0; }
CALL cuEventDestroy_v2(Event* e) { delete e; return 0; }
CALL cuEventRecord(Event* e, Stream* s) { e->stream = s; return broken; }
CALL cuEventSynchronize(Event* e) { ALONE; return e->stream ? drain(e->stream) : broken; }

CALL cuModuleLoadDataEx(Module** m, const char* text, unsigned, int*, void**) { *m = new Module{ text, {} }; return broken; }

CALL cuModuleGetFunction(Function** f, Module* m, const char* name)
{
    ALONE;
    if (m->text.find(std::string(".entry ") + name + "(") == std::string::npos) return NotFound;
    static void* self = [] { Dl_info info; dladdr((void*)cuInit, &info); return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD); }();
    auto run = (Launcher)dlsym(self, name);
    auto bytes = (int (*)())dlsym(self, (std::string(name) + "_bytes").c_str());
    if (!run || !bytes) return NotFound;
    Function& made = m->functions[name];                     // the same for ever, with what was set
    if (!made.run) made = { run, bytes(), name, 48 << 10, count_of(m->text, "griddepcontrol.wait;") == count_of(m->text, ".entry ") };
    *f = &made;
    return 0;
}

CALL cuFuncSetAttribute(Function* f, int which, int value)
{
    bool cluster = which >= 11 && which <= 13 && card.major >= 9 && !card.alone;
    if (cluster) f->cluster[which - 11] = value;
    else if (which == 8 && value <= most_shared()) f->maxShared = value;
    else return Invalid;
    return 0;
}

CALL cuLaunchKernel(Function* f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned shared, Stream* s,
    void** given, void**)
{
    ALONE;
    if (wrong(f, x, y, z, threads, shared)) return fault = f->name + ": a grid that no card takes", Invalid;
    if (idle) return broken;
    Node n = node_of(f, x, y, z, threads, shared, given);
    s->work.push_back([n] { return run(n); });
    return broken;
}

CALL cuGraphCreate(Graph** g, unsigned) { *g = new Graph(); return 0; }
CALL cuGraphAddKernelNode(size_t* node, Graph* g, const size_t* before, size_t count, const Params* p)
{
    ALONE;
    if (card.aloneInGraphs && p->function->cluster[0] > 1) return InvalidCluster;
    if (count > 1 || (count && *before != g->nodes.size())) return fault = "not a chain", Invalid;
    g->edges += count;
    if (wrong(p->function, p->x, p->y, p->z, p->threads, p->shared)) return fault = p->function->name + ": a grid that no card takes", Invalid;
    g->nodes.push_back(node_of(p->function, p->x, p->y, p->z, p->threads, p->shared, p->given));
    *node = g->nodes.size();
    return 0;
}

// The second kernel of such an edge may begin before the first has ended: it must wait by itself.
CALL cuGraphAddDependencies_v2(Graph* g, const size_t* from, const size_t* to, const unsigned long long* edges, size_t count)
{
    ALONE;
    if (card.chains) return Invalid;
    for (size_t i = 0; i < count; i++)
    {
        if (card.major < 9 || to[i] != from[i] + 1 || to[i] > g->nodes.size() || edges[i] != 0x10001) return Invalid;
        if (!g->nodes[to[i] - 1].function->waits) return fault = g->nodes[to[i] - 1].function->name + " does not wait for the kernel before it", Invalid;
        g->edges++;
    }
    return 0;
}

CALL cuGraphInstantiateWithFlags(Graph** e, Graph* g, unsigned long long)
{
    ALONE;
    if (g->edges + 1 != g->nodes.size()) return fault = "not a chain", Invalid;
    *e = new Graph(*g);
    return 0;
}
CALL cuGraphExecKernelNodeSetParams(Graph* e, size_t node, const Params* p)
{
    ALONE;
    if (node < 1 || node > e->nodes.size() || e->nodes[node - 1].function != p->function) return Invalid;
    if (wrong(p->function, p->x, p->y, p->z, p->threads, p->shared)) return Invalid;
    e->nodes[node - 1] = node_of(p->function, p->x, p->y, p->z, p->threads, p->shared, p->given);
    return 0;
}
CALL cuGraphLaunch(Graph* e, Stream* s)
{
    ALONE;
    if (idle) return broken;
    for (const Node& n : e->nodes) s->work.push_back([n] { return run(n); });
    return broken;
}
CALL cuGraphDestroy(Graph* g) { delete g; return 0; }
CALL cuGraphExecDestroy(Graph* g) { delete g; return 0; }
