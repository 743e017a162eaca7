using Isoflop.Cli;
using Isoflop.Cli.Commands;

// One line a verb, in the order of `isoflop --help`.
return App.Start(args,
[
    CorpusCommand.Create(),
    PlanCommand.Create(),
    TrainCommand.Create(),
    SampleCommand.Create(),
    NextCommand.Create(),
    RunsCommand.Create(),
    MachineCommand.Create(),
]);
