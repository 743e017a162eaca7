// Operands of products as bfloat16, in the order in which a block of matmul_hopper.cu reads them: chunks of 128 rows by 64 steps
// of k, 16 KB each, a row chunk's one after another. A row of a chunk is 128 bytes; its pieces of 16 bytes lie turned by the row
// (piece p at p xor row mod 8), as wgmma's 128-byte swizzle has them. Beyond the operand's rows and k are zeros.
#pragma once
#include "kernel.h"

const int ChunkRows = 128, ChunkSteps = 64, ChunkBytes = ChunkRows * ChunkSteps * 2;

// Where a group's chunks begin among a row chunk's: a group's last one is filled up with zeros, so that each group moves the
// next by at most one.
DEVICE int chunk_begin(const Groups& groups, int group, int k) { return group_begin(groups, group, k) / ChunkSteps + group; }

DEVICE int chunk_count(const Groups& groups, int group, int k)
{
    return (group_begin(groups, group + 1, k) - group_begin(groups, group, k) + ChunkSteps - 1) / ChunkSteps;
}

DEVICE int swizzled(int row, int piece) { return row * 128 + (piece ^ (row & 7)) * 16; }
