using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Isoflop.Tests.Cuda;

/// <summary>
/// PTX as C++ that cuda_host.h runs, register for register: a kernel as a card is given it, with the inline assembly that the kernel's
/// own source leaves out on a host. What instructions do is in ptx_host.h.
/// </summary>
/// <remarks>As much of the language as clang writes for these kernels; all else is an error. PTX ISA 8.0.</remarks>
static partial class PtxOnHost
{
    // Of one type, which comes last in their names: results and operands are of it.
    static readonly HashSet<string> plain =
        ["add", "sub", "mul", "mad", "div", "rem", "min", "max", "neg", "not", "and", "or", "xor", "shl", "shr", "fma", "sqrt", "rcp", "bfe"];

    // What names say beside what is done and its types; rounding is to the nearest, overflow of integers wraps.
    static readonly HashSet<string> modes = ["rn", "lo", "global", "shared", "param", "v2", "v4",
        "eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu"];

    // What orders memory, where the host has one order.
    static readonly HashSet<string> orders =
        ["fence.proxy.async.shared::cta", "fence.proxy.async.global", "fence.mbarrier_init.release.cluster"];

    [GeneratedRegex(@"//[^\n]*")] private static partial Regex Comment();
    [GeneratedRegex(@"\.entry (\w+)\(\s*\.param \.align (\d+) \.b8 \w+\[(\d+)\]\s*\)\s*\.maxntid (\d+), 1, 1\s*\{")] private static partial Regex Entry();
    [GeneratedRegex(@"\G\s*([$\w]+):(?!:)")] private static partial Regex Label();
    [GeneratedRegex(@"^\.reg \.(\w+)\s+%?(\w+)(?:<(\d+)>)?$")] private static partial Regex Registers();
    [GeneratedRegex(@"^(?:@(!?)%?(\w+)\s+)?([\w.:]+)\s*(.*)$", RegexOptions.Singleline)] private static partial Regex Instruction();

    /// <summary>All kernels of a module.</summary>
    /// <exception cref="FormatException">Something that clang has not written for these kernels before.</exception>
    public static string Translate(string ptx)
    {
        ptx = Comment().Replace(ptx, "");
        var cpp = new StringBuilder();
        if (ptx.Contains(".target sm_90a", StringComparison.Ordinal)) cpp.AppendLine("#include \"hopper.h\"");
        cpp.AppendLine("#include \"ptx_host.h\"");
        foreach (Match entry in Entry().Matches(ptx))
            Kernel(cpp, entry.Groups[1].Value, entry.Groups[2].Value, entry.Groups[3].Value, entry.Groups[4].Value, ptx, entry.Index + entry.Length);
        return cpp.ToString();
    }

    static void Kernel(StringBuilder cpp, string name, string alignment, string bytes, string threads, string ptx, int at)
    {
        var registers = new StringBuilder();
        var body = new StringBuilder();
        int depth = 1, site = 0;
        while (depth > 0)
        {
            while (char.IsWhiteSpace(ptx[at])) at++;
            if (Label().Match(ptx, at) is { Success: true } label)
            {
                body.AppendLine($"{Name(label.Groups[1].Value)}:;");
                at = label.Index + label.Length;
                continue;
            }
            if (ptx[at] is '{' or '}')
            {
                depth += ptx[at] == '{' ? 1 : -1;
                if (depth > 0) body.AppendLine(ptx[at].ToString());
                at++;
                continue;
            }
            int end = ptx.IndexOf(';', at);
            string statement = ptx[at..end].Trim();
            at = end + 1;
            if (statement.StartsWith(".pragma", StringComparison.Ordinal)) continue;
            if (Registers().Match(statement) is { Success: true } declared)
            {
                string type = Type(declared.Groups[1].Value), of = declared.Groups[2].Value;
                if (!declared.Groups[3].Success) body.AppendLine($"{type} {of};");
                else
                    for (int i = 1; i < int.Parse(declared.Groups[3].Value, CultureInfo.InvariantCulture); i++)
                        registers.AppendLine($"{type} {of}{i};");
            }
            else body.AppendLine(Statement(statement, ++site));
        }
        cpp.AppendLine(CultureInfo.InvariantCulture, $$"""
            namespace { namespace of_{{name}} {
            const int bytes = {{bytes}};
            void body(const void* args)
            {
            host::Block* const block = host::current();
            const ptx::Given given = { block->shared, (unsigned long long)block->sharedBytes, (unsigned long long)args, bytes };
            const int thread = block->thread, threads = block->threads;
            ptx::check(threads <= {{threads}}, "more threads than the kernel says");
            {{registers}}{{body}}}
            } }
            EXPORT const char* {{name}}(const host::Shape* shape, const void* args)
            {
            alignas({{alignment}}) char own[of_{{name}}::bytes];
            memcpy(own, args, sizeof(own));
            return host::launch(*shape, of_{{name}}::body, own);
            }
            EXPORT int {{name}}_bytes() { return of_{{name}}::bytes; }
            """);
    }

