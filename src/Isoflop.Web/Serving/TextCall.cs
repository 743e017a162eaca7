using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Isoflop.Lab.Inference;
using Isoflop.Sample;
using Isoflop.Text;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary><c>POST /v1/completions</c>: texts go on as they stand, and are scored.</summary>
sealed class TextCall(HttpContext http, ModelPool pool, RemoteModels remote) : ModelCall(http, pool, remote)
{
    const int UsualTokens = 16;                                    // OpenAI's

    bool echoes;

    protected override string Operation => "text_completion";
    protected override string Path => "/completions";
    protected override string Prefix => "cmpl-";
    protected override string Prompt => "prompt";

    protected override IReadOnlyList<ReplyRequest> Read()
    {
        echoes = Request.Flag("echo");
        int? tops = Request.Find("logprobs") is { ValueKind: JsonValueKind.False } ? null
            : Request.Whole("logprobs", 0, MostTops);
        int most = Request.Whole("max_tokens", 0, int.MaxValue) ?? UsualTokens;
        if (most == 0 && !(echoes && tops is not null))
            throw ApiException.Bad("max_tokens = 0 writes nothing: it needs echo = true and " +
                "logprobs, which score the prompt", "max_tokens");
        if (Request.Whole("best_of", 1, MostReplies) is { } best && best != Count)
            throw ApiException.Bad($"best_of = {best} is not supported but where it is n; leave it out", "best_of",
                "unsupported_parameter");
        Request.Refuse("a text is gone on with, not filled in", "suffix");
        (int[] Tokens, bool Begun)[] prompts = [.. Prompts()];
        if (prompts.Length * Count > MostReplies)
            throw ApiException.Bad($"{prompts.Length} prompts with n = {Count} are more than " +
                $"{MostReplies} replies; ask in several requests", "prompt");
        return [.. prompts.SelectMany(p => Enumerable.Range(0, Count).Select(i => new ReplyRequest
        {
            Prompt = Fitting(p.Tokens),
            HiddenTokens = p.Begun ? 1 : 0,
            MaxTokens = most,
            Rule = Rule,
            Seed = Seed,
            Index = i,
            Stops = Stops,
            Tops = tops,
            ScoresPrompt = echoes && tops is not null,
        }))];
    }

