using System.IO.Hashing;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Isoflop.Tasks;

/// <summary>
/// A family that a program of a user's makes and judges, in any language: "cmd:python3 judge.py". It is asked in JSON lines, see
/// docs/plugins.md; it need not know of splits and forms, which are as those of every family.
/// </summary>
sealed class CommandFamily : TaskFamily
{
    /// <summary>How such a family is named where a task is asked for.</summary>
    public const string Prefix = "cmd:";

    static readonly Dictionary<string, CommandFamily> open = new(StringComparer.Ordinal);
    static readonly Lock gate = new();

    readonly string address;
    readonly LineProgram program;
    readonly double[] chance;

    CommandFamily(string address)
    {
        this.address = address;
        string[] words = [.. Words(address[Prefix.Length..])];
        if (words.Length == 0) throw new ConfigException($"'{address}' names no program; try cmd:./judge");
        program = new(address, words, Line(new("describe")));
        var reply = new Answer(address, "describe", program.Greeting);
        Name = reply.Text("name");
        if (!Registries.IsName(Name)) throw reply.Bad($"the name '{Name}' must be words of a-z and 0-9 with hyphens between");
        if (TaskFamilies.All.Any(f => f.Name == Name)) throw reply.Bad($"the name '{Name}' is another task's; choose another");
        Summary = reply.Text("summary");
        double levels = reply.Number("levels", 1, 1000);
        Levels = (int)levels == levels ? (int)levels : throw reply.Bad("'levels' must be a whole number");
        double[] chances = reply.Numbers("chance", 0, 1);
        if (chances.Length != 1 && chances.Length != Levels) throw reply.Bad($"'chance' must be one number or {Levels}");
        chance = chances.Length == Levels ? chances : [.. Enumerable.Repeat(chances[0], Levels)];
        Symbols = reply.Text("symbols") + Marks.Said;
        HasCheck = reply.Flag("checks");
        program.Limit = TimeSpan.FromSeconds(reply.Number("seconds", 0.001, 3600, missing: 10));
        Origin = (address, HashOf(words));
        foreach (int level in (int[])[1, Levels]) Hold(level);
    }

    public override string Name { get; }
    public override string Summary { get; }
    public override int Levels { get; }
    public override bool HasCheck { get; }
    public override double Chance(int level) => chance[level - 1];
    /// <summary>The program has its own.</summary>
    public override TimeSpan VerdictLimit => Timeout.InfiniteTimeSpan;
    internal override (string Name, string Hash)? Origin { get; }
    protected override string Symbols { get; }

    /// <summary>Starts the program, or finds it: one process serves all who name it alike.</summary>
    /// <exception cref="ConfigException">It cannot be started.</exception>
    /// <exception cref="DataException">It does not keep to the protocol.</exception>
    public static CommandFamily Open(string address)
    {
        lock (gate)
        {
            if (open.TryGetValue(address, out CommandFamily? family)) return family;
            family = new(address);
            open.Add(address, family);
            AppDomain.CurrentDomain.ProcessExit += (_, _) => family.program.Dispose();
            return family;
        }
    }

    // Whole numbers up to 2⁵³ are what every language reads exactly.
    protected override Draft? Draw(int level, ref Rng rng) => Made(level, (long)(rng.NextUInt64() >> 11));

    Draft Made(int level, long seed)
    {
        Answer reply = Ask(new("make") { Level = level, Seed = seed });
        var made = new Draft(reply.Text("prompt"), reply.Text("key", missing: ""));
        if (made.Prompt.Length == 0) throw reply.Bad("'prompt' is empty");
        return Written(reply, made.Prompt, "prompt") ? made : throw reply.Bad("'prompt' holds < or >");
    }

    public override string Solve(TaskItem item) => Solved(item).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Solved(item);

    Derivation Solved(TaskItem item)
    {
        Answer reply = Ask(new("solve") { Prompt = item.Prompt, Key = item.Key });
        var solved = new Derivation(reply.Text("thought", missing: ""), reply.Text("answer"));
        return Written(reply, solved.Thought, "thought") && Written(reply, solved.Answer, "answer") ? solved
            : throw reply.Bad("'thought' or 'answer' holds < or >");
    }

    protected override double Score(TaskItem item, Reply reply) =>
        Ask(new("reward") { Prompt = item.Prompt, Key = item.Key, Thought = reply.Thought, Answer = reply.Answer })
            .Number("score", 0, 1);

    protected override bool Fulfils(string prompt, string answer) => IsRight(new(Name, 1, prompt, ""), answer);

    protected override bool IsRight(TaskItem item, string answer) => Score(item, new(false, "", answer)) == 1;

    Answer Ask(JudgeRequest request) => new(address, request.Op, program.Ask(Line(request)));

