using System.Text;

namespace Isoflop.Tasks;

/// <summary>How the choices so far look.</summary>
enum NodeState { Open, Dead, Solved }

/// <summary>
/// A search in depth that writes down what it does, with <see cref="Marks"/>: real mistakes, checks and steps back. A pass that
/// gets too long is begun anew with a surer hand, that is with more choices taken from a known solution; the last pass makes no
/// mistake.
/// </summary>
abstract class WrittenSearch<T>
{
    const int Passes = 6;
    readonly StringBuilder text = new();
    double sureness;
    int limit;

    /// <summary>What can be chosen now, in the order to try.</summary>
    protected abstract T[] Options(ref Rng rng);
    /// <summary>Chooses.</summary>
    protected abstract NodeState Push(T choice);
    /// <summary>Takes the last choice back.</summary>
    protected abstract void Pop(T choice);
    /// <summary>The choice, which is pushed, as a word without spaces or marks.</summary>
    protected abstract string Say(T choice);
    /// <summary>The choice agrees with the known solution, given that the choices before do.</summary>
    protected abstract bool IsOnWay(T choice);

    /// <summary>The thought; afterwards the choices of the solution stand.</summary>
    /// <param name="explore">with mistakes</param> <param name="most">length that is striven for, characters</param>
    /// <param name="rng">choices</param>
    public string Write(bool explore, int most, ref Rng rng)
    {
        for (int pass = explore ? 0 : Passes; pass <= Passes; pass++)
        {
            text.Clear();
            (sureness, limit) = ((double)pass / Passes, pass == Passes ? int.MaxValue : most);
            if (Visit(ref rng)) return text.ToString();
        }
        throw new InvalidOperationException("the known solution is none");
    }

    bool Visit(ref Rng rng)
    {
        T[] options = Options(ref rng);
        if (options.Length == 0) text.Append(Marks.DeadEnd);
        if (rng.Chance(sureness) && Array.FindIndex(options, IsOnWay) is > 0 and int way)
            (options[0], options[way]) = (options[way], options[0]);
        foreach (T option in options)
        {
            NodeState verdict = Push(option);
            if (text.Length > 0 && !Marks.All.Contains(text[^1])) text.Append(' ');
            text.Append(Say(option));
            if (verdict == NodeState.Solved)
            {
                if (text.Length >= limit) goto back;
                text.Append(Marks.Solved);
                return true;
            }
            if (verdict == NodeState.Dead) text.Append(Marks.DeadEnd);
            else if (text.Length < limit && Visit(ref rng)) return true;
        back:
            Pop(option);
            if (text.Length >= limit) return false;
            text.Append(Marks.Back);
        }
        return false;
    }
}
