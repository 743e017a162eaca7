using System.Globalization;
using System.Numerics;

namespace Isoflop.Lab.Thinking;

/// <summary>Counts answers that are written differently and mean the same as one.</summary>
static class Vote
{
    /// <summary>Of the answer with the most votes the first reply; of equals the one that was seen first.</summary>
    /// <param name="weights">of each reply's vote; null: 1</param>
    public static PartialReply? Of(IReadOnlyList<PartialReply> replies, IReadOnlyList<double>? weights = null)
    {
        List<(PartialReply First, double Votes)> ballot = Count(replies, weights);
        PartialReply? best = null;
        double most = double.NegativeInfinity;
        foreach ((PartialReply first, double votes) in ballot)
            if (votes > most) (best, most) = (first, votes);
        return best;
    }

    /// <summary>By how many votes the leading answer leads.</summary>
    public static double Lead(IReadOnlyList<PartialReply> replies)
    {
        double[] votes = [.. Count(replies, null).Select(b => b.Votes).OrderDescending()];
        return votes.Length == 0 ? 0 : votes[0] - votes.ElementAtOrDefault(1);
    }

    static List<(PartialReply First, double Votes)> Count(IReadOnlyList<PartialReply> replies, IReadOnlyList<double>? weights)
    {
        List<(PartialReply First, double Votes)> ballot = [];
        Dictionary<string, int> places = [];
        for (int i = 0; i < replies.Count; i++)
        {
            if (replies[i].Answer is not { } answer) continue;
            string canonical = Canonical(answer);
            if (!places.TryGetValue(canonical, out int at))
            {
                places.Add(canonical, at = ballot.Count);
                ballot.Add((replies[i], 0));
            }
            ballot[at] = ballot[at] with { Votes = ballot[at].Votes + (weights?[i] ?? 1) };
        }
        return ballot;
    }

    /// <summary>
    /// One writing for what means the same: space is one blank, a full stop at the end is gone, and a number stands without
    /// plus sign, leading zeros and zeros behind its point.
    /// </summary>
    public static string Canonical(string answer)
    {
        string text = string.Join(' ', answer.Split((char[])[' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
        if (text.Length > 1 && text[^1] == '.') text = text[..^1].TrimEnd();
        if (!text.All(c => char.IsAsciiDigit(c) || c is '+' or '-' or '.')) return text;
        if (BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole))
            return whole.ToString(CultureInfo.InvariantCulture);
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out decimal real) ? real.ToString("0.############################",
            CultureInfo.InvariantCulture) : text;
    }
}