    static string Statement(string text, int site)
    {
        Match match = Instruction().Match(text);
        if (!match.Success) throw new FormatException($"not an instruction: {text}");
        string said = Operation(match.Groups[3].Value, Split(match.Groups[4].Value), site);
        return match.Groups[2].Success ? $"if ({match.Groups[1].Value}{match.Groups[2].Value}) {said}" : said;
    }

    static string Operation(string operation, List<string> given, int site)
    {
        string[] parts = operation.Split('.');
        string type = Type(parts[^1]);
        string At(int i) => Value(given[i]);
        string In(int i, string of) => $"ptx::in<{of}>({Value(given[i])})";
        string Put(string of, string value) => $"ptx::put<{of}>({Value(given[0])}, {value});";
        string Whole(string call) => $"{{ ptx::together({site}); {call}; }}";
        string first = parts[0];
        if (orders.Contains(operation)) return ";";
        switch (operation)
        {
            case "ret": return "return;";
            case "bra" or "bra.uni": return $"goto {Name(given[0])};";
            case "bar.sync": return Whole($"ptx::bar_sync({string.Join(", ", given.Select(Value))})");
            case "bar.warp.sync": return Whole("warp_barrier()");
            case "shfl.sync.bfly.b32": return Whole($"ptx::shfl_bfly({Values(given)})");
            case "vote.sync.ballot.b32": return Whole($"ptx::vote_ballot({Values(given)})");
            case "ldmatrix.sync.aligned.m8n8.x4.shared.b16": return Whole($"ptx::ldmatrix<false>({Values(given)})");
            case "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16": return Whole($"ptx::ldmatrix<true>({Values(given)})");
            case "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32": return Whole($"ptx::mma({Values(given)})");
            case "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16":
                return Whole($"ptx::wgmma({Values(given[1..])}, {Values(given[..1])})");
            case "wgmma.fence.sync.aligned": return Whole("warp_barrier(), products_begin()");
            case "wgmma.commit_group.sync.aligned": return Whole("warp_barrier(), products_commit()");
            case "wgmma.wait_group.sync.aligned": return Whole($"warp_barrier(), ptx::wgmma_wait({At(0)})");
            case "mbarrier.init.shared::cta.b64": return $"event_make(ptx::event_at({At(0)}), {At(1)});";
            case "mbarrier.arrive.shared::cta.b64": return $"event_arrive(ptx::event_at({At(1)}));";
            case "mbarrier.arrive.expect_tx.shared::cta.b64": return $"event_expect(ptx::event_at({At(1)}), {At(2)});";
            case "mbarrier.try_wait.parity.shared::cta.b64": return $"ptx::mbarrier_try_wait({Values(given)});";
            case "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes": return $"ptx::bulk_copy({Values(given)});";
            case "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster":
                return $"ptx::bulk_copy_to({At(3)}, {Values(given[..3])});";
            case "mapa.shared::cluster.u32": return $"{At(0)} = ptx::mapa({At(1)}, {At(2)});";
            case "mbarrier.arrive.shared::cluster.b64": return $"ptx::mbarrier_arrive({At(1)});";
            case "barrier.cluster.arrive.release.aligned": return Whole("warp_barrier(), cluster_barrier()");
            case "barrier.cluster.wait.acquire.aligned": return Whole("warp_barrier()");
            case "atom.acq_rel.gpu.global.inc.u32": return $"{At(0)} = count_up((unsigned*){At(1)}, {At(2)});";
            case "ex2.approx.ftz.f32": return $"{At(0)} = power_of_two({At(1)});";
            case "cvt.rn.bf16x2.f32": return $"{At(0)} = pack_bf16({At(2)}, {At(1)});";
            case "cvta.shared.u64": return $"{At(0)} = (unsigned long long)given.shared + {At(1)};";
            case "cvta.to.shared.u64": return $"{At(0)} = {At(1)} - (unsigned long long)given.shared;";
            case "cvta.global.u64" or "cvta.to.global.u64" or "cvta.param.u64": return $"{At(0)} = {At(1)};";
            case "mul.wide.u16": return $"{At(0)} = (uint32_t){In(1, type)} * {In(2, type)};";
            case "mul.wide.s32": return Put("long long", $"(long long){In(1, type)} * {In(2, type)}");
            case "mul.wide.u32": return Put("unsigned long long", $"(unsigned long long){In(1, type)} * {In(2, type)}");
        }
        if (type == "" || !parts[1..].All(p => modes.Contains(p) || Type(p) != "")) throw new FormatException($"an instruction that is not known: {operation}");
        if (plain.Contains(first))
        {
            // Without its rounding a sum may be fused with a product; of numbers, min and max have rules of their own, bfe of signed ones too.
            if ((type is "float" or "double" && first != "neg" && !parts.Contains("rn")) || (first == "bfe" && parts[1][0] == 's'))
                throw new FormatException($"an instruction that is not known: {operation}");
            IEnumerable<string> operands = given.Skip(1).Select((_, i) => In(i + 1, first is "shl" or "shr" or "bfe" && i > 0 ? "uint32_t" : type));
            return Put(type, $"ptx::{(first is "not" or "and" or "or" or "xor" ? first + "_" : first)}({string.Join(", ", operands)})");
        }
        switch (first)
        {
            case "mov" when given[0].StartsWith('{'):
                return $"ptx::unpack({At(1)}, {At(0)});";
            case "mov" when given[1].StartsWith('{'):
                return $"{At(0)} = ptx::pack({At(1)});";
            case "mov": return Put(type, In(1, type));
            case "selp": return Put(type, $"{At(3)} ? {In(1, type)} : {In(2, type)}");
            case "setp": return $"{At(0)} = ptx::{parts[1]}({In(1, type)}, {In(2, type)});";
            case "popc": return $"{At(0)} = ptx::popc({In(1, type)});";
            case "cvt":
                string to = Type(parts[^2]);
                return Put(to, $"({to}){In(1, type)}");
            case "ld" or "st":
                string space = parts[1] switch { "global" => "Global", "shared" => "Shared", "param" => "Param", _ => "Generic" };
                return first == "ld" ? $"ptx::load<ptx::{space}, {type}>(given, {At(1)}, {At(0)});"
                    : $"ptx::store<ptx::{space}, {type}>(given, {Values(given)});";
            default: throw new FormatException($"an instruction that is not known: {operation}");
        }
    }

