namespace Isoflop.Store;

/// <summary>What a clone without Git LFS has in place of a large file.</summary>
static class LfsPointer
{
    /// <summary>Refuses a pointer by name.</summary>
    /// <param name="start">the file's first bytes</param>
    /// <exception cref="DataException">It is one.</exception>
    public static void Refuse(string path, ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("version https://git-lfs"u8))
            throw new DataException($"{path}: is a Git LFS pointer, not the file it points to; run 'git lfs pull' there");
    }
}
