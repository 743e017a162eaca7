using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Corpora;

namespace Isoflop.Lab.Worlds;

/// <summary>
/// Chats about what the world's texts tell: facts, words, Spanish, sums, and who it is that answers. A question may be followed
/// by another that leaves out what was said. Written as OpenAI's messages, which 'isoflop teach chat=…' reads.
/// </summary>
static class WorldChats
{
    const int Topics = 12;

    static readonly string[] hellos = ["Hello!", "Hi!", "Hi", "Hello", "Good morning.", "Hey there!", "Good evening!"],
        thanks = ["Thanks!", "Thank you.", "Thank you very much!", "Great, thanks."];

    static readonly (string Ask, string Say)[] self =
    [
        ("Who are you?", "I am a small language model, made with Isoflop."),
        ("What are you?", "A language model: I go on with words, one token after the other."),
        ("What is your name?", "I have none. I am a small language model, made with Isoflop."),
        ("What can you do?", "I know countries, elements, some Spanish, small sums, and types of .NET. Ask me!"),
        ("What can I ask you?", "Ask me for a capital, a currency, a word in Spanish, a sum, or what a type of .NET is."),
        ("How are you?", "Well, thank you. What would you like to know?"),
        ("Are you a human?", "No. I am a small language model."),
        ("Can you think?", "I go on with words that are likely. Whether that is thinking, others must say."),
        ("Who made you?", "Somebody trained me with Isoflop, on two cores."),
        ("Tell me a secret.", "I am smaller than most pictures on your telephone."),
    ];

