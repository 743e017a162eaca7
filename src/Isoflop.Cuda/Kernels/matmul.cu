#include "tile.h"

// C = start + A·B; A [m, k], B [k, n], each also stored the other way round: turnA: A is [k, m]; turnB: B is [n, k]. Operands of
// float32 are rounded on the way into shared memory, where T is bf16. An element is one chain over ascending k in steps of 16,
// begun at start; k is never split by shape. A gradient of weights (turnA, no turnB) has its rows, k, in groups, whose C and
// start lie stride further.
struct MatMulArgs { Activations a, b; const float* start; Activations c; Groups groups; int m, n, k, grouped; };

// A tile of R rows by so many steps of k on its way: registers while the tile before it is multiplied.
template <class T, int R, int Steps, int Threads, bool Turned> struct Panel
{
    static const int Loads = R * Steps / 4 / Threads;
    static const int Stride = Turned ? padded<T>(R) : padded<T>(Steps), Size = Turned ? Stride * Steps : Stride * R;
    float4 held[Loads];

    // rows: how many there are from r0 on; k1: the end of k. Beyond either are zeros.
    DEVICE_MEMBER void load(Activations from, int ld, int r0, int rows, int k0, int k1)
    {
        with_operands<T>(from, [&](auto x)
        {
            bool aligned = x.quads(ld);
#pragma unroll
            for (int i = 0; i < Loads; i++)
            {
                int slot = thread() + i * Threads;
                // along: the stored direction, four elements at a time; across: the other one
                int along = slot % ((Turned ? R : Steps) / 4) * 4, across = slot / ((Turned ? R : Steps) / 4);
                int alongLeft = Turned ? rows - r0 - along : k1 - k0 - along, acrossLeft = Turned ? k1 - k0 - across : rows - r0 - across;
                long long at = (long long)(across + (Turned ? k0 : r0)) * ld + along + (Turned ? r0 : k0);
                float4 v = { 0, 0, 0, 0 };
                if (acrossLeft > 0 && alongLeft >= 4 && aligned) v = x.load4(at);
                else if (acrossLeft > 0)
                {
                    if (alongLeft > 0) v.x = x[at];
                    if (alongLeft > 1) v.y = x[at + 1];
                    if (alongLeft > 2) v.z = x[at + 2];
                    if (alongLeft > 3) v.w = x[at + 3];
                }
                held[i] = v;
            }
        });
    }

    DEVICE_MEMBER void store(T* tile) const
    {
#pragma unroll
        for (int i = 0; i < Loads; i++)
        {
            int slot = thread() + i * Threads, row = (Turned ? R : Steps) / 4;
            put4(tile + slot / row * Stride + slot % row * 4, held[i]);
        }
    }
};

