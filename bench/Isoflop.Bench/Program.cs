using Isoflop.Bench;

int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index]) : otherwise;
switch (args.FirstOrDefault())
{
    case "gemm":
        GemmBench.Run(Number(1, 1));
        return 0;
    case "train":
        TrainBench.Run(Number(1, Environment.ProcessorCount), Number(2, 10));
        return 0;
    case "sample":
        SampleBench.Run(Number(1, Environment.ProcessorCount), Number(2, 20));
        return 0;
    default:
        Console.Error.WriteLine("usage: Isoflop.Bench gemm [threads] | train [threads] [seconds a size] | sample [threads] [pairs]");
        return 2;
}
