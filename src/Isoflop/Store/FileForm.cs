using System.Buffers.Binary;
using System.Text.Json;

namespace Isoflop.Store;

/// <summary>What a file is, whatever its name says.</summary>
enum FileForm
{
    Text, JsonLines, JsonList, Json, Gzip, Zstd, Bzip2, Xz, Zip, SevenZip, Rar, Lz4, Tar, Parquet, Arrow, Orc, Avro, Utf16, Utf32,
    Hdf5, Sqlite, Pdf, Numpy, Safetensors, LfsPointer, Binary,
}

/// <summary>Tells by its first bytes what a file is: by a mark that its format has, else by its first line.</summary>
static class FileForms
{
    /// <summary>Bytes to look at; fewer do where the file has no more.</summary>
    public const int HeadBytes = 1 << 16;

    static ReadOnlySpan<byte> LfsMark => "version https://git-lfs.github.com/spec/"u8;

    static readonly (FileForm Form, byte[] Mark)[] marks =
    [
        (FileForm.Gzip, [0x1F, 0x8B]), (FileForm.Zstd, [0x28, 0xB5, 0x2F, 0xFD]), (FileForm.Bzip2, [.. "BZh"u8]),
        (FileForm.Xz, [0xFD, .. "7zXZ"u8, 0]), (FileForm.Zip, [.. "PK\u0003\u0004"u8]), (FileForm.Zip, [.. "PK\u0005\u0006"u8]),
        (FileForm.Zip, [.. "PK\u0007\u0008"u8]), (FileForm.SevenZip, [.. "7z"u8, 0xBC, 0xAF, 0x27, 0x1C]),
        (FileForm.Rar, [.. "Rar!\u001A\u0007"u8]), (FileForm.Lz4, [0x04, 0x22, 0x4D, 0x18]), (FileForm.Parquet, [.. "PAR1"u8]),
        (FileForm.Parquet, [.. "PARE"u8]), (FileForm.Arrow, [.. "ARROW1"u8]), (FileForm.Arrow, [.. "FEA1"u8]),
        (FileForm.Orc, [.. "ORC"u8, 10]), (FileForm.Avro, [.. "Obj\u0001"u8]), (FileForm.Hdf5, [0x89, .. "HDF\r\n\u001A\n"u8]),
        (FileForm.Sqlite, [.. "SQLite format 3\0"u8]), (FileForm.Pdf, [.. "%PDF-"u8]), (FileForm.Numpy, [0x93, .. "NUMPY"u8]),
        (FileForm.LfsPointer, LfsMark.ToArray()), (FileForm.Utf32, [0xFF, 0xFE, 0, 0]), (FileForm.Utf32, [0, 0, 0xFE, 0xFF]),
        (FileForm.Utf16, [0xFF, 0xFE]), (FileForm.Utf16, [0xFE, 0xFF]),
    ];

