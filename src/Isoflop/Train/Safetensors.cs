using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Dtype">as the file says: "F32"</param> <param name="Begin">first byte, counted from the file's start</param>
sealed record TensorInfo(string Name, string Dtype, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Elements.</summary>
    public long Count => Shape.Aggregate(1L, (n, d) => checked(n * d));

    /// <summary>"[384, 128]".</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>
/// Reads the safetensors format of Hugging Face: eight bytes of length, a JSON header, and the tensors without gaps.
/// F32, BF16 and F16 are read as floats.
/// </summary>
sealed class SafetensorsFile : IDisposable
{
    const int MaxHeader = 100_000_000;                            // the format's own limit

    readonly FileStream file;
    readonly byte[] buffer = new byte[1 << 16];

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    SafetensorsFile(string path, FileStream file) => (Path, this.file, Tensors) = (path, file, ReadHeader(file, path));

    /// <summary>Opens a file and holds its header against its length.</summary>
    /// <exception cref="DataException">Missing, cut short, not a header, an unknown type, tensors that overlap, leave gaps or run
    /// past the end.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return new(path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Elements [first, first + into.Length) of a tensor, as floats.</summary>
    /// <exception cref="DataException">The tensor is not F32, BF16 or F16.</exception>
    public void Read(TensorInfo tensor, long first, Span<float> into)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, tensor.Count - into.Length);
        if (tensor.Dtype == "F32")
        {
            ReadBytes(tensor.Begin + first * 4, MemoryMarshal.AsBytes(into));
            return;
        }
        if (tensor.Dtype is not ("BF16" or "F16"))
            throw new DataException($"{Path}: '{tensor.Name}' is {tensor.Dtype}; this program reads F32, BF16 and F16");
        for (int done = 0; done < into.Length;)
        {
            int n = Math.Min(into.Length - done, buffer.Length / 2);
            ReadBytes(tensor.Begin + (first + done) * 2, buffer.AsSpan(0, n * 2));
            ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(buffer)[..n];
            Span<float> part = into.Slice(done, n);
            if (tensor.Dtype == "BF16")
                for (int i = 0; i < n; i++) part[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
            else
                for (int i = 0; i < n; i++) part[i] = (float)BitConverter.UInt16BitsToHalf(bits[i]);
            done += n;
        }
    }

    void ReadBytes(long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            int got = RandomAccess.Read(file.SafeFileHandle, into, offset);
            if (got == 0) throw new DataException($"{Path}: cut short at byte {offset}");
            into = into[got..];
            offset += got;
        }
    }

    static Dictionary<string, TensorInfo> ReadHeader(FileStream file, string path)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8)
            throw new DataException($"{path}: cut short: no safetensors header");
        if (prefix.SequenceEqual("version "u8))
        {
            Span<byte> start = stackalloc byte[32];
            LfsPointer.Refuse(path, start[..RandomAccess.Read(file.SafeFileHandle, start, 0)]);
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeader) throw new DataException($"{path}: not a safetensors file: a header of {length} bytes");
        if ((long)length > file.Length - 8)
            throw new DataException($"{path}: cut short: the header is {length} bytes, the file {file.Length}");
        byte[] header = new byte[length];
        file.ReadExactly(header);
        Dictionary<string, TensorInfo> tensors;
        try
        {
            tensors = Parse(header, 8 + (long)length, path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or OverflowException)
        {
            throw new DataException($"{path}: the safetensors header is broken: {e.Message}", e);
        }
        long at = 8 + (long)length;
        foreach (TensorInfo tensor in tensors.Values.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            if (tensor.Begin < at) throw new DataException($"{path}: '{tensor.Name}' overlaps the tensor before it");
            if (tensor.Begin > at) throw new DataException($"{path}: {tensor.Begin - at} unused bytes before '{tensor.Name}'");
            at = tensor.End;
        }
        if (at != file.Length)
            throw new DataException($"{path}: {(at > file.Length ? "cut short" : "too long")}: {at} bytes expected, " +
                $"found {file.Length}");
        return tensors;
    }

    /// <summary>Bytes an element takes.</summary>
    static int? WidthOf(string dtype) => dtype switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => null,
    };

    static Dictionary<string, TensorInfo> Parse(byte[] header, long data, string path)
    {
        var tensors = new Dictionary<string, TensorInfo>();
        using JsonDocument tree = JsonDocument.Parse(header);
        foreach (JsonProperty entry in tree.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__") continue;
            string dtype = entry.Value.GetProperty("dtype").GetString() ?? "";
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            long[] place = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt64())];
            if (place is not [long begin, long end])
                throw new DataException($"{path}: '{entry.Name}' has {place.Length} data_offsets, not two");
            int width = WidthOf(dtype) ?? throw new DataException($"{path}: '{entry.Name}' has the unknown type '{dtype}'");
            var tensor = new TensorInfo(entry.Name, dtype, shape, checked(data + begin), checked(data + end));
            if (begin < 0 || shape.Any(d => d < 0) || end - begin != checked(tensor.Count * width))
                throw new DataException($"{path}: '{entry.Name}' {tensor.ShapeText} of {dtype} does not take " +
                    $"{end - begin} bytes");
            if (!tensors.TryAdd(entry.Name, tensor))
                throw new DataException($"{path}: '{entry.Name}' stands twice in the header");
        }
        return tensors;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();
}

/// <summary>
/// The header of an F32 safetensors file whose tensors follow one another in the order given; made once, written many times.
/// </summary>
sealed class SafetensorsHeader
{
    public SafetensorsHeader(IEnumerable<(string Name, int[] Shape)> tensors)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            foreach ((string name, int[] shape) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int d in shape) json.WriteNumberValue(d);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(DataBytes);
                DataBytes += shape.Aggregate(4L, (n, d) => n * d);
                json.WriteNumberValue(DataBytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (text.Length % 8 != 0) text.WriteByte((byte)' ');   // so that the data is aligned
        Bytes = new byte[8 + text.Length];
        BinaryPrimitives.WriteInt64LittleEndian(Bytes, text.Length);
        text.ToArray().CopyTo(Bytes, 8);
    }

    /// <summary>Length, header, padding.</summary>
    public byte[] Bytes { get; }

    /// <summary>Bytes of all tensors.</summary>
    public long DataBytes { get; }

    /// <summary>Bytes of the file.</summary>
    public long FileBytes => Bytes.Length + DataBytes;
}
