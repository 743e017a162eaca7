using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Isoflop.Lab.Corpora;

/// <summary>Turns the ids of XML documentation (<c>M:System.Collections.BitArray.And(System.Collections.BitArray)</c>) into
/// names.</summary>
sealed class MemberNames
{
    readonly string[] typeParameters;

    /// <summary>As one writes it in C#: <c>List&lt;T&gt;</c>.</summary>
    public string TypeName { get; }
    public string Namespace { get; }

    /// <param name="type">full name with arity, such as System.Collections.Generic.List`1</param>
    /// <param name="own">the type's documentation, for the names of its parameters</param>
    public MemberNames(string type, XElement? own)
    {
        int dot = type.LastIndexOf('.');
        (string name, int arity) = SplitArity(type[(dot + 1)..]);
        Namespace = dot < 0 ? "" : type[..dot];
        typeParameters = Parameters(own, arity);
        TypeName = name + Generic(typeParameters);
    }

    /// <summary>The heading of a member: <c>BitArray.And(BitArray)</c>.</summary>
    public string Heading(string id, XElement member)
    {
        string path = id[2..], arguments = "", converted = "";
        int tilde = path.LastIndexOf('~');
        if (tilde >= 0) (path, converted) = (path[..tilde], path[(tilde + 1)..]);
        int open = path.IndexOf('(');
        if (open >= 0) (path, arguments) = (path[..open], path[(open + 1)..^1]);
        (string name, int arity) = SplitArity(path[(path.LastIndexOf('.') + 1)..]);
        string[] own = Parameters(member, arity);
        string list = string.Join(", ", SplitTop(arguments).Select(a => TypeText(a, own)));
        if (name.Contains('#') && name[0] != '#')                // an explicit implementation: System#IDisposable#Dispose
        {
            int last = name.LastIndexOf('#');
            string face = TypeText(name[..last].Replace('#', '.').Replace('@', ','), own);
            return $"{face}.{name[(last + 1)..]}{(id[0] == 'M' ? $"({list})" : "")} of {TypeName}";
        }
        return (id[0], name) switch
        {
            (_, "#ctor") => $"new {TypeName}({list})",
            (_, "#cctor") => $"static {TypeName}()",
            (_, "op_Implicit") => $"implicit conversion from {list} to {TypeText(converted, own)}",
            (_, "op_Explicit") => $"explicit conversion from {list} to {TypeText(converted, own)}",
            ('M', _) when Operator(name) is { } sign => $"{TypeName} operator {sign} ({list})",
            ('P', "Item") when list.Length > 0 => $"{TypeName}[{list}]",
            ('M', _) => $"{TypeName}.{name}{Generic(own)}({list})",
            _ => $"{TypeName}.{name}",
        };
    }

    /// <summary>How prose calls what a cref points at: a type by its name, a member with its type in front.</summary>
    public static string Short(string cref)
    {
        char kind = cref.Length > 2 && cref[1] == ':' ? cref[0] : 'T';
        string path = cref.Length > 2 && cref[1] == ':' ? cref[2..] : cref;
        int end = path.AsSpan().IndexOfAny('(', '~');
        if (end >= 0) path = path[..end];
        if (kind == 'N') return path;
        string[] parts = path.Split('.');
        (string last, int arity) = SplitArity(parts[^1]);
        if (kind is 'T' or '!' || parts.Length < 2) return last + (kind == 'T' ? Generic(Parameters(null, arity)) : "");
        string type = SplitArity(parts[^2]).Name;
        return last is "#ctor" ? type : $"{type}.{last[(last.LastIndexOf('#') + 1)..]}";
    }

    static (string Name, int Arity) SplitArity(string name)
    {
        int tick = name.IndexOf('`');
        if (tick < 0) return (name, 0);
        return (name[..tick], int.TryParse(name.AsSpan(tick).TrimStart('`'), CultureInfo.InvariantCulture, out int n) ? n : 0);
    }

    static string[] Parameters(XElement? documented, int arity)
    {
        if (arity == 0) return [];
        string[] named = [.. documented?.Elements("typeparam").Select(t => t.Attribute("name")?.Value ?? "T") ?? []];
        return named.Length == arity ? named : arity == 1 ? ["T"] : [.. Enumerable.Range(1, arity).Select(i => "T" + i)];
    }

    static string Generic(string[] parameters) => parameters.Length == 0 ? "" : $"<{string.Join(", ", parameters)}>";

    /// <summary>System.Func{`0,System.Int32[]} → Func&lt;T, Int32[]&gt;</summary>
    string TypeText(string type, string[] own)
    {
        type = type.TrimEnd('@');                               // by reference: in, out or ref, the id does not say which
        int brace = type.IndexOf('{');
        if (brace >= 0 && type.LastIndexOf('}') is var close && close > brace)
        {
            string inner = string.Join(", ", SplitTop(type[(brace + 1)..close]).Select(a => TypeText(a, own)));
            return $"{type[..brace].Split('.')[^1]}<{inner}>{type[(close + 1)..]}";
        }
        string last = type.Split('.')[^1].Replace("[0:,0:]", "[,]").Replace("[0:,0:,0:]", "[,,]");
        if (!last.StartsWith('`')) return last;
        string[] from = last.StartsWith("``", StringComparison.Ordinal) ? own : typeParameters;
        string digits = new([.. last.TrimStart('`').TakeWhile(char.IsAsciiDigit)]);
        string rest = last.TrimStart('`')[digits.Length..];
        return (int.TryParse(digits, CultureInfo.InvariantCulture, out int i) && i < from.Length ? from[i] : "T") + rest;
    }

    /// <summary>Splits at the commas outside of braces and brackets.</summary>
    static IEnumerable<string> SplitTop(string list)
    {
        int depth = 0;
        var part = new StringBuilder();
        foreach (char c in list)
        {
            depth += c is '{' or '[' or '(' ? 1 : c is '}' or ']' or ')' ? -1 : 0;
            if (c == ',' && depth == 0)
            {
                yield return part.ToString();
                part.Clear();
            }
            else
            {
                part.Append(c);
            }
        }
        if (part.Length > 0) yield return part.ToString();
    }

    static string? Operator(string name) => name switch
    {
        "op_Addition" or "op_UnaryPlus" => "+",
        "op_Subtraction" or "op_UnaryNegation" => "-",
        "op_Multiply" => "*",
        "op_Division" => "/",
        "op_Modulus" => "%",
        "op_Equality" => "==",
        "op_Inequality" => "!=",
        "op_LessThan" => "<",
        "op_GreaterThan" => ">",
        "op_LessThanOrEqual" => "<=",
        "op_GreaterThanOrEqual" => ">=",
        "op_BitwiseAnd" => "&",
        "op_BitwiseOr" => "|",
        "op_ExclusiveOr" => "^",
        "op_OnesComplement" => "~",
        "op_LogicalNot" => "!",
        "op_LeftShift" => "<<",
        "op_RightShift" => ">>",
        "op_UnsignedRightShift" => ">>>",
        "op_Increment" => "++",
        "op_Decrement" => "--",
        _ => null,
    };
}
