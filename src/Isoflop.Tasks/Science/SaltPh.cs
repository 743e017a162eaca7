using System.Globalization;

namespace Isoflop.Tasks;

/// <summary>
/// <c>NH4F .10M Kb=1.8e-5 Ka=6.3e-4</c>: the pH of a salt of a weak acid and a weak base, two decimals. The key is the exact
/// balance of charges (25 °C, pKw = 14, no activities); the thought reckons pH = 7 + (pKa − pKb)/2. At level 1 pKa and pKb are
/// given; then the salt of one of them with a strong partner, pH = 7 ± (pK + log c)/2; then K itself, whose logarithm is to be
/// found.
/// </summary>
sealed class SaltPh : TaskFamily
{
    const double Tolerance = 0.05;
    static readonly string[] Acids = "F NO2 HCOO CH3COO C6H5COO ClO BrO CN".Split(' ');
    static readonly double[] AcidPk = [3.17, 3.25, 3.75, 4.76, 4.20, 7.53, 8.60, 9.21];
    static readonly string[] Bases = "NH4 CH3NH3 C2H5NH3 N2H5 NH3OH C5H5NH C6H5NH3".Split(' ');
    static readonly double[] BasePk = [4.75, 3.36, 3.25, 5.89, 7.97, 8.77, 9.37];

