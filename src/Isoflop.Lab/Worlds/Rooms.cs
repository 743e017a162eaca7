using System.Text;

namespace Isoflop.Lab.Worlds;

/// <summary>
/// People move between rooms: 1 one person and one move, 2 two people, 3 three people who move on, 4 things that are carried
/// along.
/// </summary>
sealed class Rooms : Family
{
    static readonly string[] moves =
    [
        "{p} went to the {r}.", "{p} walked into the {r}.", "{p} ran to the {r}.", "{p} entered the {r}.", "{p} came to the {r}.",
        "{p} moved to the {r}.", "{p} stepped into the {r}.", "{p} hurried to the {r}.", "{p} returned to the {r}.",
        "{p} crept into the {r}.", "{p} headed for the {r}.", "{p} is now in the {r}.",
    ];

    static readonly string[] takes =
    [
        "{p} took the {o}.", "{p} picked up the {o}.", "{p} grabbed the {o} there.", "{p} got hold of the {o}.",
        "{p} put the {o} into a bag.", "{p} lifted the {o}.",
    ];

    static readonly Frame[] places = Frame.Block("rooms", """
        1 Then {p} left the [].
        1 Now {p} is in the [].
        1 So you will find {p} in the [].
        1 Where is {p}? In the [].
        1 {p} sat down in the [].
        1 {p} fell asleep in the [].
        1 {p} looked around in the [].
        1 At last {p} came out of the [].
        1 We heard {p} sing in the [].
        1 {p} locked the door of the [].
        1 {p} switched off the light in the [].
        1 If you look for {p}, try the [].
        1 {p} waited for us in the [].
        1 Someone called {p} from outside of the [].
        """)[0];

    static readonly Frame[] things = Frame.Block("rooms.thing", """
        1 The {o} is in the [].
        1 Where is the {o}? In the [].
        1 So the {o} lies in the [].
        1 Who needs the {o} must go to the [].
        1 {p} dropped the {o} in the [].
        1 You will find the {o} in the [].
        1 Now the {o} belongs to the [].
        1 We found the {o} in the [].
        1 {p} left the {o} behind in the [].
        1 In the end the {o} was in the [].
        """)[0];

    static readonly string[] rooms = Lexicon.List("room"), people = Lexicon.List("name"), objects = Lexicon.List("object");

    public override string Name => "rooms";
    public override int Levels => 4;
    public override IReadOnlyList<string> Titles { get; } =
        ["where one person is", "where one of two is", "where one of three is", "where a carried thing is"];
    public override int Frames => moves.Length + takes.Length + places.Length + things.Length;

    public override Statement Say(int level, Draw draw)
    {
        int count = Math.Min(level, 3);
        List<string> who = [], seen = [];
        for (int i = 0; i < count; i++) who.Add(draw.Pick(people, who));
        string[] at = new string[count], moved = new string[count];
        var story = new StringBuilder();
        string thing = "";
        int holder = -1, steps = level switch { 1 => 1, 2 => 2, 3 => 4, _ => 5 };
        for (int step = 0; step < steps; step++)
        {
            // Everyone arrives first; then someone goes elsewhere.
            int p = step < count ? step : draw.Next(count);
            List<string> here = at[p] is { } now ? [now] : [];
            at[p] = draw.Pick(rooms, level == 2 ? seen : here);
            if (!seen.Contains(at[p])) seen.Add(at[p]);
            moved[p] = draw.Pick(moves).Replace("{p}", who[p]).Replace("{r}", at[p]);
            story.Append(moved[p]).Append(' ');
            if (level == 4 && step == 2)
            {
                holder = draw.Next(count);
                thing = draw.Pick(objects);
                story.Append(draw.Pick(takes).Replace("{p}", who[holder]).Replace("{o}", thing)).Append(' ');
            }
        }
        int asked = level == 4 ? holder : draw.Next(count);
        List<string> wrong = [.. seen.Where(r => r != at[asked])];
        if (wrong.Count == 0) wrong.Add(draw.Pick(rooms, [at[asked]], shown: false));
        var values = new Dictionary<string, string> { ["p"] = who[asked], ["o"] = thing };
        Statement said = draw.Pick(level == 4 ? things : places).Say(draw, values, at[asked], wrong, story.ToString());
        // A short story may be the end of a longer one: the move that decides and the question are what is held out.
        return said with { Key = level == 4 ? said.Prompt + said.Answer : moved[asked] + said.Key };
    }
}
