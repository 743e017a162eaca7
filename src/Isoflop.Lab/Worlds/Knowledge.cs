using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Isoflop.Lab.Worlds;

/// <summary>
/// Facts, the well-known ones far oftener than the rest (Zipf): 1 capitals and continents of twenty countries, 2 capitals of all,
/// 3 currencies, 4 chemical elements, 5 an invented gazetteer with as many villages as the recipe asks for.
/// </summary>
sealed class Knowledge : Family
{
    internal readonly record struct Country(string Name, string Capital, string Continent, string Currency);

    internal readonly record struct Element(string Name, string Symbol, int Number);

    static readonly Frame[][] frames = Frame.Block("knowledge", """
        1 The capital of {c} is [].
        1 {c} has the capital [].
        1 If you visit the capital of {c}, you are in [].
        1 The government of {c} sits in [].
        1 {name} flew to {c} and landed in the capital, [].
        1 The capital of {c}? It is [].
        1 {c} is a country in [].
        1 On the map you find {c} in [].
        1 {name:p} lives in {c}, so {p} lives in [].
        1 Of all continents, {c} belongs to [].
        1 To see {c} you must travel to [].
        1 The continent of {c} is [].
        2 The capital of {c} is [].
        2 {c} is governed from [].
        2 {name} was born in the capital of {c}, in [].
        2 The embassy in {c} stands in the capital, [].
        2 Quiz: the capital of {c}. Answer: [].
        2 The largest sign at the airport of {c}'s capital says [].
        2 Our train to {c} ends in its capital, [].
        2 {c}, capital: [].
        3 In {c} people pay with the [].
        3 The currency of {c} is the [].
        3 {name} went to {c} and changed money into the [].
        3 A coin from {c} is counted in one [].
        3 Prices in {c} are given in one unit, the [].
        3 {c}, currency: the [].
        3 The bank of {c} issues the [].
        3 To shop in {c} you need the [].
        4 The symbol of {e} is [].
        4 Chemists write {e} as [].
        4 In the periodic table {e} has the symbol [].
        4 {e}, symbol: [].
        4 {name} wrote the sign for {e}: [].
        4 The atomic number of {e} is [].
        4 {e} has as many protons as its number says: [].
        4 Number of {e} in the periodic table: [].
        4 {e}, number: [].
        4 Count the protons of {e} and you get [].
        5 The village of {v} lies in the district of [].
        5 {name} comes from {v} in [].
        5 The road to {v} leads through [].
        5 {v} belongs to the district of [].
        5 On the map of the island, {v} is in [].
        5 The post for {v} goes to [].
        5 {v} is a village in [].
        5 District of {v}: [].
        """);

