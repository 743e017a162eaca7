namespace Isoflop.Tasks;

/// <summary>
/// A task that is done in steps, each on the state that the last one left: the thought says every state, the last is the answer.
/// The key is worked out while the question is drawn, the oracle reads the prompt.
/// </summary>
abstract class Serial : TaskFamily
{
    public sealed override string Group => "serial";

    /// <summary>The state after each step; words without spaces.</summary>
    protected abstract List<string> States(string prompt);

    /// <summary>The answer, where it is not all of the last state.</summary>
    protected virtual string AnswerOf(string state) => state;

    public sealed override string Solve(TaskItem item) => AnswerOf(States(item.Prompt)[^1]);

    protected sealed override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        List<string> states = States(item.Prompt);
        return new(string.Join(' ', states), AnswerOf(states[^1]));
    }

    /// <summary>Departures from the true states: a wrong one after a right one.</summary>
    protected sealed override int Slips(TaskItem item, string thought)
    {
        List<string> states = States(item.Prompt);
        string[] said = thought.Split(' ');
        int slips = 0;
        bool right = true;
        for (int i = 0; i < said.Length && i < states.Count; i++)
        {
            bool same = said[i] == states[i];
            if (right && !same) slips++;
            right = same;
        }
        return slips;
    }
}
