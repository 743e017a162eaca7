namespace Isoflop.Lab.Worlds;

/// <summary>The world's words, by kind.</summary>
static class Lexicon
{
    static readonly Dictionary<string, string[]> lists = Words.Replace("\n  ", " ")
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(": ", 2)).ToDictionary(p => p[0], p => p[1].Split(", "));

    /// <summary>The words of a kind.</summary>
    public static string[] List(string name) => lists.TryGetValue(name, out string[]? words) ? words
        : throw new ArgumentException($"the lexicon has no list '{name}'");

    /// <summary>Kinds of things whose members can stand in one list with each other.</summary>
    public static readonly string[] Kinds =
    [
        "fruit", "vegetable", "animal", "bird", "tool", "instrument", "vehicle", "garment", "furniture", "drink", "metal",
        "sport", "tree", "colour", "job", "building",
    ];

    const string Words = """
        name: Ada, Ben, Chen, Dora, Emil, Farah, Goro, Hana, Ivan, Jana, Katara, Leo, Mina, Noor, Omar, Petra, Quinn, Rosa,
          Sokka, Toph, Uma, Viktor, Wen, Xenia, Yara, Zuko, Iroh, Azula, Bilal, Carla, Dario, Elif, Femi, Greta, Hugo, Ines,
          Jonas, Kira, Luca, Maya
        verb: code, swim, paint, read, dance, cook, sing, hike, ski, draw, write, run, climb, sail, fish, knit, travel, jog,
          skate, garden, bake, juggle, dive, sleep, walk, surf, hunt, camp, row, play chess
        verbs: codes, swims, paints, reads, dances, cooks, sings, hikes, skis, draws, writes, runs, climbs, sails, fishes,
          knits, travels, jogs, skates, bakes, juggles, dives, sleeps, walks, surfs, camps, rows
        verbing: coding, swimming, painting, reading, dancing, cooking, singing, hiking, skiing, drawing, writing, running,
          climbing, sailing, fishing, knitting, travelling, jogging, skating, baking, juggling, diving, sleeping, walking,
          surfing
        verbed: coded, painted, danced, cooked, hiked, sailed, fished, knitted, travelled, jogged, skated, baked, juggled,
          walked, surfed, camped, rowed, climbed, laughed, waited
        food: banana, bread, cheese, soup, rice, butter, honey, salad, pasta, cake, yoghurt, omelette, sandwich, pizza,
          noodle, pancake, pie, sausage, muffin, burger
        adj: old, new, small, large, red, quiet, heavy, clean, broken, bright, cheap, dusty, empty, famous, green, narrow,
          round, sharp, strange, warm, wet, yellow, beautiful, expensive, fragile, soft
        adverb: quickly, slowly, quietly, loudly, happily, carefully, badly, gently, eagerly, proudly, calmly, rarely, often,
          neatly, bravely
        thing: key, book, lamp, chair, letter, clock, picture, bottle, box, coin, basket, mirror, ticket, candle, hat, map,
          cup, ring, drum, boat, knife, phone, window, door, blanket, ladder
        things: keys, books, lamps, chairs, letters, clocks, pictures, bottles, boxes, coins, baskets, mirrors, tickets,
          candles, hats, maps, cups, rings, drums, boats, knives, phones, windows, doors, blankets, ladders
        person: teacher, doctor, farmer, pilot, nurse, painter, baker, sailor, judge, student, lawyer, driver, cook, guard,
          singer, tailor, dancer, writer, miner, clerk
        people: teachers, doctors, farmers, pilots, nurses, painters, bakers, sailors, judges, students, lawyers, drivers,
          cooks, guards, singers, tailors, dancers, writers, miners, clerks
        place: garden, market, museum, station, library, school, harbour, park, bridge, theatre, castle, church, village,
          beach, forest, office, hotel, factory, bakery, stadium
        saw: saw, liked, found, painted, bought, sold, washed, moved, hid, carried, admired, repaired, dropped, wanted, borrowed
        met: met, knew, helped, thanked, invited, called, followed, praised, visited, taught
        time: in the morning, at noon, in the evening, on Sunday, every day, at dawn, after work, at night, in spring,
          before dinner, in July, on holiday
        friend: brother, sister, uncle, aunt, cousin, neighbour, friend, grandmother, grandfather, colleague, daughter, son
        opener: Everyone knows that, To my knowledge, They say, It is written that, My teacher says that,
          Children learn that, The guide explained that, In the quiz it came up that, I read yesterday that,
          Travellers know that, I am sure that, Do not forget that, The dictionary says that, Our neighbour insists that,
          On the radio they said that, For the exam remember that, It is well known that, The old book tells us that,
          She wrote on the board that, You may have heard that
        fruit: papaya, dragon fruit, durian, apple, pear, mango, plum, cherry, peach, apricot, grape, melon, lemon, kiwi,
          fig, guava, lychee, orange, strawberry, raspberry
        vegetable: carrot, cabbage, onion, leek, potato, turnip, spinach, radish, celery, lettuce, broccoli, cauliflower,
          parsnip, beetroot, artichoke, kale
        animal: squirrel, horse, cow, sheep, goat, wolf, bear, rabbit, tiger, lion, elephant, giraffe, monkey, donkey, fox,
          mouse, camel, zebra, otter, badger
        bird: sparrow, eagle, owl, robin, crow, swan, duck, goose, pigeon, heron, stork, finch, falcon, parrot, raven, magpie
        tool: hammer, saw, drill, wrench, chisel, screwdriver, pliers, axe, shovel, rake, file, plane, mallet, crowbar,
          spade, trowel
        instrument: violin, piano, flute, trumpet, guitar, cello, clarinet, harp, trombone, oboe, banjo, accordion, organ,
          tuba, lute, mandolin
        vehicle: car, bus, train, tram, bicycle, lorry, van, motorbike, ferry, helicopter, tractor, scooter, canoe, yacht,
          taxi, sledge
        garment: shirt, coat, jacket, skirt, dress, trousers, sweater, scarf, sock, glove, vest, blouse, shorts, jeans,
          cardigan, apron
        furniture: table, sofa, wardrobe, bookcase, desk, armchair, stool, bench, cupboard, dresser, bed, cabinet, sideboard,
          cradle, shelf, couch
        drink: tea, coffee, milk, juice, lemonade, cocoa, beer, wine, cider, water, punch, cola, smoothie, espresso, sherry, rum
        metal: iron, copper, silver, gold, zinc, tin, lead, nickel, titanium, platinum, chromium, aluminium, cobalt, mercury,
          tungsten, steel
        sport: football, tennis, hockey, rugby, cricket, golf, boxing, rowing, judo, fencing, badminton, volleyball,
          basketball, handball, archery, polo
        tree: oak, birch, maple, pine, willow, beech, elm, ash, poplar, spruce, cedar, chestnut, larch, alder, hazel, yew
        colour: red, blue, green, yellow, purple, brown, pink, grey, violet, turquoise, scarlet, beige, indigo, crimson,
          white, black
        job: plumber, carpenter, engineer, dentist, chemist, architect, butcher, mechanic, surgeon, librarian, accountant,
          barber, electrician, gardener, journalist, translator
        building: palace, barn, cottage, tower, cathedral, hospital, warehouse, temple, chapel, mill, lighthouse, prison,
          skyscraper, mosque, villa, cinema
        room: kitchen, store, hall, bedroom, garage, cellar, attic, bathroom, study, library, pantry, workshop, nursery,
          lobby, greenhouse, stable
        object: lamp, ball, umbrella, letter, apple, basket, guitar, candle, hammer, pillow, newspaper, teapot, broom, scarf,
          mirror, suitcase
        goods: apples, coins, stamps, marbles, books, eggs, shells, cards, nuts, pencils, tickets, bottles, roses, candles,
          beads, stones
        sell: shop, stall, market, fair, warehouse, cupboard, museum, catalogue, window, picture
        product: soup, film, hotel, book, phone, play, cake, concert, museum, camera, sofa, restaurant, song, train, game,
          jacket, garden, lecture, coffee, car
        pos: wonderful, excellent, delicious, charming, brilliant, delightful, superb, lovely, perfect, fantastic, pleasant,
          impressive, marvellous, outstanding, great
        neg: terrible, awful, disgusting, boring, dreadful, horrible, useless, poor, disappointing, ugly, rude, miserable,
          annoying, painful, lousy
        posverb: loved, enjoyed, adored, admired, praised, recommended
        negverb: hated, disliked, regretted, despised, criticised, returned
        n: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        staff: waiter, manager, cook, driver, guide, owner, host, clerk, musician, actor
        """;
}
