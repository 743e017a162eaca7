using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Isoflop.Tests.Docs;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests;

/// <summary>What others build on: few types, each explained, none changed by accident.</summary>
public sealed partial class PublicSurfaceTests
{
    static readonly (Assembly Assembly, int Most)[] libraries =
        [(typeof(ConfigException).Assembly, 62), (typeof(Isoflop.Cuda.Cards).Assembly, 1), (typeof(Isoflop.Tasks.TaskFamily).Assembly, 20), (typeof(Lab.Laws.Law).Assembly, 81)];

    const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    [Fact]
    public void The_public_surface_is_the_one_that_was_agreed_on()
    {
        var text = new StringBuilder();
        foreach ((Assembly assembly, int most) in libraries)
        {
            Type[] types = [.. assembly.GetExportedTypes().Where(t => !t.IsNested).OrderBy(t => t.FullName, StringComparer.Ordinal)];
            Assert.True(types.Length <= most, $"{assembly.GetName().Name} has {types.Length} public types, at most {most} are agreed on");
            text.Append($"# {assembly.GetName().Name}: {types.Length} types\n");
            foreach (Type type in types)
            {
                text.Append($"\n{type.FullName}\n");
                foreach (string member in Members(type).Select(Shown).Distinct().Order(StringComparer.Ordinal)) text.Append($"    {member}\n");
            }
            text.Append('\n');
        }
        Pages.Hold("tests/Isoflop.Tests/PublicSurface.txt", text.ToString());
    }

    [Fact]
    public void Every_public_type_and_member_is_explained()
    {
        List<string> bare = [];
        foreach ((Assembly assembly, _) in libraries)
        {
            string file = Path.ChangeExtension(assembly.Location, ".xml");
            HashSet<string> explained = [.. XDocument.Load(file).Descendants("member").Where(m => m.HasElements)
                .Select(m => Signature().Replace(m.Attribute("name")!.Value[2..], ""))];
            foreach (Type type in assembly.GetExportedTypes())
            {
                string name = type.FullName!.Replace('+', '.');
                if (!explained.Contains(name)) bare.Add(name);
                bool positional = explained.Contains($"{name}.#ctor");
                foreach (MemberInfo member in Members(type))
                    if (member is not ConstructorInfo && !explained.Contains($"{name}.{member.Name}") && !positional
                        && member.GetCustomAttribute<SettingAttribute>() is null && !Inherited(member)) bare.Add($"{name}.{member.Name}");
            }
        }
        Assert.True(bare.Count == 0, string.Join(Environment.NewLine, bare.Distinct()));
    }

    [Fact]
    public void Messages_of_the_library_name_settings_not_options_of_the_command()
    {
        List<string> wrong = [];
        foreach (string project in (string[])["Isoflop", "Isoflop.Tasks", "Isoflop.Lab"])
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Places.Root, "src", project), "*.cs", SearchOption.AllDirectories))
                foreach (string line in File.ReadLines(file))
                    if (!line.TrimStart().StartsWith("//", StringComparison.Ordinal) && Option().IsMatch(line)
                        && !line.Contains("isoflop ", StringComparison.Ordinal)) wrong.Add($"{Path.GetFileName(file)}: {line.Trim()}");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    /// <summary>What a user of the type can call, and what one who derives from it can override.</summary>
    static IEnumerable<MemberInfo> Members(Type type) => type.GetMembers(Declared).Where(m => m switch
    {
        MethodInfo method => Seen(method) && !method.IsSpecialName && !Compiler(method),
        ConstructorInfo made => Seen(made) && !(typeof(Delegate).IsAssignableFrom(type) || type.IsAbstract),
        PropertyInfo property => property.GetAccessors(true).Any(Seen) && property.Name != "EqualityContract",
        FieldInfo field => (field.IsPublic || field.IsFamily) && !field.IsSpecialName,
        _ => false,
    });

    static bool Seen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // Of records, and what every object has.
    static bool Compiler(MethodInfo method) => method.Name is "Equals" or "GetHashCode" or "ToString" or "PrintMembers" or "Deconstruct"
        or "<Clone>$" or "Invoke" or "BeginInvoke" or "EndInvoke" || method.Name.StartsWith("op_", StringComparison.Ordinal);

    static bool Inherited(MemberInfo member)
    {
        if (member is MethodInfo { Name: "Dispose" }) return true;
        MethodInfo? method = member as MethodInfo ?? (member as PropertyInfo)?.GetAccessors(true).FirstOrDefault();
        return method is not null && (method.GetBaseDefinition().DeclaringType != method.DeclaringType
            || method.DeclaringType!.GetInterfaces().Any(i => !method.DeclaringType.IsInterface
                && method.DeclaringType.GetInterfaceMap(i).TargetMethods.Contains(method)));
    }

    static string Shown(MemberInfo member) => member switch
    {
        ConstructorInfo c => $"new({string.Join(", ", c.GetParameters().Select(p => $"{Short(p.ParameterType)} {p.Name}"))})",
        MethodInfo m => $"{Short(m.ReturnType)} {m.Name}({string.Join(", ", m.GetParameters().Select(p => $"{Short(p.ParameterType)} {p.Name}"))})",
        PropertyInfo p => $"{Short(p.PropertyType)} {p.Name} {{ get;{(p.SetMethod is { } s && Seen(s) ? " set;" : "")} }}",
        FieldInfo f => $"{Short(f.FieldType)} {f.Name}",
        _ => member.Name,
    };

    static string Short(Type type) => type.IsByRef ? "ref " + Short(type.GetElementType()!)
        : type.IsArray ? Short(type.GetElementType()!) + "[]"
        : type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Short))}>" : type.Name;

    [GeneratedRegex(@"\(.*|``\d+")]
    private static partial Regex Signature();

    [GeneratedRegex("\"[^\"]*(?<![-\\w+])--[a-z][^\"]*\"")]
    private static partial Regex Option();
}
