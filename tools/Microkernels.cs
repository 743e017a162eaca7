// Writes src/Isoflop/Kernels/Microkernel.cs, the register tiles of the matrix product:
//     dotnet run tools/Microkernels.cs > src/Isoflop/Kernels/Microkernel.cs
// One kernel a row count, since the JIT keeps locals in registers but not arrays.
const int WideRows = 12, NarrowRows = 6;
Console.WriteLine($$"""
    // Written by tools/Microkernels.cs; change that.
    using System.Runtime.CompilerServices;
    using System.Runtime.Intrinsics;

    namespace Isoflop.Kernels;

    /// <summary>c[i, 0..32] (+)= Σ_p a[p, i]·b[p, 0..32] for 1 to {{WideRows}} rows: each element one chain of multiply-adds over ascending p.</summary>
    /// <remarks>
    /// a: the rows' values of step p lie at a + p·lda; b: [k, 32] packed; c: rows ldc apart. The tile is what the registers hold: with
    /// AVX-512 {{WideRows}}×32, 24 sums, two of b and a broadcast in 27 of 32; else {{NarrowRows}}×16, 12 sums, two of b and a broadcast in 15 of
    /// AVX2's 16, or in 29 of NEON's 32 of half the width. The chains, and so the bits, are the same.
    /// </remarks>
    static unsafe class Microkernel
    {
        /// <summary>Rows of a packed panel of A.</summary>
        public const int Rows = {{WideRows}};

        /// <summary>Columns of a packed panel of B.</summary>
        public const int Columns = 32;

        const int NarrowRows = {{NarrowRows}}, NarrowColumns = 16;

        /// <summary>Runs the tile of so many rows.</summary>
        /// <param name="load">true begins the chains at c, false at zero</param>
        public static void Run(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
        {
            if (!Vector512.IsHardwareAccelerated)
            {
                int parts = (rows + NarrowRows - 1) / NarrowRows;
                for (int part = 0; part < parts; part++)
                {
                    int from = rows * part / parts, to = rows * (part + 1) / parts;
                    for (int j = 0; j < Columns; j += NarrowColumns)
                        RunNarrow(to - from, k, a + from, lda, b + j, c + from * ldc + j, ldc, load);
                }
                return;
            }
            switch (rows)
            {
    """);
for (int r = 1; r <= WideRows; r++) Console.WriteLine($"            case {r}: Wide{r}(k, a, lda, b, c, ldc, load); break;");
Console.WriteLine("""
            }
        }

        static void RunNarrow(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
        {
            switch (rows)
            {
    """);
for (int r = 1; r <= NarrowRows; r++) Console.WriteLine($"            case {r}: Narrow{r}(k, a, lda, b, c, ldc, load); break;");
Console.WriteLine("        }\n    }");
for (int r = 1; r <= WideRows; r++) Tile("Wide", r, "Vector512", 16);
for (int r = 1; r <= NarrowRows; r++) Tile("Narrow", r, "Vector256", 8);
Console.WriteLine("}");

static void Tile(string name, int rows, string vector, int lanes)
{
    int[] all = [.. Enumerable.Range(0, rows)];
    Console.WriteLine();
    Console.WriteLine("    [MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    Console.WriteLine($"    static void {name}{rows}(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)");
    Console.WriteLine("    {");
    foreach (int r in all) Console.WriteLine($"        {vector}<float> s{r} = default, t{r} = default;");
    Console.WriteLine("        if (load)\n        {");
    Console.WriteLine("            float* from = c;");
    foreach (int r in all)
        Console.WriteLine($"            s{r} = {vector}.Load(from); t{r} = {vector}.Load(from + {lanes});{(r + 1 < rows ? " from += ldc;" : "")}");
    Console.WriteLine("        }");
    Console.WriteLine("        for (; k > 0; k--)\n        {");
    Console.WriteLine($"            {vector}<float> u = {vector}.Load(b), v = {vector}.Load(b + {lanes}), x;");
    foreach (int r in all)
    {
        Console.WriteLine($"            x = {vector}.Create(a[{r}]);");
        Console.WriteLine($"            s{r} = {vector}.MultiplyAddEstimate(x, u, s{r}); t{r} = {vector}.MultiplyAddEstimate(x, v, t{r});");
    }
    Console.WriteLine("            a += lda;\n            b += Columns;\n        }");
    foreach (int r in all) Console.WriteLine($"        s{r}.Store(c); t{r}.Store(c + {lanes});{(r + 1 < rows ? " c += ldc;" : "")}");
    Console.WriteLine("    }");
}
