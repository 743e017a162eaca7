// Writes src/Isoflop/Kernels/Microkernel.cs, the register tiles of the matrix product:
//     dotnet run tools/Microkernels.cs > src/Isoflop/Kernels/Microkernel.cs
// One kernel a row count, since the JIT keeps locals in registers but not arrays.
const int MaxRows = 12;
Console.WriteLine($$"""
    // Written by tools/Microkernels.cs; change that.
    using System.Runtime.CompilerServices;
    using System.Runtime.Intrinsics;

    namespace Isoflop.Kernels;

    /// <summary>c[i, 0..32] (+)= Σ_p a[p, i]·b[p, 0..32] for 1 to {{MaxRows}} rows: each element one chain of multiply-adds over ascending p.</summary>
    /// <remarks>
    /// a: the rows' values of step p lie at a + p·lda; b: [k, 32] packed; c: rows ldc apart.
    /// 12 rows hold 24 sums, two of b and a broadcast in 27 of 32 registers; the JIT halves the vectors where there is no AVX-512.
    /// </remarks>
    static unsafe class Microkernel
    {
        /// <summary>Rows of the largest tile.</summary>
        public const int Rows = {{MaxRows}};

        /// <summary>Columns of every tile.</summary>
        public const int Columns = 32;

        /// <summary>Runs the tile of so many rows.</summary>
        /// <param name="load">true begins the chains at c, false at zero</param>
        public static void Run(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
        {
            switch (rows)
            {
    """);
for (int r = 1; r <= MaxRows; r++) Console.WriteLine($"            case {r}: Rows{r}(k, a, lda, b, c, ldc, load); break;");
Console.WriteLine("        }\n    }");
for (int rows = 1; rows <= MaxRows; rows++)
{
    int[] all = [.. Enumerable.Range(0, rows)];
    Console.WriteLine();
    Console.WriteLine("    [MethodImpl(MethodImplOptions.AggressiveOptimization)]");
    Console.WriteLine($"    static void Rows{rows}(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)");
    Console.WriteLine("    {");
    foreach (int r in all) Console.WriteLine($"        Vector512<float> s{r} = default, t{r} = default;");
    Console.WriteLine("        if (load)\n        {");
    Console.WriteLine("            float* from = c;");
    foreach (int r in all)
        Console.WriteLine($"            s{r} = Vector512.Load(from); t{r} = Vector512.Load(from + 16);{(r + 1 < rows ? " from += ldc;" : "")}");
    Console.WriteLine("        }");
    Console.WriteLine("        for (; k > 0; k--)\n        {");
    Console.WriteLine("            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;");
    foreach (int r in all)
    {
        Console.WriteLine($"            x = Vector512.Create(a[{r}]);");
        Console.WriteLine($"            s{r} = Vector512.MultiplyAddEstimate(x, u, s{r}); t{r} = Vector512.MultiplyAddEstimate(x, v, t{r});");
    }
    Console.WriteLine("            a += lda;\n            b += Columns;\n        }");
    foreach (int r in all) Console.WriteLine($"        s{r}.Store(c); t{r}.Store(c + 16);{(r + 1 < rows ? " c += ldc;" : "")}");
    Console.WriteLine("    }");
}
Console.WriteLine("}");
