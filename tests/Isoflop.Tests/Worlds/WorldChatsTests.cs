using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Worlds;
using Xunit;

namespace Isoflop.Tests.Worlds;

public sealed class WorldChatsTests
{
    const int Chats = 4000;

    static IEnumerable<(string Ask, string Say)> Pairs(ulong seed = 1) => Enumerable.Range(0, Chats)
        .SelectMany(i => WorldChats.Of(seed, i).Chunk(2)).Select(p => (p[0], p[1]));

    [Fact]
    public void Turns_alternate_and_a_seed_decides_them()
    {
        Assert.All(Enumerable.Range(0, Chats), i =>
        {
            IReadOnlyList<string> turns = WorldChats.Of(1, i);
            Assert.True(turns.Count is >= 2 and <= 8 && turns.Count % 2 == 0);
            Assert.All(turns, t => Assert.Matches(@"^\S.*\S$", t));
            Assert.Equal(turns, WorldChats.Of(1, i));
        });
        Assert.NotEqual(Pairs(1).ToList(), Pairs(2).ToList());
    }

    [Fact]
    public void What_is_said_is_so()
    {
        var seen = new Dictionary<string, int>();
        foreach ((string ask, string say) in Pairs())
        {
            if (Regex.Match(say, @"^The capital of (.+) is (.+)\.$") is { Success: true } capital)
                Hold("capital", Knowledge.Countries.Any(c => c.Name == capital.Groups[1].Value && c.Capital == capital.Groups[2].Value));
            else if (Regex.Match(say, @"^In (.+) people pay with the (.+)\.$") is { Success: true } pay)
                Hold("currency", Knowledge.Countries.Any(c => c.Name == pay.Groups[1].Value && c.Currency == pay.Groups[2].Value));
            else if (Regex.Match(say, @"^The atomic number of (.+) is (\d+)\.$") is { Success: true } number)
                Hold("number", Knowledge.Elements.Any(e => e.Name == number.Groups[1].Value && e.Number == int.Parse(number.Groups[2].Value)));
            else if (Regex.Match(say, @"^(\d+) \+ (\d+) = (\d+)\.$") is { Success: true } sum)
                Hold("sum", int.Parse(sum.Groups[1].Value) + int.Parse(sum.Groups[2].Value) == int.Parse(sum.Groups[3].Value)
                    && ask.Contains(sum.Groups[1].Value) && ask.Contains(sum.Groups[2].Value));

            void Hold(string kind, bool right)
            {
                Assert.True(right, $"{ask} {say}");
                seen[kind] = seen.GetValueOrDefault(kind) + 1;
            }
        }
        // Each is one topic of twelve, at least: of 4,000 such chats 333 are expected, and 200 is 7 deviations below.
        Assert.All((string[])["capital", "currency", "number", "sum"], kind => Assert.InRange(seen[kind], 200, Chats));
    }

    [Fact]
    public void A_question_that_leaves_out_what_was_said_names_another_and_is_answered_in_full()
    {
        var follow = Enumerable.Range(0, Chats).Select(i => WorldChats.Of(1, i)).SelectMany(t => t.Chunk(2))
            .Where(p => Regex.IsMatch(p[0], "^(And|What about) ")).ToList();
        Assert.NotEmpty(follow);
        Assert.All(follow, p =>
        {
            string what = Regex.Match(p[0], @"^(?:And (?:of |in )?|What about )(.+)\?$").Groups[1].Value;
            Assert.Contains(what, p[1]);
        });
    }

    [Fact]
    public void A_file_of_chats_is_in_OpenAIs_form()
    {
        var text = new StringWriter();
        WorldChats.Write(text, 1, 40);
        string[] lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(40, lines.Length);
        Assert.All(lines, l =>
        {
            JsonElement[] turns = [.. JsonDocument.Parse(l).RootElement.GetProperty("messages").EnumerateArray()];
            Assert.Equal(turns.Select((_, i) => i % 2 == 0 ? "user" : "assistant"), turns.Select(t => t.GetProperty("role").GetString()));
        });
        HashSet<string> docs = [.. DocQuestions.All().Select(d => d.Ask)];
        if (docs.Count == 0) return;
        var asked = lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("messages").EnumerateArray().Select(t => t.GetProperty("content").GetString()!)
            .ToList().FindIndex(docs.Contains)).ToList();
        Assert.Equal(20, asked.Count(at => at >= 0));
        // First, and after another: of 20 such chats none with either would be one seed in 10⁵ and 10³.
        Assert.Contains(0, asked);
        Assert.Contains(2, asked);
    }
}
