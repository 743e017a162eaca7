using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Teaching;

/// <summary>Who speaks in a chat.</summary>
enum Role
{
    /// <summary>Sets the scene.</summary>
    System,
    /// <summary>Asks.</summary>
    User,
    /// <summary>Answers: the model.</summary>
    Assistant,
}

/// <summary>What one of them says.</summary>
/// <param name="Learnt">the loss is on it</param>
readonly record struct Turn(Role Role, string Content, bool Learnt = false);

/// <summary>How a model was taught to be spoken to.</summary>
enum Taught
{
    /// <summary>Not at all: it goes on with a text.</summary>
    Texts,
    /// <summary>A question, and a reply that may think first; nothing was said before.</summary>
    Tasks,
    /// <summary>Turns of a chat, as <see cref="ChatFormat"/> writes them.</summary>
    Chats,
    /// <summary>By another program's template, which is not run.</summary>
    Elsewhere,
}

/// <summary>
/// A chat as tokens: the mark of who speaks, then what is said, turn by turn; end-of-text begins and ends it. Marks are special
/// tokens and what is said is data, so that nobody can speak for another. A tokenizer that has a token a byte and no special ones
/// marks with letters, and a chat that holds them is not taught.
/// </summary>
sealed class ChatFormat
{
    static readonly string[] marks = ["<|system|>", "<|user|>", "<|assistant|>"];

    readonly Tokenizer tokenizer;
    readonly int?[] ids;
    readonly bool letters;

    /// <exception cref="ConfigException">The tokenizer has neither special tokens nor a token a byte.</exception>
    public ChatFormat(Tokenizer tokenizer)
    {
        this.tokenizer = tokenizer;
        ids = [.. marks.Select(mark => tokenizer.Spec.Added.FirstOrDefault(a => a.Text == mark && a.IsSpecial)?.Id)];
        letters = ids[(int)Role.User] is null || ids[(int)Role.Assistant] is null;
        if (letters && tokenizer.Spec.Merges.Count > 0)
            throw new ConfigException($"the model's tokenizer has no special tokens {marks[1]} and {marks[2]}: marks of " +
                "letters would melt with what is said; begin with a model whose tokenizer was made here");
        if (letters) Array.Clear(ids);
    }

    /// <summary>
    /// The same as a Jinja template, for other programs: <c>messages</c> in, text out. What it gives is one to one with
    /// <see cref="Parts"/> as long as nobody writes the name of a special token.
    /// </summary>
    public string Template => TemplateOf(system: ids[0] is not null);

    static string TemplateOf(bool system) => "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}"
        + (!system ? "{% if not loop.first %}{{ raise_exception('a system message comes first') }}{% endif %}" : "")
        + $"{{% if message['content'] %}}{{{{ '{marks[0]}' }}}}{{% endif %}}"
        + $"{{% elif message['role'] == 'user' %}}{{{{ '{marks[1]}' }}}}"
        + $"{{% elif message['role'] == 'assistant' %}}{{{{ '{marks[2]}' }}}}"
        + "{% else %}{{ raise_exception('roles are system, user and assistant') }}{% endif %}"
        + "{% if message['content'] is string %}{{ message['content'] }}"
        + "{% else %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
        + "{% if loop.last and message['role'] == 'assistant' and not add_generation_prompt %}{{ eos_token }}{% endif %}"
        + $"{{% endfor %}}{{% if add_generation_prompt %}}{{{{ '{marks[2]}' }}}}{{% endif %}}";

    /// <summary>The template of a model that was taught prompts without marks, by a recipe's tasks.</summary>
    public const string Plain = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"
        + "{% if messages[-1]['role'] == 'assistant' and not add_generation_prompt %}{{ eos_token }}{% endif %}";

    /// <summary>Why a chat cannot be told apart from another; null: it can.</summary>
    public string? Refusal(IReadOnlyList<Turn> chat)
    {
        if (letters && chat.Any(t => marks.Any(m => t.Content.Contains(m, StringComparison.Ordinal))))
            return "marks of turns in what is said, which this tokenizer writes with letters";
        // Letters behind end-of-text can be nobody's words; later they could be a user's.
        return ids[0] is null && chat.Skip(1).Any(t => t.Role == Role.System)
            ? $"system turns that are not the first, and the tokenizer has no {marks[0]}" : null;
    }

    /// <summary>A chat without its beginning and end; the last turn alone weighs.</summary>
    public List<(int[] Tokens, float Weight)> Parts(IEnumerable<Turn> chat)
    {
        List<(int[], float)> parts = [];
        foreach (Turn turn in chat)
        {
            // A system's letters and what it says are one text, as in a program that renders the template.
            bool joined = !letters && ids[(int)turn.Role] is null;
            parts.Add((joined ? [] : Mark(turn.Role), 0));
            parts.Add(([.. tokenizer.Encode(joined ? marks[(int)turn.Role] + turn.Content : turn.Content)], 0));
        }
        parts[^1] = (parts[^1].Item1, 1);
        return parts;
    }

    /// <summary>What the assistant answers to: end-of-text, what was said, and the mark of the answer.</summary>
    public int[] Prompt(params IReadOnlyList<Turn> chat) =>
        [tokenizer.EndOfText, .. Parts(chat).SelectMany(p => p.Tokens), .. Mark(Role.Assistant)];

    int[] Mark(Role role) => ids[(int)role] is { } id ? [id] : [.. tokenizer.Encode(marks[(int)role])];

    /// <summary>How a model was taught to be spoken to.</summary>
    public static Taught TaughtTo(LanguageModel model) => TaughtTo(model.Folder);

    /// <summary>The same of a model's folder.</summary>
    public static Taught TaughtTo(string folder) => ModelFolder.ChatTemplateOf(folder) switch
    {
        null => Taught.Texts,
        Plain => Taught.Tasks,
        string template when template == TemplateOf(system: true) || template == TemplateOf(system: false) => Taught.Chats,
        _ => Taught.Elsewhere,
    };

    /// <summary>Says of a model taught chats that it is asked something else.</summary>
    public static void NoteOf(LanguageModel model, Workspace here)
    {
        if (TaughtTo(model) == Taught.Chats)
            here.Remark($"{model.Folder} was taught chats and is asked here without its template, as any text goes on; " +
                "'isoflop chat' talks with it");
    }
}
