using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>What a reply is worth in reinforcement learning.</summary>
public interface IReward
{
    /// <summary>As a recipe asks for it, reward=NAME: words of a-z and 0-9 with hyphens between.</summary>
    string Name { get; }
    /// <summary>One line of help.</summary>
    string Says { get; }

    /// <summary>
    /// 0 to 1; depends on its arguments alone, and any thread may ask. Prices of length come off afterwards. A reply that was cut
    /// off has 0, whatever is said here. One that throws, or takes longer than the family's limit, has 0 and is counted.
    /// </summary>
    /// <param name="reply">as its reader sees it, well formed or not: &lt;thought&gt;answer</param>
    double Of(TaskFamily family, TaskItem item, string reply);
}

/// <summary>All there are. Examinations always ask the verifier: what a model learnt for is not what it is measured by.</summary>
public static class Rewards
{
    static readonly Registry<IReward> registry = new("reward", r => r.Name, [new Verifier()]);

    /// <summary>In the order of help; the default first, behind it what was registered.</summary>
    public static IReadOnlyList<IReward> All => registry.All;

    /// <summary>Adds a reward of one's own: recipes find it by its name.</summary>
    /// <exception cref="ConfigException">Its name is taken, or no name.</exception>
    public static void Register(IReward reward) => registry.Add(reward);

    /// <summary>The one of that name.</summary>
    /// <exception cref="ConfigException">There is none.</exception>
    public static IReward Find(string name) => registry.Find(name);

    /// <summary>The one that the others are held against.</summary>
    internal static IReward Default => registry.All[0];

    sealed class Verifier : IReward
    {
        public string Name => "verifier";
        public string Says => "what the task's own verifier says: 1 right, 0 wrong";
        public double Of(TaskFamily family, TaskItem item, string reply) => family.Reward(item, reply);
    }
}
