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

DEVICE void put_piece(char* chunk, int row, int piece, const float (&v)[8])
{
    unsigned long long* to = (unsigned long long*)(chunk + swizzled(row, piece));
    to[0] = pack_bf16(v[0], v[1]) | (unsigned long long)pack_bf16(v[2], v[3]) << 32;
    to[1] = pack_bf16(v[4], v[5]) | (unsigned long long)pack_bf16(v[6], v[7]) << 32;
}

// Piece p of row r, of an operand whose k is in one group: its chunk, and eight elements as they lie there.
DEVICE void put_row_piece(void* to, int chunks, int r, int p, const float (&v)[8])
{
    put_piece((char*)to + ((long long)(r / ChunkRows) * chunks + p / 8) * ChunkBytes, r % ChunkRows, p % 8, v);
}
