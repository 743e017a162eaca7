using System.Diagnostics;
using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Sample;

/// <summary>
/// Deals out the pages of a cache and knows the full ones again, so that sequences which begin with the same tokens share their
/// keys and values, at once or later. Kwon et al. 2023, arXiv:2309.06180; least recently used pages make room.
/// </summary>
/// <remarks>
/// A page is known by its own tokens and the page it continues, hence by all tokens up to its end, compared one by one. Who holds
/// a page holds the one it continues, and lets go of it later: free pages lie in the order of leaving, so none is taken while a
/// known page continues it.
/// </remarks>
sealed class PrefixCache
{
    const int None = -1;

    readonly KvCache cache;
    readonly int pageTokens;
    readonly int[] held;                                          // pages of each slot
    readonly int[] tokens, continues, holders;                    // of each page: its own; the one before; slots that have it
    readonly bool[] known;
    readonly int[] buckets, chain;                                // known pages by hash: the first, and each one's next
    readonly int[] older, newer;                                  // ring of free pages; the last index joins its ends

    public PrefixCache(KvCache cache)
    {
        (this.cache, pageTokens) = (cache, cache.PageTokens);
        held = new int[cache.Slots];
        tokens = new int[Pages * pageTokens];
        (continues, holders, known) = (new int[Pages], new int[Pages], new bool[Pages]);
        (buckets, chain) = (new int[Pages], new int[Pages]);
        (older, newer) = (new int[Pages + 1], new int[Pages + 1]);
        Clear();
    }

    /// <summary>In all.</summary>
    public int Pages => cache.PageCount;

    /// <summary>No slot holds anything, no page is known.</summary>
    public void Clear()
    {
        Array.Clear(held);
        Array.Clear(holders);
        Array.Clear(known);
        Array.Fill(buckets, None);
        for (int i = 0; i <= Pages; i++) (older[i], newer[i]) = ((i + Pages) % (Pages + 1), (i + 1) % (Pages + 1));
    }

    /// <summary>Gives the slot a page of the next tokens of its text, if some sequence has read the same.</summary>
    /// <param name="position">tokens that the slot has</param>
    public bool TryShare(int slot, ReadOnlySpan<int> text, int position)
    {
        if (position % pageTokens != 0 || position + pageTokens > text.Length) return false;
        int page = Find(Before(slot, position / pageTokens), text.Slice(position, pageTokens));
        if (page == None) return false;
        Hold(page);
        cache.Pages[slot * cache.SlotPages + held[slot]++] = page;
        return true;
    }

    /// <summary>Room for a slot's next token, which the coming pass must read; a page that is full with it is known.</summary>
    public void Append(int slot, int position, int token)
    {
        ref int page = ref cache.Pages[slot * cache.SlotPages + position / pageTokens];
        if (position % pageTokens == 0)
        {
            page = Take();
            held[slot]++;
        }
        tokens[page * pageTokens + position % pageTokens] = token;
        if (position % pageTokens != pageTokens - 1) return;
        int before = Before(slot, position / pageTokens), same = Find(before, TokensOf(page));
        if (same == page) return;
        if (same == None) Know(page, before);
        else
        {
            // Another slot was faster. The coming pass writes this token's row there again: the same bits.
            Hold(same);
            LetGo(page);
            page = same;
        }
    }

    /// <summary>The slot's sequence ends.</summary>
    public void Release(int slot)
    {
        while (held[slot] > 0) LetGo(cache.Pages[slot * cache.SlotPages + --held[slot]]);
    }

    int Before(int slot, int index) => index == 0 ? None : cache.Pages[slot * cache.SlotPages + index - 1];

    Span<int> TokensOf(int page) => tokens.AsSpan(page * pageTokens, pageTokens);

    // ---- pages that are known -------------------------------------------------------------------------------------------------

    ref int Bucket(int before, ReadOnlySpan<int> text)
    {
        uint hash = (uint)before;
        foreach (int token in text) hash = (hash ^ (hash >> 15) ^ (uint)token) * 0x9E3779B1;
        return ref buckets[(int)((ulong)hash * (uint)buckets.Length >> 32)];
    }

    int Find(int before, ReadOnlySpan<int> text)
    {
        int page = Bucket(before, text);
        while (page != None && (continues[page] != before || !text.SequenceEqual(TokensOf(page)))) page = chain[page];
        return page;
    }

    void Know(int page, int before)
    {
        ref int first = ref Bucket(before, TokensOf(page));
        (known[page], continues[page], chain[page], first) = (true, before, first, page);
    }

    void Forget(int page)
    {
        ref int link = ref Bucket(continues[page], TokensOf(page));
        while (link != page) link = ref chain[link];
        (known[page], link) = (false, chain[page]);
    }

    // ---- pages that are free --------------------------------------------------------------------------------------------------

    /// <summary>The free page that was left longest ago. There is one: the sampler begins no more than fit.</summary>
    int Take()
    {
        int page = newer[Pages];
        Debug.Assert(page != Pages);
        Hold(page);
        if (known[page]) Forget(page);
        return page;
    }

    void Hold(int page)
    {
        if (holders[page]++ > 0) return;
        (newer[older[page]], older[newer[page]]) = (newer[page], older[page]);
    }

    void LetGo(int page)
    {
        if (--holders[page] > 0) return;
        int left = known[page] ? older[Pages] : Pages;            // what is not known is taken first
        (older[page], newer[page]) = (left, newer[left]);
        (newer[left], older[newer[page]]) = (page, page);
    }
}
