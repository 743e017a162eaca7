namespace Isoflop.Lab.Thinking;

/// <summary>One reply, the likeliest token each time: what the others are measured against.</summary>
sealed class Greedy : IStrategy
{
    public string Name => "greedy";
    public string Says => "one reply, the likeliest token each time";
    public Needs Needs => Needs.Nothing;

    public async Task<Draft?> Think(Problem problem, Desk desk) => Vote.Of(await desk.Sample(1, temperature: 0));
}
