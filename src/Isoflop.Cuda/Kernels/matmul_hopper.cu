#include "hopper.h"

// C = start + A·B of operands in bfloat16 by warpgroups, stored as matmul.cu says; rows of either begin at multiples of 16 bytes. Its
// bits: an element is one chain over ascending k in steps of 16, begun at start. A warp copies boxes into a ring of four stages, two
// warpgroups multiply them, 64 rows each. Group z of a gradient's rows, k, has a C and a start of its own, stride further. Two blocks
// of a cluster take tiles one below the other, and share B: each copies a half of it for both.
struct WarpgroupMatMulArgs
{
    TensorMap a, b; const float* start; Activations c; Groups groups; int m, n, k, grouped, filler[2];
};

const int Stages = 4, Steps = BoxSide, Warps = 8;            // Warps multiply; one more copies
const int Neighbours = 2;                                    // tiles that may share B; rows of tiles are a multiple of it

struct Ring { BlockEvent full[Stages], empty[Stages]; };

// So many steps of k of a stage, from k0 on. It waits for what it began: the other warpgroup's products run meanwhile, and the
// compiler may move sums between registers only where no product is under way.
template <int Count, bool TurnA, bool TurnB, int J>
DEVICE void multiply_steps(float (&acc)[J][64], const char* left, const char* right, int k0)
{
    products_begin();
#pragma unroll
    for (int k = 0; k < Count; k += 16)
#pragma unroll
        for (int j = 0; j < J; j++)
            product_64x128<TurnA, TurnB>(acc[j], tile_descriptor<TurnA>(left, k0 + k),
                tile_descriptor<TurnB>(right + j * 2 * BoxBytes, k0 + k));
    products_commit();
    products_await();
}

// A box of a tile that begins so far along rows or columns of C and so far along k.
template <bool Turned> DEVICE void copy_operand_box(char* to, unsigned long long map, int along, int k, BlockEvent* e, bool to_all)
{
    int column = Turned ? along : k, row = Turned ? k : along;
    if (to_all) box_copy_to_all(to, map, column, row, e);
    else box_copy(to, map, column, row, e);
}

// Rows of k from there to the next multiple of 16 in a box of a turned operand: another group's, and nothing to this one. The other
// operand keeps its own: finite numbers times zero.
DEVICE void clear_rows(char* box, int from)
{
    int row = from + thread() % 128 / 8;
    if (row < (from + 15) / 16 * 16) *(Quad*)(box + row * 128 + thread() % 8 * 16) = Quad { 0, 0, 0, 0 };
    writes_to_products();
}

