using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Security;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Thinking;
using Isoflop.Tasks;

namespace Isoflop.Cli;

/// <summary>
/// <c>--plugin</c>: loads a user's assembly, or builds one from a single C# file, and registers what it holds. The same content
/// is loaded once.
/// </summary>
static class PluginLoader
{
    static readonly HashSet<string> loaded = [];
    static readonly Lock gate = new();

    // What a plugin is compiled against, and shares with this program.
    static readonly string[] shared = ["Isoflop.Core", "Isoflop.Tasks", "Isoflop.Lab"];

    // Names that a single file need not bring in.
    static readonly string[] names =
        ["Isoflop", "Isoflop.Tasks", "Isoflop.Lab.Laws", "Isoflop.Lab.Replies", "Isoflop.Lab.Thinking"];

    /// <param name="home">keeps what was built</param> <param name="error">compile errors go there, as they come</param>
    /// <exception cref="ConfigException">It cannot be read, does not compile, registers nothing, or a name that is
    /// taken.</exception>
    public static void Load(string file, string home, TextWriter error)
    {
        if (!RuntimeFeature.IsDynamicCodeSupported)
            throw new ConfigException($"--plugin {file}: this isoflop is compiled ahead of time and loads none; use the one " +
                "installed by dotnet, or a family of cmd:PROGRAM");
        string path = Path.GetFullPath(file), kind = Path.GetExtension(path).ToLowerInvariant();
        if (kind is not (".cs" or ".dll")) throw new ConfigException($"--plugin {file}: must be a .cs or a .dll");
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"--plugin {file}: cannot be read: {e.Message}");
        }
        string hash = $"{XxHash3.HashToUInt64(content):x16}";
        lock (gate)
        {
            if (loaded.Contains(hash)) return;
            Register(file, kind == ".dll" ? path : Built(file, path, hash, home, error), hash);
            loaded.Add(hash);
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "never reached in a trimmed program")]
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "never reached in a trimmed program")]
    static void Register(string file, string path, string hash)
    {
        int count = 0;
        try
        {
            Assembly assembly = new Context(path).LoadFromAssemblyPath(path);
            Plugins.Add(assembly, Path.GetFileName(file), hash);
            foreach (Type type in assembly.GetExportedTypes())
            {
                if (type.IsAbstract || type.GetConstructor(Type.EmptyTypes) is null) continue;
                bool ours = true;
                if (type.IsSubclassOf(typeof(TaskFamily))) TaskFamilies.Register((TaskFamily)Activator.CreateInstance(type)!);
                else if (type.IsAssignableTo(typeof(IStrategy))) Strategies.Register((IStrategy)Activator.CreateInstance(type)!);
                else if (type.IsAssignableTo(typeof(IReward))) Rewards.Register((IReward)Activator.CreateInstance(type)!);
                else if (type.IsSubclassOf(typeof(LawForm))) LawForms.Register((LawForm)Activator.CreateInstance(type)!);
                else ours = false;
                if (ours) count++;
            }
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException or FileNotFoundException
            or TypeLoadException or TargetInvocationException)
        {
            throw new ConfigException($"--plugin {file}: cannot be loaded: {(e.InnerException ?? e).Message}");
        }
        if (count == 0)
            throw new ConfigException($"--plugin {file}: holds no public class with a constructor without arguments that is a " +
                "TaskFamily, IStrategy, LawForm or IReward");
    }

    /// <summary>Resolves a plugin's own packages beside it, and everything of ours and the runtime's to what runs.</summary>
    sealed class Context(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        readonly AssemblyDependencyResolver beside = new(path);

        protected override Assembly? Load(AssemblyName name) =>
            Default.Assemblies.Any(a => a.GetName().Name == name.Name) || shared.Contains(name.Name) ? null
            : beside.ResolveAssemblyToPath(name) is { } own ? LoadFromAssemblyPath(own) : null;
    }

    /// <summary>The assembly of a C# file, built once for its content and this program.</summary>
    static string Built(string file, string path, string hash, string home, TextWriter error)
    {
        string program = typeof(PluginLoader).Assembly.ManifestModule.ModuleVersionId.ToString("N")[..8];
        string name = Path.GetFileNameWithoutExtension(path), folder = Path.GetFullPath(Path.Combine(home, "plugins"));
        string kept = Path.Combine(folder, $"{hash}-{program}"), assembly = Path.Combine(kept, name + ".dll");
        if (File.Exists(assembly)) return assembly;
        string ours = AppContext.BaseDirectory;
        if (!shared.All(s => File.Exists(Path.Combine(ours, s + ".dll"))))
            throw new ConfigException($"--plugin {file}: this isoflop is one file, nothing can be built against it; give a .dll");
        string site = Path.Combine(folder, $"building-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(site);
            File.WriteAllText(Path.Combine(site, "plugin.csproj"), Project(name, path, ours));
            Build(file, site, error);
            try
            {
                Directory.Move(Path.Combine(site, "out"), kept);
            }
            catch (IOException) when (File.Exists(assembly)) { }                 // another process was faster
            return assembly;
        }
        finally
        {
            if (Directory.Exists(site)) Directory.Delete(site, recursive: true);
        }
    }

    static string Project(string name, string path, string ours) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
            <AssemblyName>{SecurityElement.Escape(name)}</AssemblyName>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <EnableDefaultItems>false</EnableDefaultItems>
            <OutputPath>out</OutputPath>
            <AppendTargetFrameworkToOutputPath>false</AppendTargetFrameworkToOutputPath>
            <InvariantGlobalization>true</InvariantGlobalization>
          </PropertyGroup>
          <ItemGroup>
            <Compile Include="{SecurityElement.Escape(path)}" />
            {string.Concat(names.Select(n => $"<Using Include=\"{n}\" />"))}
            {string.Concat(shared.Select(s =>
                $"<Reference Include=\"{s}\"><HintPath>{SecurityElement.Escape(Path.Combine(ours, s + ".dll"))}</HintPath>" +
                "<Private>false</Private></Reference>"))}
          </ItemGroup>
        </Project>
        """;

    static void Build(string file, string site, TextWriter error)
    {
        // Nothing of the folders above the home takes part.
        string[] words = ["build", "plugin.csproj", "-c", "Release", "--nologo", "-v", "quiet", "-clp:NoSummary",
            "-p:ImportDirectoryBuildProps=false", "-p:ImportDirectoryBuildTargets=false",
            "-p:ImportDirectoryPackagesProps=false", "-nodeReuse:false", "-p:UseSharedCompilation=false"];
        var start = new ProcessStartInfo("dotnet", words)
        {
            WorkingDirectory = site,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process build = Process.Start(start)!;
            Task<string> complaints = build.StandardError.ReadToEndAsync();
            string said = build.StandardOutput.ReadToEnd() + complaints.Result;
            build.WaitForExit();
            if (build.ExitCode == 0) return;
            string project = $" [{Path.Combine(site, "plugin.csproj")}]";
            string[] lines = [.. said.Split('\n').Select(l => l.Replace(project, "").Trim()).Where(l => l.Contains(": error "))
                .Distinct()];
            foreach (string line in lines.Length > 0 ? lines : said.Split('\n')) error.WriteLine(line);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new ConfigException($"--plugin {file}: is built by the .NET SDK, and there is no 'dotnet' here; install the " +
                "SDK, or give a .dll");
        }
        throw new ConfigException($"--plugin {file}: does not compile: see above");
    }
}