    static string Values(IEnumerable<string> given) => string.Join(", ", given.Select(Value));

    // A register, a number, a symbol, or several of them in braces or as an address.
    static string Value(string given)
    {
        given = given.Trim();
        if (given[0] == '{') return Values(Split(given[1..^1]));
        if (given[0] == '[')
        {
            List<string> parts = Split(given[1..^1]);
            if (parts.Count > 1) return Values(parts);
            int plus = given.IndexOf('+', StringComparison.Ordinal);
            return plus < 0 ? Value(given[1..^1]) : $"{Value(given[1..plus])} + ({given[(plus + 1)..^1]})";
        }
        if (given.StartsWith("0f", StringComparison.Ordinal)) return $"ptx::in<float>(0x{given[2..]}u)";
        if (given.StartsWith("0d", StringComparison.Ordinal)) return $"ptx::in<double>(0x{given[2..]}ull)";
        if (char.IsDigit(given[0]) || given[0] == '-') return given == "-9223372036854775808" ? "(-9223372036854775807ll - 1)" : given;
        return given switch
        {
            "%tid.x" => "thread",
            "%ntid.x" => "threads",
            "%ctaid.x" => "block->x",
            "%ctaid.y" => "block->y",
            "%ctaid.z" => "block->z",
            "%nctaid.x" => "block->gridX",
            "%cluster_nctaid.x" => "block->blocks",
            "%cluster_ctarank" => "block->rank",
            "dynamic_shared" => "0",
            _ when given.Contains("_param_", StringComparison.Ordinal) => "given.args",
            _ => given.TrimStart('%'),
        };
    }

    // In C++; empty: it is none.
    static string Type(string name) => name switch
    {
        "pred" => "bool",
        "u8" => "uint8_t",
        "b16" or "u16" => "uint16_t",
        "s16" => "int16_t",
        "b32" or "u32" => "uint32_t",
        "s32" => "int32_t",
        "b64" or "u64" => "unsigned long long",
        "s64" => "long long",
        "f32" => "float",
        "f64" => "double",
        _ => "",
    };

    static string Name(string label) => label.Replace("$", "", StringComparison.Ordinal);

    static List<string> Split(string given)
    {
        List<string> parts = [];
        int depth = 0, from = 0;
        for (int i = 0; i <= given.Length; i++)
            if (i == given.Length || (given[i] == ',' && depth == 0))
            {
                if (i > from) parts.Add(given[from..i].Trim());
                from = i + 1;
            }
            else if (given[i] is '{' or '[') depth++;
            else if (given[i] is '}' or ']') depth--;
        return parts;
    }
}
