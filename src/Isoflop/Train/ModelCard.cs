using System.Globalization;
using System.Text;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>
/// README.md of a checkpoint: the card that Hugging Face shows, for who finds the folder alone. It is not among the files that
/// state.json holds, so that it may be written on.
/// </summary>
static class ModelCard
{
    /// <summary>File in a checkpoint.</summary>
    public const string FileName = "README.md";

    /// <param name="run">name of the run</param>
    /// <param name="licence">what is known about the right to use the text; empty: nothing</param>
    /// <param name="chatTemplate">how the model was taught to be spoken to; null: it was not</param>
    public static byte[] Of(string run, ModelConfig model, long parameters, TrainState state, string licence,
        string? chatTemplate)
    {
        Spending spent = state.Ledger.Spent;
        string loss = state.ValidLoss is { } v && double.IsFinite(v)
            ? $"{v.ToString("0.0000", CultureInfo.InvariantCulture)} nats a token" : "not measured";
        string shape = $"layers {model.NLayer}, width {model.DModel}, heads {model.NHead}, vocabulary {model.VocabSize}, " +
            $"context {model.ContextLen}";
        string right = licence.Length > 0 ? $"The right to use it: {licence}. " : "";
        string open = chatTemplate is null ? "sample FOLDER \"…\"" : "chat FOLDER";
        string taught = chatTemplate is null ? "" : " The chat template stands in tokenizer_config.json.";
        string card = $"""
            ---
            license: other
            license_name: see-data
            library_name: transformers
            pipeline_tag: text-generation
            tags:
            - isoflop
            - {(model.QkNorm ? "qwen3" : "llama")}
            ---
            # {run}, step {state.Step}

            A Transformer trained with Isoflop, a laboratory for scaling language models.

            | | |
            |---|---|
            | parameters | {N(parameters)} |
            | shape | {shape} |
            | FLOPs | {spent.Flops.ToString("0.00e0", CultureInfo.InvariantCulture)}, counted layer by layer |
            | tokens | {N(spent.Tokens)} |
            | held-out loss | {loss} |
            | seed | {state.Seed} |

            ## Data

            Corpus `{state.Corpus}`. {right}What holds for the text holds for the weights.

            ## Use

            ```python
            from transformers import AutoModelForCausalLM, AutoTokenizer
            model, words = AutoModelForCausalLM.from_pretrained("."), AutoTokenizer.from_pretrained(".")
            ```

            With Isoflop: `isoflop {open}`, or `LanguageModel.Open(here, folder)` in C#.{taught}

            A small model for research: what it writes is often wrong.

            """;
        return Encoding.UTF8.GetBytes(card.ReplaceLineEndings("\n"));
    }

    static string N(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
