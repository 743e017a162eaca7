using System.Net.Http.Headers;
using System.Text;

namespace Isoflop.Lab.Eval;

/// <summary>
/// Where an OpenAI-compatible endpoint is, and what opens it. What it says passes through <see cref="Clean"/>: its secrets come
/// into no message and no file, and control characters to no terminal.
/// </summary>
sealed class Endpoint
{
    /// <summary>A secret this short is none, and would be found in every word.</summary>
    const int ShortestSecret = 4;

    readonly Uri root;
    readonly string query;
    readonly AuthenticationHeaderValue? authorization;
    readonly string? apiKey;
    readonly List<string> secrets = [];

    /// <param name="url">
    /// https://host, https://host/v1 or https://host/v1/chat/completions; a query is kept, user and password go as Basic
    /// authorization
    /// </param>
    /// <param name="key">null: none</param>
    /// <exception cref="ConfigException">The address is none.</exception>
    public Endpoint(string url, string? key)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
            throw new ConfigException($"'{url[(url.LastIndexOf('@') + 1)..]}' is no address of an endpoint; " +
                "give one like http://localhost:8000/v1");
        string path = uri.AbsolutePath.TrimEnd('/');
        if (path.EndsWith("/chat/completions", StringComparison.Ordinal)) path = path[..^"/chat/completions".Length];
        root = new($"{uri.Scheme}://{uri.Authority}{(path.Length == 0 ? "/v1" : path)}");
        query = uri.Query;
        Address = $"{root.Authority}{root.AbsolutePath}";
        Name = uri.UserInfo.Length + query.Length + uri.Fragment.Length == 0 ? url : root.ToString();
        if (uri.UserInfo.Length > 0)
        {
            string user = Uri.UnescapeDataString(uri.UserInfo);
            authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));
            Keep(authorization.Parameter, uri.UserInfo, user, user[(user.IndexOf(':') + 1)..]);
        }
        foreach (string pair in query.TrimStart('?').Split('&'))
        {
            string value = pair[(pair.IndexOf('=') + 1)..];
            if (!pair.StartsWith("api-version=", StringComparison.Ordinal)) Keep(value, Uri.UnescapeDataString(value));
        }
        if (key is null) return;
        // Azure takes keys by a header of its own; gateways before it take either.
        bool azure = uri.Host.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);
        if (azure || query.Contains("api-version=", StringComparison.Ordinal)) apiKey = key;
        if (!azure) authorization ??= new("Bearer", key);
        Keep(key, Uri.EscapeDataString(key), Convert.ToBase64String(Encoding.UTF8.GetBytes(key)));

        void Keep(params ReadOnlySpan<string?> parts)
        {
            foreach (string? part in parts)
                if (part?.Length >= ShortestSecret) secrets.Add(part);
            secrets.Sort((a, b) => b.Length.CompareTo(a.Length));                // the whole before its parts
        }
    }

    /// <summary>The key of an environment variable; null: it is not set.</summary>
    /// <exception cref="ConfigException">It holds what no key does.</exception>
    public static string? KeyOf(string variable)
    {
        string? key = Environment.GetEnvironmentVariable(variable)?.Trim();
        if (string.IsNullOrEmpty(key)) return null;
        int odd = key.AsSpan().IndexOfAnyExceptInRange('!', '~');
        return odd < 0 ? key : throw new ConfigException($"the environment variable {variable} holds a character that no key " +
            $"has, U+{(int)key[odd]:X4} at place {odd + 1}; set it to the key alone");
    }

    /// <summary>Host and path.</summary>
    public string Address { get; }

    /// <summary>As it was given, without what opens it.</summary>
    public string Name { get; }

    /// <summary>Where requests of one kind go, "/chat/completions".</summary>
    public Uri Of(string path) => new($"{root.ToString().TrimEnd('/')}{path}{query}");

    /// <summary>The same for messages: without the query.</summary>
    public string Shown(string path) => $"{root.ToString().TrimEnd('/')}{path}";

    /// <summary>Adds what opens the endpoint, and to a request to it alone: whom it sends us to gets nothing.</summary>
    public void Sign(HttpRequestMessage request)
    {
        if (request.RequestUri is not { } to || to.Scheme != root.Scheme || to.Authority != root.Authority) return;
        request.Headers.Authorization = authorization;
        if (apiKey is not null) request.Headers.TryAddWithoutValidation("api-key", apiKey);
    }

    /// <summary>A text of the endpoint's without the secrets it was told, and without control characters but the ends of
    /// lines and tabs.</summary>
    public string Clean(string said)
    {
        foreach (string secret in secrets) said = said.Replace(secret, "[key]", StringComparison.Ordinal);
        return said.Any(IsOdd) ? string.Concat(said.Select(c => IsOdd(c) ? '\uFFFD' : c)) : said;

        static bool IsOdd(char c) => char.IsControl(c) && c is not ('\n' or '\r' or '\t');
    }
}
