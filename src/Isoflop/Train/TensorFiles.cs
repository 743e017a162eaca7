using System.Text.Json;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>Tensors of one safetensors file, or of the several that an index names.</summary>
sealed class TensorFiles : IDisposable
{
    const string IndexSuffix = ".index.json";

    readonly string path;
    readonly List<SafetensorsFile> files = [];
    readonly Dictionary<string, (SafetensorsFile File, TensorInfo Tensor)> tensors = [];

    /// <summary>Their names.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>Opens a file, or where it is not there the files of the index beside it.</summary>
    /// <exception cref="DataException">One is missing or broken.</exception>
    public TensorFiles(string path)
    {
        this.path = path;
        try
        {
            foreach (string file in FilesOf(path))
                if (!file.EndsWith(IndexSuffix, StringComparison.Ordinal)) Add(file);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    void Add(string file)
    {
        var open = SafetensorsFile.Open(file);
        files.Add(open);
        foreach (TensorInfo tensor in open.Tensors.Values)
            if (!tensors.TryAdd(tensor.Name, (open, tensor)))
                throw new DataException($"{file}: '{tensor.Name}' stands in {tensors[tensor.Name].File.Path} too");
    }

    /// <summary>The file alone, or the index and the files that it names.</summary>
    /// <exception cref="DataException">There is neither; the index is broken or names what is not there.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        string index = path + IndexSuffix, folder = Path.GetDirectoryName(path) ?? "";
        if (File.Exists(path)) return [path];
        if (!File.Exists(index)) throw new DataException($"{path}: cannot be read: it is not there{Instead(folder)}");
        byte[] json = File.ReadAllBytes(index);
        LfsPointer.Refuse(index, json);
        JsonElement root = ForeignJson.Parse(json, index);
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out JsonElement map)
            || map.ValueKind != JsonValueKind.Object
            || map.EnumerateObject().Any(t => t.Value.ValueKind != JsonValueKind.String))
            throw new DataException($"{index}: must hold a weight_map of tensors and files");
        string[] names = [.. map.EnumerateObject().Select(t => t.Value.GetString()!).Distinct().Order(StringComparer.Ordinal)];
        foreach (string name in names)
        {
            if (name != Path.GetFileName(name) || name is "" or "." or "..")
                throw new DataException($"{index}: names '{name}', which is no file beside it");
            if (!File.Exists(Path.Combine(folder, name)))
                throw new DataException($"{Path.Combine(folder, name)}: is not there, but {Path.GetFileName(index)} names it");
        }
        return [index, .. names.Select(n => Path.Combine(folder, n))];
    }

    /// <summary>What lies there in place of safetensors.</summary>
    static string Instead(string folder)
    {
        string? other = !Directory.Exists(folder) ? null
            : Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)
                .FirstOrDefault(f => Path.GetExtension(f) is ".bin" or ".gguf" or ".pt" or ".pth" or ".h5" or ".safetensors");
        return other is null ? "" : $"; {other} is: this program reads safetensors under that name, or with an index";
    }

    /// <summary>The tensor of this name and shape.</summary>
    /// <exception cref="DataException">It is missing, or of another shape.</exception>
    public (SafetensorsFile File, TensorInfo Tensor) Find(string name, params ReadOnlySpan<long> shape)
    {
        if (!tensors.TryGetValue(name, out (SafetensorsFile File, TensorInfo Tensor) found))
            throw new DataException($"{path}: there is no tensor '{name}'{Alike(name)}");
        if (!found.Tensor.Shape.SequenceEqual(shape.ToArray()))
            throw new DataException($"{found.File.Path}: '{name}' is {found.Tensor.ShapeText} in the file, the model's " +
                $"settings say [{string.Join(", ", shape.ToArray())}]");
        return found;
    }

    /// <summary>The same tensor under a longer or shorter name: of a base model, of a wrapped one.</summary>
    string Alike(string name)
    {
        string? other = tensors.Keys.Where(n => n.EndsWith('.' + name, StringComparison.Ordinal)
            || name.EndsWith('.' + n, StringComparison.Ordinal)).Min(StringComparer.Ordinal);
        return other is null ? "" : $", but there is '{other}': save the whole model, by its published names";
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => files.ForEach(f => f.Dispose());
}
