namespace Isoflop.Tests;

/// <summary>Where things outside the test project lie.</summary>
static class Places
{
    /// <summary>The project's root, found from the test binary.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Fixtures that do not travel with the project: beside its root.</summary>
    public static string SharedFolder(string name) => Path.GetFullPath(Path.Combine(Root, "..", "shared", name));

    static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Isoflop.slnx"))) return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
