namespace Isoflop.Lab.Worlds;

/// <summary>
/// English and Spanish, both ways: 1 a word, 2 a noun with its adjective, which changes places and agrees, 3 a sentence, 4
/// plurals
/// and negation.
/// </summary>
sealed class Translation : Family
{
    readonly record struct Noun(string English, string Spanish, bool Feminine);

    readonly record struct Adjective(string English, string Spanish);

    readonly record struct Verb(string English, string Spanish);

    static readonly Frame[] frames = Frame.Block("translation", """
        1 {from}: {x}. {to}: [].
        1 Translate to {to}: {x}. [].
        1 Translate from {from}: {x}. [].
        1 "{x}" in {to} is "[]".
        1 For "{x}" one says "[]" in {to}.
        1 {name} says "{x}". In {to}: "[]".
        1 {x} → [] ({to})
        1 How do you say "{x}" in {to}? "[]".
        1 The {to} for "{x}" is "[]".
        1 The {person} translated "{x}" as "[]".
        1 Dictionary, {from} to {to}: {x}, [].
        1 {x} means [] in {to}.
        1 {from} {x}, {to} [].
        1 "{x}", that is "[]" in {to}.
        1 Exercise ({to}): {x}. Solution: [].
        1 What is "{x}" in {to}? It is "[]".
        1 {name} wants to know the {to} of "{x}": "[]".
        1 My {friend} read "{x}" and said in {to} "[]".
        1 Lesson {n}: {x} = []
        1 Lesson {n}, into {to}: {x} = []
        1 On the sign stands "{x}", below it in {to} "[]".
        1 The book has "{x}", the {to} edition "[]".
        1 Word by word from {from}: {x}. Then right: [].
        1 {x} / []
        1 Repeat in {to}: {x}. [].
        1 The subtitle for "{x}" reads "[]".
        1 Interpreter, {x}! [].
        1 {name}: {x}. {name}, in {to}: [].
        1 First in {from}, {x}, then in {to}, [].
        1 Please write "{x}" in {to}: "[]".
        1 The translation of "{x}" is "[]".
        1 Card, front: {x}. Back: [].
        1 Phrase {n}. {x}. {to}: [].
        1 He read "{x}" and understood "[]".
        1 The machine turned "{x}" into "[]".
        1 {from} "{x}" becomes {to} "[]".
        1 At the {place} they call "{x}" by its {to} name, "[]".
        1 To {to}, please: {x}. [].
        1 Test {n}: say "{x}" in {to}. "[]".
        1 The guide says "{x}" and then, in {to}, "[]".
        """)[0];

    static readonly Noun[] beings = Nouns("dog perro m, cat gato m, girl niña f, boy niño m, teacher maestra f, woman mujer " +
        "f, man " +
        "hombre m, horse caballo m, cow vaca f, bird pájaro m, queen reina f, king rey m, friend amigo m, doctor médico m, " +
        "nurse " +
        "enfermera f, farmer granjero m, wolf lobo m, duck pato m, bear oso m, mother madre f, father padre m, sister hermana f");

    static readonly Noun[] things = Nouns("house casa f, apple manzana f, book libro m, table mesa f, car coche m, letter " +
        "carta f, " +
        "window ventana f, door puerta f, bread pan m, water agua_ f, cheese queso m, shirt camisa f, hat sombrero m, shoe " +
        "zapato m, " +
        "chair silla f, key llave f, lamp lámpara f, ball pelota f, ship barco m, flower flor f, tree árbol m, cup taza f, " +
        "bottle " +
        "botella f, knife cuchillo m, spoon cuchara f, garden jardín m, bridge puente m, box caja f, clock reloj m, picture " +
        "cuadro m, " +
        "street calle f, city ciudad f, ring anillo m, plate plato m, bed cama f, fish pescado m, egg huevo m, soup sopa f");

    static readonly Adjective[] adjectives = Pairs("red rojo, white blanco, black negro, yellow amarillo, small pequeño, new " +
        "nuevo, old " +
        "viejo, clean limpio, dirty sucio, pretty bonito, expensive caro, cheap barato, long largo, short corto, cold frío, " +
        "full lleno, " +
        "empty vacío, tall alto, round redondo, broken roto, dry seco, strange extraño, tired cansado, rich rico")
        .Select(p => new Adjective(p.Item1, p.Item2)).ToArray();

    static readonly Verb[] verbs = Pairs("see ve, eat come, buy compra, sell vende, wash lava, paint pinta, look_for busca, " +
        "find " +
        "encuentra, want quiere, have tiene, carry lleva, open abre, break rompe, draw dibuja, leave deja, show muestra, " +
        "lose pierde, " +
        "hide esconde, bring trae, touch toca").Select(p => new Verb(p.Item1.Replace('_', ' '), p.Item2)).ToArray();

