using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Web.Pages;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>web/src/api.ts holds the records that go between the pages and the server, as they are here.</summary>
public sealed class TypeScriptTests
{
    const string File = "web/src/api.ts";

    [Fact]
    public void The_types_of_the_pages_are_the_records()
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (CustomAttributeData root in typeof(PagesJson).GetCustomAttributesData())
            if (root.AttributeType == typeof(JsonSerializableAttribute)) Of((Type)root.ConstructorArguments[0].Value!, all);
        var text = new StringBuilder("// Written from the records of src/Isoflop.Web by TypeScriptTests; ISOFLOP_REWRITE=1 writes it anew.\n");
        foreach (string type in all.Values) text.Append(type);
        Docs.Pages.Hold(File, text.ToString());
    }

    /// <summary>The type's name in TypeScript; records are added as interfaces.</summary>
    static string Of(Type type, SortedDictionary<string, string> all)
    {
        if (Nullable.GetUnderlyingType(type) is { } value) return $"{Of(value, all)} | null";
        if (type == typeof(string) || type == typeof(DateTime)) return "string";
        if (type == typeof(bool)) return "boolean";
        if (type == typeof(int) || type == typeof(long) || type == typeof(double) || type == typeof(float)) return "number";
        if (type.IsArray) return ArrayOf(Of(type.GetElementType()!, all));
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return ArrayOf(Of(type.GetGenericArguments()[0], all));
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
            return $"Record<{Of(type.GetGenericArguments()[0], all)}, {Of(type.GetGenericArguments()[1], all)}>";
        Assert.True(type.Namespace!.StartsWith("Isoflop.Web", StringComparison.Ordinal), $"{type}: has no type in {File}");
        if (all.ContainsKey(type.Name)) return type.Name;
        all.Add(type.Name, "");
        var nullable = new NullabilityInfoContext();
        var text = new StringBuilder($"\nexport interface {type.Name} {{\n");
        foreach (PropertyInfo p in type.GetProperties().Where(p => p.GetMethod!.IsPublic && !p.GetMethod.IsStatic))
        {
            string own = Of(p.PropertyType, all);
            if (!p.PropertyType.IsValueType && nullable.Create(p).ReadState == NullabilityState.Nullable) own += " | null";
            text.Append($"    {JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name)}: {own};\n");
        }
        all[type.Name] = text.Append("}\n").ToString();
        return type.Name;
    }

    static string ArrayOf(string element) => element.Contains(' ') ? $"({element})[]" : $"{element}[]";
}