    /// <summary>
    /// A text, texts, tokens, or lists of tokens. Before a text stands its beginning; tokens are read as they are.
    /// </summary>
    IEnumerable<(int[] Tokens, bool Begun)> Prompts()
    {
        const string Rule = "must be a string, a list of strings, a list of token ids, or a list of such lists";
        Tokenizer tokenizer = Model.Engine.Model.Tokenizer;
        if (Request.Find("prompt") is not { } prompt) return [Text("")];
        if (prompt.ValueKind == JsonValueKind.String) return [Text(prompt.GetString()!)];
        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
            throw RequestReader.Wrong("prompt", prompt, Rule);
        return prompt[0].ValueKind == JsonValueKind.Number ? [Ids(prompt)]
            : [.. prompt.EnumerateArray().Select(p => p.ValueKind switch
            {
                JsonValueKind.String => Text(p.GetString()!),
                JsonValueKind.Array => Ids(p),
                _ => throw RequestReader.Wrong("prompt", p, Rule),
            })];

        (int[], bool) Text(string text) => ([tokenizer.Beginning, .. tokenizer.Encode(text)], true);

        (int[], bool) Ids(JsonElement list)
        {
            if (list.GetArrayLength() == 0) return ([tokenizer.Beginning], true);
            return ([.. list.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int token)
                && token >= 0 && token < tokenizer.VocabSize ? token
                : throw RequestReader.Wrong("prompt", id, $"must be a token id from 0 to {tokenizer.VocabSize - 1}"))], false);
        }
    }

    // ---- answers --------------------------------------------------------------------------------------------------------------

    TextBody Chunk(params IReadOnlyList<TextChoice> choices) =>
        new(Id, "text_completion", Created, Model.Name, Model.Fingerprint, Seed, choices);

    protected override Task Answer(IReadOnlyList<LiveReply> replies, IReadOnlyList<ReplyPiece> whole, Usage usage) =>
        Http.Response.WriteAsJsonAsync(Chunk([.. replies.Select((r, i) => new TextChoice(i,
            (echoes ? Echo(r) : "") + whole[i].Answer,
            LogProbs(r, echoes ? -Shown(r) : 0, r.Tokens.Count, ended: true), NameOf(r.Ending)))]) with
        { Usage = usage },
            ServingJson.Default.TextBody, cancellationToken: Http.RequestAborted);

    protected override async Task Open(EventStream stream, IReadOnlyList<LiveReply> replies)
    {
        for (int i = 0; echoes && i < replies.Count; i++)
        {
            // What a prompt scored is known when it was read.
            TextLogProbs? scores = null;
            if (replies[i].Request.ScoresPrompt)
            {
                await replies[i].Read(Http.RequestAborted).ConfigureAwait(false);
                scores = LogProbs(replies[i], -Shown(replies[i]), 0, ended: false);
            }
            await stream.Write(Chunk(new TextChoice(i, Echo(replies[i]), scores, null)), ServingJson.Default.TextBody)
                .ConfigureAwait(false);
        }
    }

    protected override Task Tell(EventStream stream, int index, LiveReply reply, ReplyPiece piece) => stream.Write(
        Chunk(new TextChoice(index, piece.Answer, LogProbs(reply, piece.FromToken, piece.ToToken, piece.Ending is not null),
            NameOf(piece.Ending))),
        ServingJson.Default.TextBody);

    protected override Task Close(EventStream stream, Usage usage) =>
        stream.Write(Chunk() with { Usage = usage }, ServingJson.Default.TextBody);

    static int Shown(LiveReply reply) => reply.Request.Prompt.Length - reply.Request.HiddenTokens;

    string Echo(LiveReply reply) => Model.Engine.Model.Tokenizer.Decode(reply.Request.Prompt.AsSpan(reply.Request.HiddenTokens));

    /// <summary>Tokens of prompt and reply, counted from the reply's first.</summary>
    /// <param name="ended">and the one that ended it: it has no text, but who sums up counts on so many as were drawn</param>
    TextLogProbs? LogProbs(LiveReply reply, int from, int to, bool ended)
    {
        if (reply.Request.Tops is null || reply.Scores is not { } scores) return null;
        Tokenizer tokenizer = Model.Engine.Model.Tokenizer;
        int[] prompt = reply.Request.Prompt;
        int hidden = reply.Request.HiddenTokens, offset = 0;
        var all = new TextLogProbs([], [], [], []);
        for (int place = echoes ? hidden : prompt.Length; place < prompt.Length + to; place++)
        {
            int token = place < prompt.Length ? prompt[place] : reply.Tokens[place - prompt.Length];
            if (place >= prompt.Length + from) Add(place, token);
            foreach (byte b in tokenizer.Bytes(token))
                if ((b & 0xC0) != 0x80) offset++;                 // a character begins
        }
        if (ended && reply.EndToken is { } end) Add(prompt.Length + to, end);
        return all;

        void Add(int place, int token)
        {
            string name = NameOf(tokenizer, token);
            all.Tokens.Add(name);
            all.TextOffset.Add(offset);
            all.TokenLogprobs.Add(place < scores.From ? null : scores[place]);
            if (place < scores.From)
            {
                all.TopLogprobs.Add(null);
                return;
            }
            Dictionary<string, float> likeliest = [];
            for (int rank = 0; rank < scores.Tops; rank++)
            {
                (int other, float logProb) = scores.Top(place, rank);
                likeliest.TryAdd(NameOf(tokenizer, other), logProb);
            }
            likeliest[name] = scores[place];
            all.TopLogprobs.Add(likeliest);
        }
    }

    /// <summary>A token's text; where it is no whole characters its bytes, as OpenAI writes them: bytes:\xf0\x9f.</summary>
    internal static string NameOf(Tokenizer tokenizer, int token)
    {
        ReadOnlySpan<byte> bytes = BytesOf(tokenizer, token);
        if (Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);
        var name = new StringBuilder("bytes:");
        foreach (byte b in bytes) name.Append("\\x").Append(Convert.ToHexStringLower([b]));
        return name.ToString();
    }

    /// <summary>A model's table may be longer than its tokenizer's: what lies beyond has a number alone.</summary>
    internal static ReadOnlySpan<byte> BytesOf(Tokenizer tokenizer, int token) =>
        token < tokenizer.VocabSize ? tokenizer.Bytes(token) : Encoding.UTF8.GetBytes($"<token {token}>");
}