    // Plain characters stay as they are, so that a shell can read them.
    static readonly JudgeJson json = new(new(JudgeJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    static byte[] Line(JudgeRequest request) => JsonSerializer.SerializeToUtf8Bytes(request, json.JudgeRequest);

    /// <summary>Refuses a character that the description leaves out: a tokenizer is made of those.</summary>
    bool Written(Answer reply, string text, string field)
    {
        foreach (char c in text)
            if (!Alphabet.Contains(c)) throw reply.Bad($"'{field}' holds '{c}', which is not among its symbols");
        return !text.AsSpan().ContainsAny(Reply.Think, Reply.Say);
    }

    /// <summary>Asks some things twice: equal requests, equal answers; and a demonstration is right.</summary>
    void Hold(int level)
    {
        for (long seed = 1; seed <= 2; seed++)
        {
            Draft made = Made(level, seed);
            Made(level, seed + 2);
            var item = new TaskItem(Name, level, made.Prompt, made.Key);
            Derivation solved = Solved(item);
            var reply = new Reply(true, solved.Thought, solved.Answer);
            if (Made(level, seed) != made) throw Twice("make", $"level {level}, seed {seed}");
            if (Solved(item) != solved) throw Twice("solve", made.Prompt);
            double score = Score(item, reply);
            if (Score(item, reply) != score) throw Twice("reward", reply.ToString());
            if (score != 1)
                throw new DataException($"{address}: its own solution of '{made.Prompt}', '{solved.Answer}', scores {score}, " +
                    "not 1");
            if (HasCheck && !Check(item, solved.Answer))
                throw new DataException($"{address}: says that it checks without a key, and does not pass '{solved.Answer}' " +
                    $"for '{made.Prompt}' without");
        }

        DataException Twice(string op, string what) =>
            new($"{address}: {op} of {what} was answered in two ways; equal requests must have equal answers");
    }

    /// <summary>Of the files among the words, in order: an edited program is another one.</summary>
    static string HashOf(IEnumerable<string> words)
    {
        var hash = new XxHash3();
        foreach (string word in words)
            hash.Append(File.Exists(word) ? File.ReadAllBytes(word) : Encoding.UTF8.GetBytes(word));
        return $"{hash.GetCurrentHashAsUInt64():x16}";
    }

    /// <summary>Words with spaces between; quotes keep those within.</summary>
    static IEnumerable<string> Words(string command)
    {
        var word = new StringBuilder();
        char quote = '\0';
        bool any = false;
        foreach (char c in command)
        {
            if (quote == '\0' && c is ('"' or '\'')) (quote, any) = (c, true);
            else if (c == quote) quote = '\0';
            else if (quote == '\0' && c == ' ')
            {
                if (any) yield return word.ToString();
                word.Clear();
                any = false;
            }
            else
            {
                word.Append(c);
                any = true;
            }
        }
        if (any) yield return word.ToString();
    }

    /// <summary>A line that came back, read field by field; what is not as it must be is refused by name.</summary>
    readonly struct Answer
    {
        readonly string address, op;
        readonly JsonElement fields;

        public Answer(string address, string op, byte[] line)
        {
            (this.address, this.op) = (address, op);
            try
            {
                using JsonDocument tree = JsonDocument.Parse(line);
                fields = tree.RootElement.Clone();
            }
            catch (JsonException)
            {
                string text = Encoding.UTF8.GetString(line);
                throw Bad($"not JSON: '{(text.Length > 80 ? text[..80] + "…" : text)}'");
            }
            if (fields.ValueKind != JsonValueKind.Object) throw Bad("no JSON object");
            if (fields.TryGetProperty("error", out JsonElement error)) throw Bad(error.ToString());
        }

        public DataException Bad(string why) => new($"{address}: its answer to {op}: {why}; see docs/plugins.md");

        public string Text(string name, string? missing = null) =>
            !fields.TryGetProperty(name, out JsonElement f) ? missing ?? throw Bad($"no '{name}'")
            : f.ValueKind == JsonValueKind.String ? f.GetString()! : throw Bad($"'{name}' must be a text");

        public bool Flag(string name) => fields.TryGetProperty(name, out JsonElement f) && f.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Bad($"'{name}' must be true or false"),
        };

        public double Number(string name, double low, double high, double? missing = null)
        {
            if (!fields.TryGetProperty(name, out JsonElement f)) return missing ?? throw Bad($"no '{name}'");
            return Number(f, name, low, high);
        }

        public double[] Numbers(string name, double low, double high)
        {
            if (!fields.TryGetProperty(name, out JsonElement f)) throw Bad($"no '{name}'");
            if (f.ValueKind != JsonValueKind.Array) return [Number(f, name, low, high)];
            List<double> all = [];
            foreach (JsonElement one in f.EnumerateArray()) all.Add(Number(one, name, low, high));
            return [.. all];
        }

        double Number(JsonElement f, string name, double low, double high) =>
            f.ValueKind == JsonValueKind.Number && f.GetDouble() is var x && x >= low && x <= high ? x
            : throw Bad(FormattableString.Invariant($"'{name}' must be a number from {low} to {high}"));
    }
}

/// <summary>A line to a judge; fields that an operation does not have are left out.</summary>
sealed record JudgeRequest(string Op)
{
    public int? Level { get; init; }
    public long? Seed { get; init; }
    public string? Prompt { get; init; }
    public string? Key { get; init; }
    public string? Thought { get; init; }
    public string? Answer { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JudgeRequest))]
sealed partial class JudgeJson : JsonSerializerContext;
