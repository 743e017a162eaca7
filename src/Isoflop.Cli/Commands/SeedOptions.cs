using System.CommandLine;
using System.Globalization;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary>--seeds of a command that trains one model: it is trained by so many, here or by workers.</summary>
sealed class SeedOptions
{
    readonly Option<int> seeds = new("--seeds")
    {
        Description = "Train so many: NAME.s1 by the given seed, NAME.s2 by the next, …",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    readonly CrewOptions crew = new();

    public void AddTo(Command verb)
    {
        verb.Add(seeds);
        crew.AddTo(verb);
    }

    /// <summary>Trains all, one after the other, or waits for the workers that do, and shows each.</summary>
    /// <param name="name">of the recipe; empty: it is named by what it says</param>
    /// <param name="train">by a name and a seed; says whether it is done and how to show it</param>
    /// <returns>the exit code</returns>
    public int Run(Invocation call, string name, ulong seed, Func<string, ulong, Workspace, (bool Done, Action Show)> train)
    {
        int count = call.Parsed.GetValue(seeds);
        if (count is < 1 or > 10_000) throw new ConfigException($"--seeds {count} must be from 1 to 10000; try 3");
        if (name.Length == 0 && (count > 1 || crew.IsAsked(call)))
            throw new ConfigException("several seeds, and workers, need a name to share; give name=NAME");
        (string Name, ulong Seed)[] all = count == 1 ? [(name, seed)] : [.. Enumerable.Range(1, count).Select(i =>
            (string.Create(CultureInfo.InvariantCulture, $"{name}.s{i}"), seed + (ulong)i - 1))];
        if (crew.Begin(call, name, 0, all.Length, here =>
            Pieces.Do(here, [.. all.Select(r => new Piece(r.Name, there => train(r.Name, r.Seed, there).Done))])) is { } code)
            return code;
        foreach ((string of, ulong by) in all)
        {
            (bool done, Action show) = train(of, by, call.Here);
            show();
            if (!done) return App.Interrupted;
        }
        return 0;
    }
}