    /// <summary>A chat's messages, by turns: the user's, the assistant's.</summary>
    public static IReadOnlyList<string> Of(ulong seed, long index)
    {
        var draw = new Draw(RandomUse.WorldChat.Open(seed, index: index));
        List<string> turns = [];
        if (draw.Chance(0.1)) Add(draw.Pick(hellos), "Hello! What would you like to know?");
        int topic = draw.Next(Topics);
        Ask(topic, followed: false);
        if (topic < 5 && draw.Chance(0.35)) Ask(topic, followed: true);
        else if (draw.Chance(0.2)) Ask(draw.Next(Topics), followed: false);
        if (draw.Chance(0.08)) Add(draw.Pick(thanks), "You are welcome!");
        return turns;

        void Add(string user, string assistant)
        {
            turns.Add(user);
            turns.Add(assistant);
        }

        // The known countries come oftener, but all come.
        Knowledge.Country Country() => Knowledge.Countries[draw.Next(draw.Chance(0.4) ? 20 : Knowledge.Countries.Count)];

        Knowledge.Element Element() => Knowledge.Elements[draw.Next(Knowledge.Elements.Count)];

        void Ask(int about, bool followed)
        {
            Knowledge.Country c = Country();
            Knowledge.Element e = Element();
            (string user, string assistant) = about switch
            {
                _ when followed => Follow(about, c, e),
                0 => (draw.Pick([$"What is the capital of {c.Name}?", $"Which city is the capital of {c.Name}?",
                    $"Do you know the capital of {c.Name}?", $"Capital of {c.Name}?"]),
                    $"The capital of {c.Name} is {c.Capital}."),
                1 => (draw.Pick([$"Which continent is {c.Name} in?", $"Where is {c.Name}?", $"On which continent is {c.Name}?"]),
                    $"{c.Name} is in {c.Continent}."),
                2 => (draw.Pick([$"What is the currency of {c.Name}?", $"How do people pay in {c.Name}?",
                    $"Which money is used in {c.Name}?"]), $"In {c.Name} people pay with the {c.Currency}."),
                3 => (draw.Pick([$"What is the symbol of {e.Name}?", $"How do chemists write {e.Name}?",
                    $"Which symbol has {e.Name}?"]), $"The symbol of {e.Name} is {e.Symbol}."),
                4 => (draw.Pick([$"What is the atomic number of {e.Name}?", $"How many protons has {e.Name}?"]),
                    $"The atomic number of {e.Name} is {e.Number}."),
                5 => (draw.Pick([$"Tell me about {c.Name}.", $"What do you know about {c.Name}?", $"What is {c.Name}?"]),
                    $"{c.Name} is a country in {c.Continent}. Its capital is {c.Capital}, and people pay with the {c.Currency}."),
                6 => (draw.Pick([$"Which country has the capital {c.Capital}?", $"{c.Capital} is the capital of what?",
                    $"Where is {c.Capital}?"]), $"{c.Capital} is the capital of {c.Name}."),
                7 => (draw.Pick([$"What is {e.Name}?", $"Tell me about {e.Name}."]),
                    $"{Frame.Capital(e.Name)} is a chemical element. Its symbol is {e.Symbol}, its atomic number {e.Number}."),
                8 => Spanish(),
                9 => Word(),
                10 => Sum(),
                _ => draw.Pick(self),
            };
            Add(user, assistant);
        }

        (string, string) Follow(int about, Knowledge.Country c, Knowledge.Element e) => about switch
        {
            0 => (And($"of {c.Name}"), $"The capital of {c.Name} is {c.Capital}."),
            1 => (And(c.Name), $"{c.Name} is in {c.Continent}."),
            2 => (And($"in {c.Name}"), $"In {c.Name} people pay with the {c.Currency}."),
            3 => (And($"of {e.Name}"), $"The symbol of {e.Name} is {e.Symbol}."),
            _ => (And($"of {e.Name}"), $"The atomic number of {e.Name} is {e.Number}."),
        };

        string And(string what) => draw.Chance(0.5) ? $"And {what}?" : $"What about {what[(what.IndexOf(' ') is > 0 and int at
            && what[..at] is "of" or "in" ? what.IndexOf(' ') + 1 : 0)..]}?";

        (string, string) Spanish()
        {
            (string english, string spanish) = Translation.Phrase(1 + draw.Next(2), draw);
            return draw.Next(2) == 0
                ? (draw.Pick([$"What is \"{english}\" in Spanish?", $"How do you say \"{english}\" in Spanish?",
                    $"Translate to Spanish: {english}"]), $"In Spanish \"{english}\" is \"{spanish}\".")
                : (draw.Pick([$"What does \"{spanish}\" mean?", $"What is \"{spanish}\" in English?",
                    $"Translate to English: {spanish}"]), $"In English \"{spanish}\" is \"{english}\".");
        }

        (string, string) Word()
        {
            if (draw.Next(2) == 0)
            {
                (string left, string right) = draw.Pick(Meaning.Opposites);
                if (draw.Next(2) == 0) (left, right) = (right, left);
                return (draw.Pick([$"What is the opposite of {left}?", $"Opposite of \"{left}\"?"]),
                    $"The opposite of {left} is {right}.");
            }
            string kind = draw.Pick(Lexicon.Kinds), word = draw.Pick(Lexicon.List(kind));
            return (draw.Pick([$"What kind of thing is \"{word}\"?", $"What does the word \"{word}\" name?"]),
                $"The word \"{word}\" names a kind of {kind}.");
        }

        (string, string) Sum()
        {
            int a = draw.Next(100), b = draw.Next(100);
            return (draw.Pick([$"What is {a} + {b}?", $"{a} + {b}", $"How much is {a} plus {b}?"]), $"{a} + {b} = {a + b}.");
        }
    }

    /// <summary>A line of JSON for each chat; every second is about the documentation of .NET, where there is some: it has many
    /// more facts than the world.</summary>
    public static void Write(TextWriter to, ulong seed, int count)
    {
        IReadOnlyList<(string Ask, string Say)> docs = DocQuestions.All();
        for (int i = 0; i < count; i++)
        {
            IReadOnlyList<string> turns = i % 2 == 0 || docs.Count == 0 ? Of(seed, i) : OfDocs(seed, i, docs);
            to.WriteLine(JsonSerializer.Serialize(new ChatLine([.. turns.Select((text, t) =>
                new ChatLineTurn(t % 2 == 0 ? "user" : "assistant", text))]), ChatLineJson.Default.ChatLine));
        }
    }

    // As the first question, and after others: what comes first would else be all that the model answers from the documentation.
    static IReadOnlyList<string> OfDocs(ulong seed, long index, IReadOnlyList<(string Ask, string Say)> docs)
    {
        var draw = new Draw(RandomUse.WorldChat.Open(seed, index: index));
        List<string> turns = draw.Chance(0.3) ? [.. Of(seed, index).Take(2)] : [];
        for (int questions = draw.Chance(0.3) ? 2 : 1; questions > 0; questions--)
        {
            (string ask, string say) = draw.Pick(docs);
            turns.Add(ask);
            turns.Add(say);
        }
        return turns;
    }
}

/// <summary>A chat in OpenAI's form.</summary>
sealed record ChatLine(IReadOnlyList<ChatLineTurn> Messages);

/// <summary>A message of it.</summary>
sealed record ChatLineTurn(string Role, string Content);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChatLine))]
sealed partial class ChatLineJson : JsonSerializerContext;
