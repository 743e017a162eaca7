using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>CONTRIBUTING.md's example, outside of the library.</summary>
public class OwnFamilyTests
{
    sealed class Largest : TaskFamily
    {
        public override string Name => "largest";
        public override string Group => "arithmetic";
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

    [Theory, InlineData(Split.Valid), InlineData(Split.Test)]
    public void A_split_that_nothing_falls_in_is_our_mistake(Split split) =>
        Assert.Contains("draws gave no item", Assert.Throws<InvalidOperationException>(() => new Single().Make(split, 1, 0, 0)).Message);

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
