namespace Isoflop.Tasks;

/// <summary>
/// A reply is <c>&gt;answer</c>, or <c>&lt;thought&gt;answer</c> when the model thinks first; end-of-text follows. Neither part
/// holds <c>&lt;</c> or <c>&gt;</c>. A prompt with <c>&lt;</c> appended forces a thought, with <c>&gt;</c> an answer at once.
/// </summary>
/// <param name="Thinks">it opened a thought, be it empty</param> <param name="Thought">without its signs</param>
/// <param name="Answer">everything behind <c>&gt;</c>, nothing trimmed</param>
public readonly record struct Reply(bool Thinks, string Thought, string Answer)
{
    /// <summary>Opens a thought.</summary>
    public const char Think = '<';
    /// <summary>Ends the thought, which may be empty; the answer follows.</summary>
    public const char Say = '>';
    /// <summary>Longer replies are malformed, characters.</summary>
    public const int MaxLength = 1 << 16;
    /// <summary>Longer answers are malformed, characters.</summary>
    public const int MaxAnswer = 1 << 12;

    /// <summary>The parts of a reply, or null if it is malformed: that never scores.</summary>
    public static Reply? Parse(string? reply)
    {
        if (reply is not { Length: > 0 and <= MaxLength }) return null;
        bool thinks = reply[0] == Think;
        int end = reply.IndexOf(Say);
        if (end < 0 || (!thinks && end != 0) || reply.Length - end - 1 > MaxAnswer) return null;
        if (reply.AsSpan(1).Contains(Think) || reply.AsSpan(end + 1).Contains(Say)) return null;
        return new(thinks, thinks ? reply[1..end] : "", reply[(end + 1)..]);
    }

    /// <summary>The reply as text.</summary>
    public override string ToString() => Thinks ? $"{Think}{Thought}{Say}{Answer}" : $"{Say}{Answer}";
}