    /// <summary>Looks into a file. One that is empty is text.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    public static FileForm Of(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            return Of(HeadOf(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DataException(Directory.Exists(path) ? $"{path}: is a folder; name a file"
                : $"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>First bytes of a stream.</summary>
    public static byte[] HeadOf(Stream stream)
    {
        byte[] head = new byte[HeadBytes];
        return head[..stream.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false)];
    }

    /// <summary>What begins so.</summary>
    /// <param name="head">its first <see cref="HeadBytes"/>, or all of it</param>
    public static FileForm Of(ReadOnlySpan<byte> head)
    {
        foreach ((FileForm form, byte[] mark) in marks)
            if (head.StartsWith(mark) && (form is not FileForm.Bzip2 || IsBzip2(head))) return form;
        if (IsSkippable(head)) return FileForm.Zstd;
        if (IsTar(head)) return FileForm.Tar;
        if (IsArrowStream(head)) return FileForm.Arrow;
        if (IsSafetensors(head)) return FileForm.Safetensors;
        return WideOf(head) ?? (IsBinary(head) ? FileForm.Binary : JsonOf(head));
    }

    /// <summary>"a ZIP archive".</summary>
    public static string Named(this FileForm form) => form switch
    {
        FileForm.Text => "plain text",
        FileForm.JsonLines => "JSON lines",
        FileForm.JsonList => "a JSON list",
        FileForm.Json => "one JSON value",
        FileForm.Gzip => "compressed with gzip",
        FileForm.Zstd => "compressed with Zstandard",
        FileForm.Bzip2 => "compressed with bzip2",
        FileForm.Xz => "compressed with xz",
        FileForm.Lz4 => "compressed with LZ4",
        FileForm.Zip => "a ZIP archive",
        FileForm.SevenZip => "a 7z archive",
        FileForm.Rar => "a RAR archive",
        FileForm.Tar => "a tar archive",
        FileForm.Parquet => "a Parquet file",
        FileForm.Arrow => "an Arrow file",
        FileForm.Orc => "an ORC file",
        FileForm.Avro => "an Avro file",
        FileForm.Utf16 => "UTF-16 text",
        FileForm.Utf32 => "UTF-32 text",
        FileForm.Hdf5 => "an HDF5 file",
        FileForm.Sqlite => "an SQLite database",
        FileForm.Pdf => "a PDF document",
        FileForm.Numpy => "a NumPy array",
        FileForm.Safetensors => "a safetensors file",
        FileForm.LfsPointer => "a Git LFS pointer, not the file itself",
        _ => "a binary file",
    };

    /// <summary>What its owner can do to get text, lines or a table out of it: "unpack it first: gzip -d FILE".</summary>
    public static string Advice(this FileForm form) => form switch
    {
        FileForm.Gzip => "unpack it first: gzip -d",
        FileForm.Zstd => "unpack it first: zstd -d",
        FileForm.Bzip2 => "unpack it first: bzip2 -d",
        FileForm.Xz => "unpack it first: xz -d",
        FileForm.Lz4 => "unpack it first: lz4 -d",
        FileForm.Zip => "unpack it first: unzip",
        FileForm.SevenZip or FileForm.Rar => "unpack it first: 7z x",
        FileForm.Tar => "unpack it first: tar xf",
        FileForm.Parquet or FileForm.Arrow or FileForm.Orc or FileForm.Avro or FileForm.Hdf5 or FileForm.Sqlite
            or FileForm.Numpy => "export it as text",
        FileForm.Utf16 => "convert it: iconv -f UTF-16 -t UTF-8, or -f UTF-16BE where it has no mark",
        FileForm.Utf32 => "convert it: iconv -f UTF-32 -t UTF-8",
        FileForm.LfsPointer => "fetch it: git lfs pull",
        FileForm.Json or FileForm.JsonList => "write a line of JSON for each record",
        FileForm.Pdf => "convert it to text: pdftotext",
        _ => "name another",
    };

    /// <summary>Text of some kind, in UTF-8 or a code page like it.</summary>
    public static bool IsText(this FileForm form) =>
        form is FileForm.Text or FileForm.JsonLines or FileForm.JsonList or FileForm.Json;

    /// <summary>The refusal of a file that is not what was asked for.</summary>
    /// <param name="wanted">"a table"; what is read instead</param>
    public static DataException Refusal(this FileForm form, string path, string wanted) =>
        new($"{path}: is {form.Named()}, not {wanted}; {form.Advice()}");

    static bool IsBzip2(ReadOnlySpan<byte> head) => head.Length >= 10 && head[3] is >= (byte)'1' and <= (byte)'9'
        && (head[4..10] is [0x31, 0x41, 0x59, 0x26, 0x53, 0x59] or [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]);

    /// <summary>Zstandard's frames that hold no data; archives that can be searched begin with one.</summary>
    static bool IsSkippable(ReadOnlySpan<byte> head) => head is [>= 0x50 and <= 0x5F, 0x2A, 0x4D, 0x18, _, _, _, _, ..];

    /// <summary>A header of 512 bytes whose sum stands in it as an octal number.</summary>
    static bool IsTar(ReadOnlySpan<byte> head)
    {
        if (head.Length < 512) return false;
        long want = 0;
        foreach (byte b in head[148..156])
        {
            if (b is (byte)' ' or 0) continue;
            if (b is < (byte)'0' or > (byte)'7') return false;
            want = 8 * want + b - '0';
        }
        long sum = 8 * ' ';
        for (int i = 0; i < 512; i++) sum += i is >= 148 and < 156 ? 0 : head[i];
        return want > 0 && sum == want && head[0] != 0;
    }

    /// <summary>Arrow without a file around it, as data sets keep it: a mark, then the length of a schema.</summary>
    static bool IsArrowStream(ReadOnlySpan<byte> head) => head.Length >= 16 && head is [0xFF, 0xFF, 0xFF, 0xFF, ..]
        && BinaryPrimitives.ReadInt32LittleEndian(head[4..]) is > 0 and < 1 << 24;

    static bool IsSafetensors(ReadOnlySpan<byte> head) => head.Length >= 10
        && BinaryPrimitives.ReadUInt64LittleEndian(head) is > 1 and < 100_000_000 && head[8] == '{' && head[7] == 0;

    /// <summary>Text of two or four bytes a letter without a mark: where letters are Latin, the other bytes are 0.</summary>
    static FileForm? WideOf(ReadOnlySpan<byte> head)
    {
        int units = Math.Min(head.Length, 4096) / 4;
        if (units < 2) return null;
        Span<int> zeros = stackalloc int[4];
        zeros.Clear();
        for (int i = 0; i < 4 * units; i++) zeros[i % 4] += head[i] == 0 ? 1 : 0;
        int few = units / 10, most = units - few;
        if (zeros[1] >= most && zeros[2] >= most && (zeros[0] <= few && zeros[3] >= most || zeros[3] <= few && zeros[0] >= most))
            return FileForm.Utf32;
        if (zeros[0] <= few && zeros[2] <= few && zeros[1] >= most && zeros[3] >= most) return FileForm.Utf16;
        if (zeros[1] <= few && zeros[3] <= few && zeros[0] >= most && zeros[2] >= most) return FileForm.Utf16;
        return null;
    }

    /// <summary>More than one byte in fifty is a control character that no text has.</summary>
    static bool IsBinary(ReadOnlySpan<byte> head)
    {
        int controls = 0;
        foreach (byte b in head) controls += b < 32 && b is not ((>= 8 and <= 13) or 27) ? 1 : 0;
        return 50L * controls > head.Length;
    }

    static FileForm JsonOf(ReadOnlySpan<byte> head)
    {
        bool all = head.Length < HeadBytes;
        if (head.StartsWith("\uFEFF"u8)) head = head[3..];
        head = head.TrimStart(" \t\r\n"u8);
        if (head.IsEmpty || head[0] is not ((byte)'{' or (byte)'[')) return FileForm.Text;
        int end = head.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? head : head[..end], after = end < 0 ? [] : head[end..].TrimStart(" \t\r\n"u8);
        if (head[0] == '{')
            // A line longer than what is looked at is taken for what it begins as.
            return !StartsObject(head) ? FileForm.Text : end < 0 && !all || IsWhole(line) ? FileForm.JsonLines : FileForm.Json;
        if (head[1..].TrimStart(" \t\r\n"u8) is [(byte)'{', ..] first && StartsObject(first))
            return !after.IsEmpty && after[0] == '[' && IsWhole(line) ? FileForm.JsonLines : FileForm.JsonList;
        return IsWhole(line) ? FileForm.Json : FileForm.Text;
    }

    /// <summary>A brace, then a name in quotes or the other brace: what no language but JSON begins with.</summary>
    static bool StartsObject(ReadOnlySpan<byte> text) => text[1..].TrimStart(" \t\r\n"u8) is [(byte)'"' or (byte)'}', ..];

    static bool IsWhole(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(ForeignJson.Repaired(line.ToArray()).Span, new JsonReaderOptions { MaxDepth = 1000 });
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