    public override string Name => "salt-ph";
    public override string Group => "science";
    public override string Summary =>
        "A salt in water, its concentration, Ka of the acid or Kb of the base (or their pK): the pH, two decimals, within 0.05";
    public override int Levels => 4;
    public override double Chance(int level) => 0.12;
    protected override string Symbols => string.Concat(Acids) + string.Concat(Bases) + "NaCl 0123456789.MpKab=e-+/()*|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int acid = rng.NextInt(Acids.Length), alkali = rng.NextInt(Bases.Length);
        int partners = level is 1 or 3 ? 3 : rng.Between(1, 2);                  // 1: weak acid's salt, 2: weak base's, 3: both
        if (level == 4) partners = rng.Between(1, 3);
        // Tables differ a little, and so do our constants: that makes the contents many.
        double pKa = Math.Round(AcidPk[acid] + 0.3 * (rng.NextDouble() - 0.5), 2),
            pKb = Math.Round(BasePk[alkali] + 0.3 * (rng.NextDouble() - 0.5), 2);
        double c = rng.Pick<double>([0.01, 0.02, 0.05, 0.10, 0.20, 0.50]);
        string salt = (partners & 2) == 0 ? $"Na{Acids[acid]}" : (partners & 1) == 0 ? $"{Bases[alkali]}Cl"
            : $"{Bases[alkali]}{Acids[acid]}";
        string prompt = $"{salt} {Numbers.Text(c, 2)}M";
        if ((partners & 1) != 0) prompt += level < 3 ? $" pKa={Numbers.Text(pKa, 2)}" : $" Ka={Scientific(pKa)}";
        if ((partners & 2) != 0) prompt += level < 3 ? $" pKb={Numbers.Text(pKb, 2)}" : $" Kb={Scientific(pKb)}";
        double exact = Exact(Salt.Read(prompt));
        Derivation said = Reckon(prompt);
        // Where the rule of thumb fails, as in thin or extreme solutions, the question is not asked.
        return Math.Abs(Parse(said.Answer)!.Value - exact) < 0.4 * Tolerance ? new(prompt, Numbers.Text(exact, 4)) : null;
    }

    static string Scientific(double pK)
    {
        int exponent = (int)Math.Ceiling(pK);
        double mantissa = Math.Round(Math.Pow(10, exponent - pK), 1);
        return mantissa >= 10 ? $"1.0e-{exponent - 1}" : $"{Numbers.Text(mantissa, 1)}e-{exponent}";
    }

    /// <summary>What a prompt says; pK = null: the partner is strong.</summary>
    readonly record struct Salt(double Molar, double? PKa, double? PKb)
    {
        public static Salt Read(string prompt)
        {
            string[] parts = prompt.Split(' ');
            Salt salt = new(Own(parts[1][..^1]), null, null);
            foreach (string part in parts[2..])
            {
                double value = Own(part[(part.IndexOf('=') + 1)..]);
                if (part[0] == 'K') value = -Math.Log10(value);
                salt = part.Contains('a') ? salt with { PKa = value } : salt with { PKb = value };
            }
            return salt;
        }

        static double Own(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    public override string Solve(TaskItem item) => Numbers.Text(Exact(Salt.Read(item.Prompt)), 2);

    /// <summary>Bisects the balance of charges [H] + [cation] = [OH] + [anion], exact at any strength.</summary>
    static double Exact(Salt salt)
    {
        double low = 0, high = 14;
        for (int i = 0; i < 60; i++)
        {
            double pH = (low + high) / 2, h = Math.Pow(10, -pH);
            // A weak base's cation keeps the share h/(h + Ka'), Ka' = Kw/Kb; a weak acid's anion the share Ka/(h + Ka).
            double cation = salt.PKb is { } b ? salt.Molar * h / (h + Math.Pow(10, b - 14)) : salt.Molar;
            double anion = salt.PKa is { } a ? salt.Molar * Math.Pow(10, -a) / (h + Math.Pow(10, -a)) : salt.Molar;
            if (h + cation > 1e-14 / h + anion) low = pH;
            else high = pH;
        }
        return low;
    }

    /// <summary>The numbers, K as its pK: not the salt's name, nor its concentration where both partners are weak.</summary>
    protected override string ContentOf(string prompt)
    {
        var salt = Salt.Read(prompt);
        string molar = salt is { PKa: not null, PKb: not null } ? "" : Numbers.Text(salt.Molar, 2);
        return FormattableString.Invariant($"{molar} {salt.PKa:F2} {salt.PKb:F2}");
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Reckon(item.Prompt);

    static Derivation Reckon(string prompt)
    {
        Salt salt = Salt.Read(prompt);
        string thought = "";
        foreach (string part in prompt.Split(' ')[2..])
            if (part[0] == 'K') thought += $"p{part[..2]}={Two(part[1] == 'a' ? salt.PKa!.Value : salt.PKb!.Value)} ";
        double log = Math.Log10(salt.Molar), pH = (salt.PKa, salt.PKb) switch
        {
            ({ } a, { } b) => Say($"({Two(a)}-{Two(b)})/2", (Round(a) - Round(b)) / 2),
            ({ } a, null) => Say($"({Two(a)}{Two(log)})/2", (Round(a) + Round(log)) / 2),
            (null, { } b) => Say($"-({Two(b)}{Two(log)})/2", -(Round(b) + Round(log)) / 2),
            _ => 7,
        };
        return new(thought.TrimEnd(), Two(pH));

        double Say(string term, double value)
        {
            thought += $"7{(term[0] == '-' ? "" : "+")}{term}={Two(7 + value)}";
            return 7 + value;
        }

        static string Two(double x) => Numbers.Text(Math.Round(x, 2, MidpointRounding.AwayFromZero), 2);
        static double Round(double x) => Math.Round(x, 2, MidpointRounding.AwayFromZero);
    }

    /// <summary>d.dd or dd.dd, or null.</summary>
    static double? Parse(string answer)
    {
        int point = answer.Length - 3;
        if (point is < 1 or > 2 || answer[point] != '.' || (point == 2 && answer[0] != '1')) return null;
        for (int i = 0; i < answer.Length; i++)
            if (i != point && !char.IsAsciiDigit(answer[i])) return null;
        return Numbers.Own(answer.Remove(point, 1)) / 100.0;
    }

    /// <summary>A number with its two decimals.</summary>
    internal override string? AnswerIn(string prompt, string said) => Answers.Of(said, number: true) is { } value
        && decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal ph)
            ? ph.ToString("F2", CultureInfo.InvariantCulture) : null;

    protected override bool IsRight(TaskItem item, string answer) => Parse(answer) is { } said
        && Math.Abs(said - double.Parse(item.Key, CultureInfo.InvariantCulture)) <= Tolerance;

    protected override int Slips(TaskItem item, string thought) => 0;
}