// A tile of 128 × 128·J of a group; maps: where those of the operands lie.
template <int J, bool TurnA, bool TurnB>
DEVICE void warpgroup_product(const WarpgroupMatMulArgs& a, unsigned long long maps, int tile, int group)
{
    const int StageBytes = (2 + 2 * J) * BoxBytes;
    char* stages = shared_memory();
    Ring& ring = *(Ring*)(stages + Stages * StageBytes);
    int share = cluster_blocks(), i0, j0;
    tile_of(tile, ((a.m + 127) / 128 + Neighbours - 1) / Neighbours * Neighbours, (a.n + 128 * J - 1) / (128 * J), i0, j0);
    i0 *= 128, j0 *= 128 * J;
    if (share == 1 && i0 >= a.m) return;                     // else the other block wants its half of B
    int k0 = a.grouped ? group_begin(a.groups, group, a.k) : 0, k1 = a.grouped ? group_begin(a.groups, group + 1, a.k) : a.k;
    int count = (k1 - k0 + Steps - 1) / Steps;
    if (thread() == 0)
        for (int s = 0; s < Stages; s++) event_make(&ring.full[s], 1), event_make(&ring.empty[s], Warps * share);
    block_barrier();
    if (share > 1) cluster_barrier();

    if (warp() == Warps)                            // copies
    {
        unsigned long long left = maps, right = maps + sizeof(TensorMap);
        copies_begin();
        int end = share > 1 ? count + Stages : count;        // it stays until the other block has told of its last stages here
        for (int i = 0; lane() == 0 && i < end; i++)
        {
            int s = i % Stages, k = k0 + i * Steps;
            char* stage = stages + s * StageBytes;
            if (i >= Stages) event_await(&ring.empty[s], (i / Stages + 1) & 1);
            if (i >= count) continue;
            event_expect(&ring.full[s], StageBytes);
            for (int b = 0; b < 2; b++) copy_operand_box<TurnA>(stage + b * BoxBytes, left, i0 + b * BoxSide, k, &ring.full[s], false);
            int own = 2 * J / share, first = share > 1 ? cluster_rank() * own : 0;
            for (int b = first; b < first + own; b++)
                copy_operand_box<TurnB>(stage + (2 + b) * BoxBytes, right, j0 + b * BoxSide, k, &ring.full[s], share > 1);
        }
        return;
    }

    const float* start = a.start ? a.start + group * a.groups.stride : nullptr;
    Activations to = a.c + group * a.groups.stride;
    int half = warp() / 4, row0 = i0 + half * 64 + warp() % 4 * 16 + lane() / 4, column0 = j0 + 2 * (lane() % 4);
    float acc[J][64];
#pragma unroll
    for (int j = 0; j < J; j++)
#pragma unroll
        for (int e = 0; e < 64; e++)
        {
            int row = row0 + e / 2 % 2 * 8, column = column0 + j * 128 + e / 4 * 8 + e % 2;
            acc[j][e] = start && row < a.m && column < a.n ? start[(long long)row * a.n + column] : 0;
        }
    for (int i = 0; i < count; i++)
    {
        int s = i % Stages, steps = least(Steps, k1 - k0 - i * Steps);
        char *left = stages + s * StageBytes + half * BoxBytes, *right = stages + s * StageBytes + 2 * BoxBytes;
        event_await(&ring.full[s], i / Stages & 1);
        if (TurnA && steps % 16 != 0) clear_rows(left, steps);
        if (steps > Steps - 16) multiply_steps<Steps, TurnA, TurnB>(acc, left, right, 0);
        else
            for (int k = 0; k < steps; k += 16) multiply_steps<16, TurnA, TurnB>(acc, left, right, k);
        if (share == 1 && lane() == 0) event_arrive(&ring.empty[s]);
        if (share > 1 && lane() < share) event_arrive(&ring.empty[s], lane());
    }
    Either c(to);
    bool pairs = c.pairs(a.n);
#pragma unroll
    for (int j = 0; j < J; j++)
#pragma unroll
        for (int e = 0; e < 64; e += 2)
        {
            int row = row0 + e / 2 % 2 * 8, column = column0 + j * 128 + e / 4 * 8;
            store_pair(c, (long long)row * a.n + column, row < a.m ? a.n - column : 0, pairs, acc[j][e], acc[j][e + 1]);
        }
}

#define PRODUCT(name, ...) \
    TENSOR_KERNEL(matmul_warpgroup_##name##_wide, WarpgroupMatMulArgs, 288) \
    { \
        warpgroup_product<2, __VA_ARGS__>(a, given, block_x(), block_y()); \
    } \
    TENSOR_KERNEL(matmul_warpgroup_##name##_narrow, WarpgroupMatMulArgs, 288) \
    { \
        warpgroup_product<1, __VA_ARGS__>(a, given, block_x(), block_y()); \
    }

// turnA, turnB: where k goes down the rows.
PRODUCT(plain, false, true)
PRODUCT(turned_b, false, false)
PRODUCT(turned_a, true, true)

// dW += dyᵀ·x and dx = dy·W side by side: weights have few tiles and a long k, and would leave a card idle by themselves; of a large
// vocabulary dx is what has. Blocks make weights' tiles, group by group, 128 × 128·J, then those of dx, 128 × 256; the first so many
// make those of dx instead, where its k is the longer one.
struct WarpgroupBackwardArgs { WarpgroupMatMulArgs weights, inputs; int weight_tiles, group_count, inputs_first, filler[13]; };

template <int J> DEVICE void warpgroup_backward(const WarpgroupBackwardArgs& a, unsigned long long given)
{
    int weights = a.weight_tiles * a.group_count, first = a.inputs_first;
    int block = block_x() < first ? weights + block_x() : block_x() - first;
    if (block < weights) warpgroup_product<J, true, true>(a.weights, given, block % a.weight_tiles, block / a.weight_tiles);
    else warpgroup_product<2, false, true>(a.inputs, given + sizeof(WarpgroupMatMulArgs), block - weights, 0);
}

TENSOR_KERNEL(matmul_warpgroup_backward_wide, WarpgroupBackwardArgs, 288) { warpgroup_backward<2>(a, given); }
TENSOR_KERNEL(matmul_warpgroup_backward_narrow, WarpgroupBackwardArgs, 288) { warpgroup_backward<1>(a, given); }
