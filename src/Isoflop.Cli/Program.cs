using Isoflop.Cli;
using Isoflop.Cli.Commands;

// One line a verb, in the order of `isoflop --help`.
return App.Start(args, () =>
[
    TourCommand.Create(),
    CorpusCommand.Create(),
    PlanCommand.Create(),
    FitCommand.Create(),
    OptimalCommand.Create(),
    TrainCommand.Create(),
    LadderCommand.Create(),
    TeachCommand.Create(),
    RlCommand.Create(),
    TracesCommand.Create(),
    ExamCommand.Create(),
    FrontierCommand.Create(),
    FrontierCommand.CreateSpend(),
    ThinkCommand.Create(),
    ThinkCurveCommand.Create(),
    ForecastCommand.Create(),
    ForecastCommand.CreateScore(),
    ReportCommand.Create(),
    DuelCommand.Create(),
    CompareCommand.Create(),
    BottleneckCommand.Create(),
    MapCommand.Create(),
    CapacityCommand.Create(),
    MixCommand.Create(),
    SampleCommand.Create(),
    NextCommand.Create(),
    ClimbCommand.Create(),
    EvalCommand.Create(),
    TasksCommand.Create(),
    RunsCommand.Create(),
    MachineCommand.Create(),
]);
