using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Isoflop.Store;

namespace Isoflop.Web.Home;

/// <summary>
/// The last whole row of a file of JSON lines, read from its end: what a list needs of thousands of runs. Whether rows above it
/// were altered is not seen; 'isoflop runs verify' sees it.
/// </summary>
static class LastRow
{
    const int FirstLook = 4096, MostLooked = 1 << 22;

    /// <summary>The row; default: the file is missing, or has none.</summary>
    /// <exception cref="DataException">It is no such row.</exception>
    public static T? Of<T>(string path, JsonTypeInfo<T> type)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            for (long look = FirstLook; ; look *= 8)
            {
                int length = (int)Math.Min(look, file.Length);
                byte[] text = new byte[length];
                file.Position = file.Length - length;
                length = file.ReadAtLeast(text, length, throwOnEndOfStream: false);
                int end = Array.LastIndexOf(text, (byte)'\n', length - 1, length);
                if (end <= 0 && length < file.Length && look < MostLooked) continue;
                if (end <= 0) return default;
                int start = Array.LastIndexOf(text, (byte)'\n', end - 1, end) + 1;
                if (start == 0 && length < file.Length && look < MostLooked) continue;
                RowChain chain = default;
                chain.Read(text.AsSpan(start, end - start), out int bare);
                if (bare > 0) text[start + bare] = (byte)'}';
                return JsonSerializer.Deserialize(text.AsSpan(start, bare > 0 ? bare + 1 : end - start), type);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new DataException($"{path}: its last line is not a row: {e.Message.Split(". Path")[0]}", e);
        }
    }
}
