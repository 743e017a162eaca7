namespace Isoflop.Lab.Corpora;

/// <summary>Finds the members of a JSON list that comes in pieces. Only what brackets and quotes say is looked at.</summary>
sealed class ListCutter
{
    int depth, scanned;
    bool quoted, escaped;

    /// <summary>Where the member begins that is not yet whole.</summary>
    public int Begin { get; private set; }

    /// <summary>The list's end was seen.</summary>
    public bool Ended { get; private set; }

    /// <summary>The buffer now begins so much later.</summary>
    public void Shift(int by) => (scanned, Begin) = (scanned - by, Begin - by);

    /// <summary>Members that are whole by now, without those of before.</summary>
    /// <exception cref="DataException">Something stands behind the list.</exception>
    public List<Range> Members(ReadOnlySpan<byte> buffer, string path)
    {
        List<Range> members = [];
        if (scanned == 0 && depth == 0 && buffer.StartsWith("\uFEFF"u8)) scanned = 3;
        for (; scanned < buffer.Length; scanned++)
        {
            byte b = buffer[scanned];
            if (escaped) escaped = false;
            else if (quoted)
            {
                if (b == '\\') escaped = true;
                else if (b == '"') quoted = false;
            }
            else if (Ended)
            {
                if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                    throw new DataException($"{path}: something follows the list; a file is one list, or a line for each object");
            }
            else if (b == '"') quoted = true;
            else if (b is (byte)'[' or (byte)'{')
            {
                if (depth++ == 0) Begin = scanned + 1;
            }
            else if (b is (byte)']' or (byte)'}' || (b == ',' && depth == 1))
            {
                if (b != ',') depth--;
                if (depth > 1 || (depth == 1 && b != ',')) continue;
                Range member = Begin..scanned;
                Begin = scanned + 1;
                Ended = depth == 0;
                if (!Ended || buffer[member].ContainsAnyExcept(" \t\r\n"u8)) members.Add(member);
            }
        }
        if (Ended) Begin = buffer.Length;
        return members;
    }
}
