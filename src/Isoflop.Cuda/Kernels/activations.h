// What layers pass on, in either of the two kinds in which it lies in memory. Part of kernel.h.
#pragma once

// Activations, floats that layers pass on: float32 at their address; or bfloat16, where bit 62 of it is set and the rest is twice
// where they lie. Either way element i is 4·i further.
struct Activations
{
    unsigned long long address;

    DEVICE_MEMBER Activations operator+(long long i) const { return { address + 4 * i }; }
    DEVICE_MEMBER bool narrow() const { return address >> 62 != 0; }
    DEVICE_MEMBER unsigned long long place() const { return narrow() ? (address & ~(1ull << 62)) / 2 : address; }
};

// Elements as they lie there. In rows of so many, quads and pairs say whether four or two can be taken at once.
struct Floats
{
    typedef float4 Four;                                     // as they lie there
    GLOBAL float* at;

    DEVICE_MEMBER Floats(Activations x) : at((GLOBAL float*)x.address) {}
    DEVICE_MEMBER Floats(const float* x) : at((GLOBAL float*)x) {}
    DEVICE_MEMBER bool quads(int width) const { return width % 4 == 0 && ((unsigned long long)at & 15) == 0; }
    DEVICE_MEMBER bool pairs(int width) const { return width % 2 == 0 && ((unsigned long long)at & 7) == 0; }
    DEVICE_MEMBER float operator[](long long i) const { return at[i]; }
    DEVICE_MEMBER float4 load4(long long i) const { return load_words((unsigned long long)(at + i)); }
    DEVICE_MEMBER Four four(long long i) const { return load4(i); }

    DEVICE_MEMBER Four some(long long i, int count) const    // the first of four, then zeros
    {
        return { count > 0 ? at[i] : 0, count > 1 ? at[i + 1] : 0, count > 2 ? at[i + 2] : 0, count > 3 ? at[i + 3] : 0 };
    }

    DEVICE_MEMBER void put(long long i, float x) const { at[i] = x; }
    DEVICE_MEMBER void put_pair(long long i, float x, float y) const { *(GLOBAL Pair*)(at + i) = Pair { x, y }; }

    DEVICE_MEMBER void put_quad(long long i, float x, float y, float z, float w) const
    {
        *(GLOBAL Quad*)(at + i) = Quad { x, y, z, w };
    }
};

struct Bf16s
{
    typedef unsigned long long Four;
    GLOBAL unsigned short* at;

    DEVICE_MEMBER Bf16s(Activations x) : at((GLOBAL unsigned short*)x.place()) {}
    DEVICE_MEMBER Bf16s(const bf16* x) : at((GLOBAL unsigned short*)x) {}
    DEVICE_MEMBER bool quads(int width) const { return width % 4 == 0 && ((unsigned long long)at & 7) == 0; }
    DEVICE_MEMBER bool pairs(int width) const { return width % 2 == 0 && ((unsigned long long)at & 3) == 0; }
    DEVICE_MEMBER float operator[](long long i) const { return as<float>((unsigned)at[i] << 16); }

    template <int E> DEVICE_MEMBER static float element(Four v)
    {
        unsigned pair = (unsigned)(v >> E / 2 * 32);
        return as<float>(E % 2 ? pair & 0xFFFF0000u : pair << 16);
    }

    DEVICE_MEMBER Four four(long long i) const { return load_long((unsigned long long)(at + i)); }

    DEVICE_MEMBER Four some(long long i, int count) const
    {
        Four v = 0;
#pragma unroll
        for (int e = 0; e < 4; e++)
            if (e < count) v |= (Four)at[i + e] << 16 * e;
        return v;
    }

    DEVICE_MEMBER float4 load4(long long i) const
    {
        Four v = four(i);
        return { element<0>(v), element<1>(v), element<2>(v), element<3>(v) };
    }

    DEVICE_MEMBER void put(long long i, float x) const { at[i] = (unsigned short)pack_bf16(x, 0); }
    DEVICE_MEMBER void put_pair(long long i, float x, float y) const { *(GLOBAL unsigned*)(at + i) = pack_bf16(x, y); }

    DEVICE_MEMBER void put_quad(long long i, float x, float y, float z, float w) const
    {
        *(GLOBAL unsigned long long*)(at + i) = pack_bf16(x, y) | (unsigned long long)pack_bf16(z, w) << 32;
    }
};

// Either of them, where results go.
struct Either
{
    unsigned long long at;
    bool half;

    DEVICE_MEMBER Either(Activations x) : at(x.place()), half(x.narrow()) {}
    DEVICE_MEMBER bool pairs(int width) const { return width % 2 == 0 && (at & (half ? 3 : 7)) == 0; }
    DEVICE_MEMBER unsigned long long of(long long i) const { return at + (half ? 2 * i : 4 * i); }
    DEVICE_MEMBER void put(long long i, float x) const
    {
        if (half) *(GLOBAL unsigned short*)of(i) = (unsigned short)pack_bf16(x, 0);
        else *(GLOBAL float*)of(i) = x;
    }

    DEVICE_MEMBER void put_pair(long long i, float x, float y) const { store_either(of(i), half, x, y, pack_bf16(x, y)); }
};

// What activations are where products take T, and what a product gives.
template <class T> struct Kept { typedef Floats activations, results; };
template <> struct Kept<bf16> { typedef Bf16s activations; typedef Either results; };

// use(x) of the elements as they lie there.
template <class T, class Use> DEVICE void with_operands(Activations x, Use use)
{
    if (sizeof(T) == 2 && x.narrow()) use(Bf16s(x));
    else use(Floats(x));
}

template <class Use> DEVICE void with_elements(Activations x, Use use) { with_operands<bf16>(x, use); }

// Columns c and c + 1 of a row, at element i, left of them before its end; as pairs, where rows have them and c is even.
template <class Elements> DEVICE void store_pair(Elements to, long long i, int left, bool pairs, float x, float y)
{
    if (left <= 0) return;
    if (pairs) to.put_pair(i, x, y);
    else
    {
        to.put(i, x);
        if (left > 1) to.put(i + 1, y);
    }
}
