using System.CommandLine;
using Isoflop.Cli.Commands;

namespace Isoflop.Cli;

/// <summary>All commands, in the order and the groups of <c>isoflop --help</c>.</summary>
static class Verbs
{
    public static IReadOnlyList<Command> All() =>
    [
        .. Group("Start here", TourCommand.Create(), ServeCommand.Create(), MachineCommand.Create()),
        .. Group("One model", CorpusCommand.Create(), PlanCommand.Create(), TrainCommand.Create(), SampleCommand.Create(),
            ChatCommand.Create(), NextCommand.Create(), RunsCommand.Create(), FailuresCommand.Create()),
        .. Group("Many models and their law", LadderCommand.Create(), FitCommand.Create(), ForecastCommand.Create(),
            ForecastCommand.CreateScore(), ReportCommand.Create(), OptimalCommand.Create(), DuelCommand.Create(),
            BottleneckCommand.Create(), MixCommand.Create(), CapacityCommand.Create(), WorkersCommand.Create(),
            WorkersCommand.CreateCancel()),
        .. Group("What a model can do", EvalCommand.Create(), CompareCommand.Create(),
            MapCommand.Create(), ClimbCommand.Create()),
        .. Group("Learning to think", TasksCommand.Create(), TeachCommand.Create(), RlCommand.Create(), TracesCommand.Create(),
            ExamCommand.Create()),
        .. Group("Thinking longer", ThinkCommand.Create(), ThinkCurveCommand.Create(), FrontierCommand.Create(),
            FrontierCommand.CreateSpend()),
    ];

    static IEnumerable<Command> Group(string name, params Command[] verbs)
    {
        foreach (Command command in verbs)
        {
            if (command is Verb verb) verb.Group = name;
            yield return command;
        }
    }
}
