using Isoflop.Bench;

switch (args.FirstOrDefault())
{
    case "gemm":
        GemmBench.Run(args.Length > 1 ? int.Parse(args[1]) : 1);
        return 0;
    default:
        Console.Error.WriteLine("usage: Isoflop.Bench gemm [threads]");
        return 2;
}