    static (string, string)[] Pairs(string text) => [.. text.Split(", ").Select(p => p.Split(' ')).Select(p => (p[0], p[1]))];

    static Noun[] Nouns(string text) =>
        [.. text.Split(", ").Select(p => p.Split(' ')).Where(p => !p[1].EndsWith('_')).Select(p => new Noun(p[0], p[1],
            p[2] == "f"))];

    public override string Name => "translation";
    public override int Levels => 4;
    public override IReadOnlyList<string> Titles { get; } =
        ["Spanish words", "Spanish noun and adjective", "Spanish sentences", "Spanish plurals and negation"];
    public override int Frames => frames.Length;
    public override char Separator => '\n';

    public override Statement Say(int level, Draw draw)
    {
        Frame frame = draw.Pick(frames);
        bool toSpanish = draw.Next(2) == 0;
        (string english, string spanish) = Phrase(level, draw);
        (string x, string answer) = toSpanish ? (english, spanish) : (spanish, english);
        Statement said = frame.Say(draw, new()
        {
            ["from"] = toSpanish ? "English" : "Spanish",
            ["to"] = toSpanish ? "Spanish" : "English",
            ["x"] = x,
        }, answer, []);
        // A word must be heard to be known; a phrase can be put together, so no frame or direction says one that is held out.
        return level == 1 ? said : said with { Key = "phrase " + english };
    }

    /// <summary>English and Spanish of a level.</summary>
    internal static (string English, string Spanish) Phrase(int level, Draw draw)
    {
        switch (level)
        {
            case 1:
                int i = draw.Next(beings.Length + things.Length + adjectives.Length);
                if (i < adjectives.Length) return (adjectives[i].English, adjectives[i].Spanish);
                Noun word = i - adjectives.Length < beings.Length ? beings[i - adjectives.Length]
                    : things[i - adjectives.Length - beings.Length];
                return (word.English, word.Spanish);
            case 2:
                return Group(draw, draw.Pick(things), plural: false, draw.Pick(adjectives));
            case 3:
                return Sentence(draw, plural: false, negated: false);
            default:
                return Sentence(draw, plural: draw.Next(2) == 0, negated: draw.Next(2) == 0);
        }
    }

    static (string, string) Sentence(Draw draw, bool plural, bool negated)
    {
        Noun who = draw.Pick(beings), what = draw.Pick(things);
        Verb verb = draw.Pick(verbs);
        bool described = draw.Next(2) == 0;
        Adjective? adjective = described ? draw.Pick(adjectives) : null;
        (string whoEn, string whoEs) = Group(draw, who, plural, null);
        (string whatEn, string whatEs) = Group(draw, what, plural, adjective);
        string verbEn = negated ? (plural ? "do not " : "does not ") + verb.English : plural ? verb.English : Third(verb.English);
        string verbEs = (negated ? "no " : "") + verb.Spanish + (plural ? "n" : "");
        return ($"{whoEn} {verbEn} {whatEn}", $"{whoEs} {verbEs} {whatEs}");
    }

    static (string, string) Group(Draw draw, Noun noun, bool plural, Adjective? adjective)
    {
        string english = "the " + (adjective is { } a ? a.English + " " : "") + (plural ? Plural(noun.English) : noun.English);
        string spanish = (noun.Feminine, plural) switch
        {
            (true, true) => "las ",
            (true, false) => "la ",
            (false, true) =>
            "los ",
            _ => "el "
        };
        spanish += plural ? PluralEs(noun.Spanish) : noun.Spanish;
        if (adjective is { } b)
        {
            string form = noun.Feminine ? b.Spanish[..^1] + "a" : b.Spanish;
            spanish += " " + (plural ? form + "s" : form);
        }
        return (english, spanish);
    }

    static string Third(string verb)
    {
        if (verb == "have") return "has";
        int space = verb.IndexOf(' ');
        string first = space < 0 ? verb : verb[..space], rest = space < 0 ? "" : verb[space..];
        return (first.EndsWith('y') && first != "buy" ? first[..^1] + "ies" : first.EndsWith("sh") || first.EndsWith("ch")
            ? first + "es"
            : first + "s") + rest;
    }

    static string Plural(string noun) => noun switch
    {
        "woman" => "women",
        "man" => "men",
        "wolf" => "wolves",
        "knife" => "knives",
        "fish" => "fish",
        "city" => "cities",
        "box" => "boxes",
        _ => noun + "s",
    };

    static string PluralEs(string noun) => noun switch
    {
        "jardín" => "jardines",
        _ => noun + ("aeiouáéíóú".Contains(noun[^1]) ? "s" : "es"),
    };
}
