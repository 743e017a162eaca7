// Writes src/Isoflop/Kernels/Microkernel.cs, the register tiles of the matrix product:
//     dotnet run tools/Microkernels.cs > src/Isoflop/Kernels/Microkernel.cs
// One kernel a row count, since the JIT keeps locals in registers but not arrays.
const int WideRows = 12, NarrowRows = 6;
Console.WriteLine($$"""
    // Written by tools/Microkernels.cs; change that.
    using System.Runtime.CompilerServices;
    using System.Runtime.Intrinsics;
    using System.Runtime.Intrinsics.X86;

    namespace Isoflop.Kernels;

    /// <summary>c[i, j] (+)= Σ_p a[p, i]·b[p, j] for a tile of C: each element one chain of multiply-adds over ascending p.</summary>
    /// <remarks>
    /// a: the rows' values of step p lie at a + p·lda; b: [k, Columns] packed; c: rows ldc apart. The tile is what the registers
    /// hold: with AVX-512 {{WideRows}}×32, 24 sums, two of b and a broadcast in 27 of 32; else {{NarrowRows}}×16, 12 sums, two of b and a broadcast
    /// in 15 of AVX2's 16, or in 29 of NEON's 32 of half the width. The chains, and so the bits, are the same.
    /// </remarks>
    static unsafe class Microkernel
    {
        /// <summary>Tiles of vectors of 512 bits: where the machine has them, or where ISOFLOP_TILE asks for "wide" or "narrow".</summary>
        public static readonly bool Wide = Environment.GetEnvironmentVariable("ISOFLOP_TILE") switch
        {
            "wide" => true,
            "narrow" => false,
            _ => Vector512.IsHardwareAccelerated,
        };

        /// <summary>Rows of a tile, and of a packed panel of A.</summary>
        public static int Rows => Wide ? {{WideRows}} : {{NarrowRows}};

        /// <summary>Columns of a tile, and of a packed panel of B.</summary>
        public static int Columns => Wide ? 32 : 16;

        /// <summary>Runs the tile of so many rows.</summary>
        /// <param name="start">where the chains begin, laid out as c, may be c; null: zeros</param>
        public static void Run(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
        {
            if (Wide)
            {
                RunWide(rows, k, a, lda, b, c, ldc, start);
                return;
            }
            switch (rows)
            {
    """);
for (int r = 1; r <= NarrowRows; r++) Console.WriteLine($"            case {r}: Narrow{r}(k, a, lda, b, c, ldc, start); break;");
Console.WriteLine($$"""
            }
        }

        /// <summary>The left half of a whole tile of vectors of 512 bits, on a panel of b as wide as ever: C's last 16 columns.</summary>
        public static void RunHalf(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start) =>
            Half{{WideRows}}(k, a, lda, b, c, ldc, start);

        static void RunWide(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
        {
            switch (rows)
            {
    """);
for (int r = 1; r <= WideRows; r++) Console.WriteLine($"            case {r}: Wide{r}(k, a, lda, b, c, ldc, start); break;");
Console.WriteLine("        }\n    }");
for (int r = 1; r <= WideRows; r++) Tile("Wide", r, "Vector512", 16);
Tile("Half", WideRows, "Vector512", 16, half: true);
for (int r = 1; r <= NarrowRows; r++) Tile("Narrow", r, "Vector256", 8);
Console.WriteLine("}");

static void Tile(string name, int rows, string vector, int lanes, bool half = false)
{
    int[] all = [.. Enumerable.Range(0, rows)];
    Console.WriteLine();
    Console.WriteLine("    [MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    Console.WriteLine($"    static void {name}{rows}(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)");
    Console.WriteLine("    {");
    foreach (int r in all) Console.WriteLine($"        {vector}<float> s{r} = default{(half ? "" : $", t{r} = default")};");
    Console.WriteLine("        if (start != null)\n        {");
    Console.WriteLine("            float* from = start;");
    foreach (int r in all)
        Console.WriteLine($"            s{r} = {vector}.Load(from);{(half ? "" : $" t{r} = {vector}.Load(from + {lanes});")}{(r + 1 < rows ? " from += ldc;" : "")}");
    Console.WriteLine("        }");
    // Tiles go down the rows of C: the next one's wait for memory passes behind this one's sums, where they are many.
    Console.WriteLine("        if (Sse.IsSupported && k > 128)\n        {");
    Console.WriteLine($"            float* next = c + {rows} * ldc;");
    foreach (int r in all) Console.WriteLine($"            Sse.Prefetch0(next);{(lanes > 8 && !half ? " Sse.Prefetch0(next + 16);" : "")}{(r + 1 < rows ? " next += ldc;" : "")}");
    Console.WriteLine("        }");
    Console.WriteLine($"        {vector}<float> u, {(half ? "" : "v, ")}x;");
    Console.WriteLine("        for (; k > 1; k -= 2)\n        {");
    Step();
    Step();
    Console.WriteLine("        }");
    Console.WriteLine("        if (k > 0)\n        {");
    Step();
    Console.WriteLine("        }");
    foreach (int r in all)
        Console.WriteLine($"        s{r}.Store(c);{(half ? "" : $" t{r}.Store(c + {lanes});")}{(r + 1 < rows ? " c += ldc;" : "")}");
    Console.WriteLine("    }");

    void Step()
    {
        Console.WriteLine($"            u = {vector}.Load(b);{(half ? "" : $" v = {vector}.Load(b + {lanes});")}");
        foreach (int r in all)
        {
            string load = $"            x = {vector}.Create(a[{r}]);", left = $"s{r} = {vector}.MultiplyAddEstimate(x, u, s{r});";
            if (half) Console.WriteLine($"{load} {left}");
            else Console.WriteLine($"{load}\n            {left} t{r} = {vector}.MultiplyAddEstimate(x, v, t{r});");
        }
        Console.WriteLine($"            a += lda;\n            b += {2 * lanes};");
    }
}
