using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Isoflop.Lab.Laws;

/// <summary>The equations that can be fitted. Their names are part of law.json; add, never rename.</summary>
public static class LawForms
{
    /// <summary>L = E + A/N^α + B/D^β. Hoffmann et al. 2022, approach 3.</summary>
    public static LawForm Chinchilla { get; } = new Surface(tied: false);
    /// <summary>L = [(Nc/N)^(αN/αD) + Dc/D]^αD. Kaplan et al. 2020.</summary>
    public static LawForm Kaplan { get; } = new KaplanSurface();
    /// <summary>L = (Nc/N)^αN.</summary>
    public static LawForm KaplanN { get; } = new PowerLaw("N");
    /// <summary>L = (Dc/D)^αD.</summary>
    public static LawForm KaplanD { get; } = new PowerLaw("D");
    /// <summary>L = (Cc/C)^αC.</summary>
    public static LawForm KaplanC { get; } = new PowerLaw("C");
    /// <summary>Lower envelope of training curves. Hoffmann et al. 2022, approach 1.</summary>
    public static LawForm Envelope { get; } = new Envelope();
    /// <summary>A parabola in ln N for each budget. Hoffmann et al. 2022, approach 2.</summary>
    public static LawForm IsoFlop { get; } = new IsoFlopParabolas();
    /// <summary>L = E + a·N^b + β·6^(b/2)·(M·N)^b, M = D/N. Gadre et al. 2024.</summary>
    public static LawForm OverTraining { get; } = new Surface(tied: true);
    /// <summary>The surface with effective N′ and D′ of repeated data. Muennighoff et al. 2023.</summary>
    public static LawForm RepeatedData { get; } = new RepeatedData();
    /// <summary>y = A·x^p.</summary>
    public static LawForm PowerLaw { get; } = new PowerLaw("");
    /// <summary>y = E + A·x^−α.</summary>
    public static LawForm SaturatingPower { get; } = new SaturatingPower(frontier: false);
    /// <summary>y = E + A·e^(−x/τ).</summary>
    public static LawForm SaturatingExponential { get; } = new SaturatingExponential();
    /// <summary>y = a + b·x^−c0·(1 + (x/d1)^(1/f1))^(−c1·f1). Caballero et al. 2023.</summary>
    public static LawForm Broken { get; } = new BrokenLaw();
    /// <summary>accuracy = a/(1 + e^(−k(x − x0))) + b of a task's loss x. Bhagia et al. 2024.</summary>
    public static LawForm TaskSigmoid { get; } = new TaskSigmoid();
    /// <summary>error = ε − k·e^(−γ·L). Gadre et al. 2024.</summary>
    public static LawForm ErrorOfLoss { get; } = new ErrorOfLoss();
    /// <summary>R = R0 + (A − R0)/(1 + (Cmid/C)^B). ScaleRL, 2025.</summary>
    public static LawForm RlSigmoid { get; } = new RlSigmoid(frontier: false);
    /// <summary>ln c = a·k^b of k samples. Brown et al. 2024.</summary>
    public static LawForm Coverage { get; } = new Coverage();

    /// <summary>L = E + (A/N^α + B/D^β)^κ: Hoffmann's at κ = 1, Kaplan's at E = 0.</summary>
    public static LawForm PowerSurface { get; } = new PowerSurface();
    /// <summary>L = E + U(N) + B(N)·D^−A(N). Li et al. 2025 (Farseer).</summary>
    public static LawForm Farseer { get; } = new Farseer();
    /// <summary>y = A·N^p·D^q: learning rates and batches. Li et al. 2025 (Step Law).</summary>
    public static LawForm PowerOfBoth { get; } = new PowerOfBoth();
    /// <summary>L = E + A·C^−α of the best size of each budget.</summary>
    public static LawForm FrontierPower { get; } = new SaturatingPower(frontier: true);
    /// <summary>L = L0 + (E − L0)/(1 + (Cmid/C)^B) of the best size of each budget: an S-curve, best with known ends.</summary>
    public static LawForm FrontierSigmoid { get; } = new RlSigmoid(frontier: true);
    /// <summary>The frontier's last slope, with the width of its drift. Harvey 1989.</summary>
    public static LawForm LocalTrend { get; } = new LocalTrendForm();

    // The order names random streams: add at the end.
    static readonly LawForm[] builtIn =
    [
        Chinchilla, Kaplan, KaplanN, KaplanD, KaplanC, Envelope, IsoFlop, OverTraining,
        RepeatedData, PowerLaw, SaturatingPower, SaturatingExponential, Broken,
        TaskSigmoid, ErrorOfLoss, RlSigmoid, Coverage, LocalTrend,
        PowerSurface, Farseer, PowerOfBoth, FrontierPower, FrontierSigmoid,
    ];

    static readonly Registry<LawForm> registry = new("law form", f => f.Name, builtIn);

    /// <summary>In the order of help; behind them what was registered.</summary>
    public static IReadOnlyList<LawForm> All => registry.All;

    /// <summary>Adds a form of one's own: every fit finds it by its name.</summary>
    /// <exception cref="ConfigException">Its name is taken, or no name; it has no parameters, or more than 16.</exception>
    public static void Register(LawForm form)
    {
        if (form.Names.Count is < 1 or > LawForm.MaxParameters)
            throw new ConfigException($"law form '{form.Name}': {form.Names.Count} parameters must be 1 to " +
                $"{LawForm.MaxParameters}");
        registry.Add(form);
    }

    /// <summary>The one of that name: "saturating-power".</summary>
    /// <exception cref="ConfigException">There is none.</exception>
    public static LawForm Find(string name) => registry.Find(name.Replace('_', '-'));

    /// <summary>Names a form's random numbers, 0 to 255: ours by their place, a user's above them by its name's hash.</summary>
    internal static long StreamOf(LawForm form) => Array.IndexOf(builtIn, form.Bare) is >= 0 and int at ? at
        : 64 + (long)(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(form.Name.AsSpan())) % 192);
}

/// <summary>A form as files have it: by its name, with underscores.</summary>
sealed class LawFormName : JsonConverter<LawForm>
{
    public override LawForm Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        try
        {
            return LawForms.Find(reader.GetString() ?? "");
        }
        catch (ConfigException e)
        {
            throw new JsonException(e.Message);                  // a file's mistake: who reads it says which file
        }
    }

    public override void Write(Utf8JsonWriter writer, LawForm form, JsonSerializerOptions options) =>
        writer.WriteStringValue(form.Name.Replace('-', '_'));
}