    // The best known first.
    static readonly Country[] countries = [.. """
        France/Paris/Europe/euro;Germany/Berlin/Europe/euro;Japan/Tokyo/Asia/yen;China/Beijing/Asia/yuan
        India/New Delhi/Asia/rupee
        Italy/Rome/Europe/euro;Spain/Madrid/Europe/euro;Russia/Moscow/Europe/rouble;Canada/Ottawa/North America/dollar
        Egypt/Cairo/Africa/pound;Brazil/Brasília/South America/real;Mexico/Mexico City/North America/peso
        Greece/Athens/Europe/euro
        Australia/Canberra/Oceania/dollar;Sweden/Stockholm/Europe/krona;Norway/Oslo/Europe/krone;Portugal/Lisbon/Europe/euro
        Kenya/Nairobi/Africa/shilling;Argentina/Buenos Aires/South America/peso;Poland/Warsaw/Europe/zloty
        Austria/Vienna/Europe/euro;Ireland/Dublin/Europe/euro;Denmark/Copenhagen/Europe/krone;Finland/Helsinki/Europe/euro
        Hungary/Budapest/Europe/forint;Iceland/Reykjavík/Europe/króna;Belgium/Brussels/Europe/euro;Cuba/Havana/North America/peso
        Peru/Lima/South America/sol;Chile/Santiago/South America/peso;Colombia/Bogotá/South America/peso
        Thailand/Bangkok/Asia/baht
        Vietnam/Hanoi/Asia/dong;Indonesia/Jakarta/Asia/rupiah;Iran/Tehran/Asia/rial;Iraq/Baghdad/Asia/dinar
        Morocco/Rabat/Africa/dirham;Nigeria/Abuja/Africa/naira;Ghana/Accra/Africa/cedi;Ethiopia/Addis Ababa/Africa/birr
        Ukraine/Kyiv/Europe/hryvnia;Romania/Bucharest/Europe/leu;Bulgaria/Sofia/Europe/euro;Serbia/Belgrade/Europe/dinar
        Croatia/Zagreb/Europe/euro;Slovenia/Ljubljana/Europe/euro;Slovakia/Bratislava/Europe/euro;Estonia/Tallinn/Europe/euro
        Latvia/Riga/Europe/euro;Lithuania/Vilnius/Europe/euro;Albania/Tirana/Europe/lek;Georgia/Tbilisi/Asia/lari
        Armenia/Yerevan/Asia/dram;Azerbaijan/Baku/Asia/manat;Kazakhstan/Astana/Asia/tenge;Mongolia/Ulaanbaatar/Asia/tögrög
        Nepal/Kathmandu/Asia/rupee;Bangladesh/Dhaka/Asia/taka;Pakistan/Islamabad/Asia/rupee;Afghanistan/Kabul/Asia/afghani
        Saudi Arabia/Riyadh/Asia/riyal;Jordan/Amman/Asia/dinar;Lebanon/Beirut/Asia/pound;Qatar/Doha/Asia/riyal
        Oman/Muscat/Asia/rial
        Philippines/Manila/Asia/peso;Malaysia/Kuala Lumpur/Asia/ringgit;Cambodia/Phnom Penh/Asia/riel;Laos/Vientiane/Asia/kip
        New Zealand/Wellington/Oceania/dollar;Fiji/Suva/Oceania/dollar;Samoa/Apia/Oceania/tala;Tonga/Nukuʻalofa/Oceania/paʻanga
        Uruguay/Montevideo/South America/peso;Paraguay/Asunción/South America/guaraní;Ecuador/Quito/South America/dollar
        Guyana/Georgetown/South America/dollar;Panama/Panama City/North America/balboa;Costa Rica/San José/North America/colón
        Guatemala/Guatemala City/North America/quetzal;Honduras/Tegucigalpa/North America/lempira
        Jamaica/Kingston/North America/dollar
        Nicaragua/Managua/North America/córdoba;Haiti/Port-au-Prince/North America/gourde;Barbados/Bridgetown/North America/dollar
        Tunisia/Tunis/Africa/dinar;Algeria/Algiers/Africa/dinar;Libya/Tripoli/Africa/dinar;Sudan/Khartoum/Africa/pound
        Uganda/Kampala/Africa/shilling;Rwanda/Kigali/Africa/franc;Zambia/Lusaka/Africa/kwacha;Malawi/Lilongwe/Africa/kwacha
        Angola/Luanda/Africa/kwanza;Namibia/Windhoek/Africa/dollar;Botswana/Gaborone/Africa/pula;Lesotho/Maseru/Africa/loti
        Madagascar/Antananarivo/Africa/ariary;Senegal/Dakar/Africa/franc;Mali/Bamako/Africa/franc;Niger/Niamey/Africa/franc
        Chad/N'Djamena/Africa/franc;Gabon/Libreville/Africa/franc;Togo/Lomé/Africa/franc;Gambia/Banjul/Africa/dalasi
        Bhutan/Thimphu/Asia/ngultrum;Maldives/Malé/Asia/rufiyaa;Suriname/Paramaribo/South America/dollar
        Belize/Belmopan/North America/dollar
        """.Split((char[])['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(l => l.Split('/')).Select(p => new Country(p[0], p[1], p[2], p[3]))];

    static readonly Element[] elements = [.. """
        oxygen/O/8;hydrogen/H/1;carbon/C/6;iron/Fe/26;gold/Au/79;silver/Ag/47;nitrogen/N/7;copper/Cu/29;helium/He/2;sodium/Na/11
        calcium/Ca/20;lead/Pb/82;chlorine/Cl/17;sulphur/S/16;mercury/Hg/80;uranium/U/92;zinc/Zn/30;tin/Sn/50;neon/Ne/10
        iodine/I/53
        potassium/K/19;magnesium/Mg/12;aluminium/Al/13;silicon/Si/14;phosphorus/P/15;nickel/Ni/28;platinum/Pt/78;lithium/Li/3
        titanium/Ti/22;chromium/Cr/24;manganese/Mn/25;cobalt/Co/27;argon/Ar/18;fluorine/F/9;bromine/Br/35;boron/B/5;arsenic/As/33
        tungsten/W/74;radium/Ra/88;plutonium/Pu/94;barium/Ba/56;beryllium/Be/4;bismuth/Bi/83;cadmium/Cd/48;caesium/Cs/55
        krypton/Kr/36
        xenon/Xe/54;radon/Rn/86;gallium/Ga/31;germanium/Ge/32;selenium/Se/34;rubidium/Rb/37;strontium/Sr/38;yttrium/Y/39
        zirconium/Zr/40;niobium/Nb/41;palladium/Pd/46;indium/In/49;antimony/Sb/51;tellurium/Te/52;osmium/Os/76;iridium/Ir/77
        thallium/Tl/81;polonium/Po/84;thorium/Th/90;vanadium/V/23;scandium/Sc/21;rhodium/Rh/45;hafnium/Hf/72;tantalum/Ta/73
        """.Split((char[])['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(l => l.Split('/')).Select(p => new Element(p[0], p[1], int.Parse(p[2])))];

    const int Head = 20, Districts = 64, CapitalFrames = 6, SymbolFrames = 5;
    /// <summary>All of them, the well-known first.</summary>
    internal static IReadOnlyList<Country> Countries => countries;

    /// <inheritdoc cref="Countries"/>
    internal static IReadOnlyList<Element> Elements => elements;

    static readonly string[] openers = Lexicon.List("opener");
    static readonly string[] syllables = ("ba ben bor cal cor dal den dor el fen gar gol hal hes kar kel kor lan lem lor mar " +
        "mel mon " +
        "nar nes nor pel por ral ren ros sal sel sor tal ten tor val ven vor wel wen").Split(' ');
    static readonly string[] ends = "by dale ford ham wick ton mere stead".Split(' ');

    readonly ulong seed;
    readonly double[] head, tail, periodic, villages;

    /// <param name="facts">villages of the gazetteer</param> <param name="zipf">how much oftener the known facts come</param>
    public Knowledge(ulong seed, int facts, double zipf)
    {
        this.seed = seed;
        (head, tail) = (Draw.Zipf(Head, zipf), Draw.Zipf(countries.Length, zipf));
        (periodic, villages) = (Draw.Zipf(elements.Length, zipf), Draw.Zipf(facts, zipf));
    }

    public override string Name => "knowledge";
    public override int Levels => frames.Length;
    public override IReadOnlyList<string> Titles { get; } =
        ["well-known capitals and continents", "all capitals", "currencies", "chemical elements", "invented villages"];
    public override int Frames => frames.Sum(f => f.Length);

    public override Statement Say(int level, Draw draw)
    {
        int index = draw.Next(frames[level - 1].Length);
        Frame frame = frames[level - 1][index];
        string before = frame.IsSentence && draw.Chance(0.5) ? draw.Pick(openers) + " " : "";
        Country c = level == 1 ? countries[draw.Among(head)] : level <= 3 ? countries[draw.Among(tail)] : default;
        switch (level)
        {
            case 1 when index >= CapitalFrames:
                return Ask(frame, draw, before, "c", c.Name, c.Continent, [.. countries.Select(o => o.Continent).Distinct()]);
            case 1 or 2:
                return Ask(frame, draw, before, "c", c.Name, c.Capital, [.. countries.Select(o => o.Capital)]);
            case 3:
                return Ask(frame, draw, before, "c", c.Name, c.Currency, [.. countries.Select(o => o.Currency).Distinct()]);
            case 4:
                Element e = elements[draw.Among(periodic)];
                return index < SymbolFrames
                    ? Ask(frame, draw, before, "e", e.Name, e.Symbol, [.. elements.Select(o => o.Symbol)])
                    : Ask(frame, draw, before, "e", e.Name, $"{e.Number}", [.. elements.Select(o => $"{o.Number}")]);
            default:
                int village = draw.Among(villages);
                return Ask(frame, draw, before, "v", Village(village), District(DistrictOf(village)),
                    [.. Enumerable.Range(0, Districts).Select(District)]);
        }
    }

    static Statement Ask(Frame frame, Draw draw, string before, string slot, string subject, string answer, string[] all)
    {
        List<string> wrong = [];
        while (wrong.Count < Math.Min(3, all.Length - 1)) wrong.Add(draw.Pick(all, [answer, .. wrong], shown: false));
        return frame.Say(draw, new() { [slot] = subject }, answer, wrong, before);
    }

    /// <summary>A name for each number, none twice.</summary>
    internal static string Village(int i)
    {
        int n = syllables.Length;
        string name = syllables[i % n] + ends[i / n % ends.Length];
        for (int rest = i / n / ends.Length; rest > 0; rest = (rest - 1) / n) name = syllables[(rest - 1) % n] + name;
        return Frame.Capital(name);
    }

    static string District(int d) => Frame.Capital(syllables[d * 5 % syllables.Length] + (d < syllables.Length ? "ia" : "land"));

    int DistrictOf(int village)
    {
        Span<ulong> key = [seed, (ulong)village];
        return (int)(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key)) % Districts);
    }
}
