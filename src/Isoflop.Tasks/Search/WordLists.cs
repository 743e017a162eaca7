namespace Isoflop.Tasks;

/// <summary>Our own words: of three letters for crosswords, with syllables for poems.</summary>
static class WordLists
{
    /// <summary>Common English words of three letters.</summary>
    public static readonly string[] Three =
        ("ace act add ado age ago aid ail aim air ale all and ant any ape apt arc are ark arm art ash ask ate awe " +
        "axe bad bag ban bar bat bay bed bee beg bet bid big bin bit boa bob bog bow box boy bud bug bun bus but " +
        "buy cab can cap car cat cob cod cog cot cow cry cub cud cue cup cut dab dad dam day den dew did die dig " +
        "dim din dip doe dog dot dry dub due dug dye ear eat eel egg ego eke elf elk elm end era eve ewe eye fan " +
        "far fat fed fee few fig fin fir fit fly foe fog for fox fry fun fur gag gap gas gel gem get gin god got " +
        "gum gun gut guy gym had ham has hat hay hem hen her hew hid hip his hit hoe hog hop hot how hub hue hug " +
        "hut ice icy ill ink inn ion ire its ivy jam jar jaw jet job jog jot joy jug key kid kin kit lab lad lag " +
        "lap law lay lea led leg let lid lie lip lit log lot low mad man map mat may men met mix mob mop mud mug " +
        "nag nap net new nib nil nip nod nor not now nun nut oak oar oat odd ode off oil old one opt orb ore our " +
        "out owe owl own pad pan par pat paw pay pea peg pen pet pew pie pig pin pit ply pod pop pot pro pry pun " +
        "pup put rag ram ran rap rat raw ray red rib rid rig rim rip rob rod roe rot row rub rue rug run rut rye " +
        "sad sag sap sat saw say sea see set sew she shy sin sip sir sit six ski sky sly sob sod son sow soy spa " +
        "spy sty sub sue sum sun tab tag tan tap tar tax tea tee ten the thy tie tin tip toe ton too top toy try " +
        "tub tug two urn use van vat vet vex via vow wag war was wax way web wed wet who why wig win wit woe won " +
        "woo yak yam yes yet zip zoo")
        .Split(' ');

    /// <summary>Acrostics by length, from 2.</summary>
    public static readonly string[][] Acrostics = [.. ((string[])[
        "am an as at be by do go he hi if in is it me no of oh on or so to up us we",
        "art bud day dew elm fir fog gem hay hen ice ink inn lid map net oak oat owl pen pod rug sap sea sun tea top web",
        "bird boat dawn deer dust fern fire fish gold hare hill home lake leaf lily mist moon moss nest pine rain road rose " +
        "seed snow star tide tree wave wind",
        "beach birch cloud coast daisy earth field flame frost grass heart light maple month night ocean plant river shore " +
        "stone storm thorn water"]).Select((words, i) => words.Split(' ').Where(w => w.Length == i + 2).ToArray())];

    /// <summary>
    /// Words of poems by their syllables, from 1; each letter that begins a line begins a word of one syllable.
    /// </summary>
    static readonly string[] BySyllables =
    [
        "air all and ash bare bell bird blue bright bud calm clear cloud cold crow dark dawn day deep dew down " +
        "drift dusk dust each earth east eve fair fall far fern field fire flame fog frost gale gold grass green " +
        "grey hare heart high hill hush ice in ink jade joy kind kite lake lark leaf light long lone mild mist " +
        "moon moss more near nest night noon oak oar old one path pale pine pure quiet rain reed red road rose " +
        "rush sea seed shade shore sky sleep slow snow soft song star still storm sun swan tall thorn tide tree " +
        "turn up urge vale vast vine warm wave west white wild wind wing yet young",
        "above after again along amber among autumn beauty below beneath beside breezes broken clover cradle " +
        "crimson daisy dancing darkness distant dreaming early ember empty endless evening falling feather flowing " +
        "flower forest frozen garden gentle golden harbour harvest heaven hidden hollow holy iron island ivy " +
        "journey jewel kindle kingdom lantern lily linger lonely maple meadow midnight morning mountain moving " +
        "narrow never nightfall ocean open over patient petal pebble quarry raven resting river robin rolling " +
        "sailing shadow shining silent silver sleeping summer sunlight sunset swallow tender thunder twilight " +
        "under upon valley velvet violet wander water weather whisper willow window winter wonder yellow yonder",
        "afternoon another beautiful butterfly chrysalis daffodil departing eternal everything faraway forgotten " +
        "glittering gossamer horizon hummingbird icicle imagine jubilant kingfisher lavender memory melody " +
        "murmuring nightingale november october overhead peppermint quietly radiant remember rosemary september " +
        "shimmering silvery solitude tomorrow together unfolding universe valentine wandering whispering yesterday",
    ];

    // Two sounds, whatever the list says: kept out instead of argued about.
    static readonly HashSet<string> Doubtful = ["quiet", "fire", "evening", "violet"];

    /// <summary>Syllables of each word of a poem.</summary>
    public static readonly Dictionary<string, int> Syllables = BySyllables
        .SelectMany((words, i) => words.Split(' ').Where(w => !Doubtful.Contains(w)).Select(w => (w, i + 1)))
        .ToDictionary(p => p.w, p => p.Item2, StringComparer.Ordinal);

    /// <summary>The same words in one order.</summary>
    public static readonly string[] Poetic = [.. Syllables.Keys];
}
