using Isoflop.Lab.Replies;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>CONTRIBUTING.md's example, outside of the library.</summary>
public class OwnFamilyTests
{
    sealed class Largest : TaskFamily
    {
        public override string Name => "largest";
        public override string Summary => "Digits: the largest";
        public override int Levels => 3;
        public override double Chance(int level) => 0.5;
        protected override string Symbols => "0123456789 |";

        protected override Draft? Draw(int level, ref Rng rng)
        {
            int[] digits = rng.Order(10)[..(2 + level)];
            return new(string.Join(' ', digits), $"{digits.Max()}");
        }

        public override string Solve(TaskItem item) => $"{item.Prompt.Max()}";

        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
        {
            char most = '0';
            return new(string.Join(' ', item.Prompt.Split(' ').Select(d => most = d[0] > most ? d[0] : most)), Solve(item));
        }
    }

    [Fact]
    public void A_family_is_one_class()
    {
        TaskFamily family = new Largest();
        for (int i = 0; i < 100; i++)
        {
            TaskItem item = family.Make(Split.Test, 3, i, 1);
            var rng = new Rng(1, RandomPurpose.Test);
            foreach (TraceForm form in Enum.GetValues<TraceForm>()) Assert.Equal(1, family.Reward(item, family.Demonstrate(item, form, ref rng)));
            Assert.Equal(0, family.Reward(item, $">{item.Prompt}"));
        }
        Rng any = default;
        Assert.Equal("<3 9 9>9", family.Demonstrate(new("largest", 1, "3 9 4", "9"), TraceForm.Proof, ref any));
    }

    [Fact]
    public void What_is_registered_is_found_and_its_name_taken()
    {
        var family = new Largest();
        IReadOnlyList<TaskFamily> before = TaskFamilies.All;
        TaskFamilies.Register(family);
        Assert.Same(family, TaskFamilies.Find("largest"));
        Assert.Contains(family, TaskFamilies.All);
        Assert.DoesNotContain(family, before);
        Assert.Same(family, new TaskMix(["largest:2..3*2"]).Levels[1].Family);
        Assert.Contains("'largest'", Assert.Throws<ConfigException>(() => TaskFamilies.Register(new Largest())).Message);
        Assert.Contains("has that name", Assert.Throws<ConfigException>(() => TaskFamilies.Register(new Named("parity"))).Message);
        foreach (string name in (string[])["", "Parity", "two words", "a--b", "a.1", "cmd:x"])
            Assert.Contains("a name is words", Assert.Throws<ConfigException>(() => TaskFamilies.Register(new Named(name))).Message);
        Assert.Contains("largest", Assert.Throws<ConfigException>(() => TaskFamilies.Find("chess")).Message);
    }

    [Fact]
    public void Families_are_registered_from_many_threads()
    {
        Parallel.For(0, 64, i => TaskFamilies.Register(new Named($"of-many-{i}")));
        Assert.All(Enumerable.Range(0, 64), i => Assert.Equal($"of-many-{i}", TaskFamilies.Find($"of-many-{i}").Name));
    }

    /// <summary>Sums under any name; half a point for one beside the answer.</summary>
    sealed class Named(string name) : TaskFamily
    {
        public override string Name => name;
        public override string Summary => "A sum";
        public override int Levels => 3;
        public override double Chance(int level) => 0.5;
        protected override string Symbols => "0123456789+|";
        protected override Draft? Draw(int level, ref Rng rng) => new($"{rng.Between(1, 99)}+{rng.Between(1, 99)}");
        public override bool HasCheck => true;
        public override string Solve(TaskItem item) => $"{item.Prompt.Split('+').Sum(int.Parse)}";
        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new("", Solve(item));
        protected override bool Fulfils(string prompt, string answer) => Solve(new("", 1, prompt, "")) == answer;
        protected override double Score(TaskItem item, Reply reply) =>
            IsRight(item, reply.Answer) ? 1 : int.TryParse(reply.Answer, out int n) && Math.Abs(n - int.Parse(Solve(item))) == 1 ? 0.5 : 0;
    }

    [Fact]
    public void A_family_may_grade() =>
        Assert.Equal([1, 0.5, 0, 0], ((string[])[">5", ">6", ">7", "5"]).Select(r => new Named("graded").Reward(new("graded", 1, "2+3", ""), r)));

    [Theory, InlineData(Split.Valid), InlineData(Split.Test)]
    public void A_split_that_nothing_falls_in_is_refused(Split split) =>
        Assert.Contains("draws gave no item", Assert.Throws<ConfigException>(() => new Single().Make(split, 1, 0, 0)).Message);

    /// <summary>Knows one question only.</summary>
    sealed class Single : TaskFamily
    {
        public override string Name => "single";
        public override string Group => "logic";
        public override string Summary => "";
        public override int Levels => 1;
        public override double Chance(int level) => 0.5;
        protected override string Symbols => "";
        protected override Draft? Draw(int level, ref Rng rng) => new("1+1", "2");
        public override string Solve(TaskItem item) => "2";
        protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => new("", "2");
    }
}