// Tiles of BM × BN by warps of WM × WN; two buffers of so many steps: one is multiplied while the next one is on its way. A
// gradient of weights has few tiles and a long k: its small tiles take twice the steps at a time, since they wait for memory.
template <class T, int BM, int BN, int WM, int WN, int Steps, bool TurnA, bool TurnB> DEVICE void product(const MatMulArgs& a,
    int tileColumn, int tileRow, int group)
{
    const int Threads = BM / WM * (BN / WN) * 32;
    typedef Panel<T, BM, Steps, Threads, TurnA> PanelA;
    typedef Panel<T, BN, Steps, Threads, !TurnB> PanelB;
    int i0 = tileRow * BM, j0 = tileColumn * BN;
    int k0 = a.grouped ? group_begin(a.groups, group, a.k) : 0, k1 = a.grouped ? group_begin(a.groups, group + 1, a.k) : a.k;
    const float* start = a.start ? a.start + group * a.groups.stride : nullptr;
    Activations to = a.c + group * a.groups.stride;
    int lda = TurnA ? a.m : a.k, ldb = TurnB ? a.k : a.n;
    T *left = (T*)shared_memory(), *right = left + 2 * PanelA::Size;               // two buffers each
    int wi = warp() / (BN / WN) * WM, wj = warp() % (BN / WN) * WN, g = lane() / 4, t = lane() % 4;

    float acc[WM / 16][WN / 8][4];
#pragma unroll
    for (int i = 0; i < WM / 16; i++)
#pragma unroll
        for (int j = 0; j < WN / 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
            {
                int row = i0 + wi + 16 * i + g + e / 2 * 8, column = j0 + wj + 8 * j + 2 * t + e % 2;
                acc[i][j][e] = start && row < a.m && column < a.n ? start[(long long)row * a.n + column] : 0;
            }
    if (k0 < k1)
    {
        PanelA nextA;
        PanelB nextB;
        nextA.load(a.a, lda, i0, a.m, k0, k1);
        nextB.load(a.b, ldb, j0, a.n, k0, k1);
        nextA.store(left);
        nextB.store(right);
        block_barrier();
        for (int k = k0, turn = 0; k < k1; k += Steps, turn ^= 1)
        {
            bool more = k + Steps < k1;
            if (more)
            {
                nextA.load(a.a, lda, i0, a.m, k + Steps, k1);
                nextB.load(a.b, ldb, j0, a.n, k + Steps, k1);
            }
            multiply<WM / 16, WN / 8, TurnA, !TurnB>(acc, left + turn * PanelA::Size + (TurnA ? wi : wi * PanelA::Stride), PanelA::Stride,
                right + turn * PanelB::Size + (TurnB ? wj * PanelB::Stride : wj), PanelB::Stride, least(Steps, (k1 - k + 15) / 16 * 16));
            if (more)
            {
                nextA.store(left + (turn ^ 1) * PanelA::Size);
                nextB.store(right + (turn ^ 1) * PanelB::Size);
            }
            block_barrier();
        }
    }
    typename Kept<T>::results c(to);
    bool pairs = c.pairs(a.n);
#pragma unroll
    for (int i = 0; i < WM / 16; i++)
#pragma unroll
        for (int j = 0; j < WN / 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e += 2)
            {
                int row = i0 + wi + 16 * i + g + e / 2 * 8, column = j0 + wj + 8 * j + 2 * t;
                store_pair(c, (long long)row * a.n + column, row < a.m ? a.n - column : 0, pairs, acc[i][j][e], acc[i][j][e + 1]);
            }
}

template <class T, int BM, int BN, int WM, int WN, int Steps, bool TurnA, bool TurnB> DEVICE void tiled(const MatMulArgs& a)
{
    int row, column;
    tile_of(block_y() * blocks_x() + block_x(), (a.m + BM - 1) / BM, blocks_x(), row, column);
    product<T, BM, BN, WM, WN, Steps, TurnA, TurnB>(a, column, row, block_z());
}

#define PRODUCT(name, threads, ...) \
    OPERAND_KERNEL(matmul_##name, MatMulArgs, threads) { tiled<OPERAND, __VA_ARGS__>(a); }

// Tile, a warp's part of it, steps, turnA, turnB.
#define LARGE 128, 128, 64, 32, 32
#define SMALL 64, 64, 32, 32, 32
#define SMALL_GRADIENT 64, 64, 32, 32, 64

PRODUCT(plain_large, 256, LARGE, false, false)
PRODUCT(plain_small, 128, SMALL, false, false)
PRODUCT(turned_b_large, 256, LARGE, false, true)
PRODUCT(turned_b_small, 128, SMALL, false, true)
PRODUCT(turned_a_large, 256, LARGE, true, false)
PRODUCT(turned_a_small, 128, SMALL_GRADIENT, true, false)

// dW += dyᵀ·x and dx = dy·W side by side: the first blocks make weights' tiles, columns fastest, then rows, then groups.
struct MatMulBackwardArgs { MatMulArgs weights, inputs; int columns, weight_rows, weight_blocks; };

OPERAND_KERNEL(matmul_backward, MatMulBackwardArgs, 128)
{
    int block = block_x();
    if (block < a.weight_blocks)
        product<OPERAND, SMALL_GRADIENT, true, false>(a.weights, block % a.columns, block / a.columns % a.weight_rows,
            block / a.columns / a.weight_rows);
    else
    {
        block -= a.weight_blocks;
        product<OPERAND, SMALL, false, false>(a.inputs, block % a.columns, block / a.columns, 0);
    }
}
