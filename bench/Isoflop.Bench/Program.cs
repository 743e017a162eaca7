using Isoflop.Bench;
using Isoflop.Kernels;

int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index]) : otherwise;
// bf16 is whichever this machine has; where it has none, one line says so.
Precision Wanted(int index)
{
    string name = args.Length > index ? args[index] : "f32";
    Precision wish = Enum.GetValues<Precision>().FirstOrDefault(p => p.Name() == name, Precision.F32);
    try
    {
        return Multiplication.Of(Precisions.Chosen(wish, int.MaxValue)).Precision;
    }
    catch (Isoflop.ConfigException e)
    {
        Console.Error.WriteLine(e.Message);
        Environment.Exit(2);
        throw;
    }
}

switch (args.FirstOrDefault())
{
    case "gemm":
        GemmBench.Run(Number(1, 1), Number(2, 300), Wanted(3));
        return 0;
    case "train":
        TrainBench.Run(Number(1, Environment.ProcessorCount), Number(2, 5), Number(3, 0), Number(4, int.MaxValue), Number(5, 0),
            Number(6, 0), Wanted(7));
        return 0;
    case "card" when args.Length == 4 && args[2] == "operations":
        CardBench.Operations(args[1], Number(3, 0));
        return 0;
    case "card" when args.Length == 5 && args[2] == "compile":
        CardBench.Compile(args[1], Number(3, 0), Number(4, 1));
        return 0;
    case "card" when args.Length == 3 && args[2] == "products":
        CardBench.Products(args[1]);
        return 0;
    case "card":
        CardBench.Run(args[1], Number(2, 5), Number(3, 0), Number(4, int.MaxValue));
        return 0;
    case "step":
        StepBench.Run(Number(1, Environment.ProcessorCount), Number(2, 3), Number(3, 512), Wanted(4));
        return 0;
    case "peers":
        PeerBench.Run(Number(1, Environment.ProcessorCount), Number(2, 5), Number(3, 3), args[4], args[5], args[6], args[7]);
        return 0;
    case "generate":
        GenerateBench.Run(Number(1, Environment.ProcessorCount), Number(2, 1), Number(3, 0));
        return 0;
    case "gguf":
        Gguf.Write(args[2], GenerateBench.Sizes.Single(c => c.DModel == Number(1, 0)));
        return 0;
    case "set":
        Console.WriteLine(CpuDevice.Variant);
        return 0;
    case "sample":
        SampleBench.Run(Number(1, Environment.ProcessorCount), Number(2, 20));
        return 0;
    case "sudden":
        MapBench.Sudden(Number(1, 1000), args.Length > 2 ? double.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 0.247);
        return 0;
    case "groups":
        MapBench.Groups(Number(1, 4000));
        return 0;
    case "full":
        MapBench.Full(Number(1, 1000));
        return 0;
    case "serve":
        await ServeBench.Run(args[1], Number(2, 0), args[3], Number(4, 64),
            args.Length > 5 ? double.Parse(args[5], System.Globalization.CultureInfo.InvariantCulture) : 10);
        return 0;
    case "spills":
        SpillBench.Run();
        return 0;
    case "coverage":
        LawCoverage.Run(Number(1, 200), Number(2, 200));
        return 0;
    case "redraw":
        Redraw.Run(args.Skip(1));
        return 0;
    case "backtest":
        BacktestBench.Run(args.Skip(1));
        return 0;
    case "collapse":
        CollapseBench.Run(args[1], args[2]);
        return 0;
    case "dial":
        DialBench.Run(args[1], args.Length > 2 ? double.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : double.MaxValue);
        return 0;
    case "average":
        HeldOutBench.Average(args[1], args.Skip(2));
        return 0;
    case "noise":
        HeldOutBench.Noise(args[1], args[2..]);
        return 0;
    case "places":
        HeldOutBench.Places(args[1], args.Skip(2));
        return 0;
    default:
        Console.Error.WriteLine("usage: Isoflop.Bench gemm [threads] [ms a product] [f32|bf16] | train [threads] [seconds a size] [least width] [largest] [shards] [tokens of a pass] [f32|bf16] | card device [seconds a size] [first] [last] | card device operations size | card device compile part parts | card device products | step [threads] [seconds a size] [widest] | sample [threads] [pairs] | generate [threads] [streams] [width] | gguf width file | peers threads seconds rounds python scripts node page | sudden [tasks] [sd] | full [tasks] | groups [samples] | serve url process model [streams] [minutes] | coverage [studies] [draws] | spills | dial table [largest budget fitted] | average home run … | noise home run run [run run …] | places home run … | backtest results.csv … | collapse home study | redraw folder …");
        return 2;
}
