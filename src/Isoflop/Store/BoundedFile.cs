namespace Isoflop.Store;

/// <summary>Files that are read whole: settings, records. One that never ends does not take the memory with it.</summary>
static class BoundedFile
{
    const int Limit = 1 << 26;

    /// <summary>All bytes of a file; of a pipe too.</summary>
    /// <exception cref="DataException">More than 64 MB.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
            bufferSize: 0);
        byte[] text = new byte[file.CanSeek ? (int)Math.Min(file.Length + 1, Limit) : 1 << 16];
        for (int filled = 0; ;)
        {
            int got = file.Read(text, filled, text.Length - filled);
            if (got == 0) return text[..filled];
            filled += got;
            if (filled == Limit)
                throw new DataException($"{path}: is larger than {Limit >> 20} MB; it is not what it is taken for");
            if (filled == text.Length) Array.Resize(ref text, Math.Min(2 * filled, Limit));
        }
    }
}
