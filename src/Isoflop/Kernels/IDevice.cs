namespace Isoflop.Kernels;

/// <summary>A stretch of a device's memory, counted in elements of four bytes. Opaque: only the device reads it.</summary>
public readonly struct DeviceMemory
{
    internal DeviceMemory(nint address, long length) => (Address, Length) = (address, length);

    internal nint Address { get; }

    /// <summary>Elements of four bytes.</summary>
    public long Length { get; }

    /// <summary>The <paramref name="length"/> elements from <paramref name="offset"/> on.</summary>
    public DeviceMemory Slice(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset),
                $"[{offset}, {offset + length}) is outside of {Length} elements");
        return new(Address + (nint)(offset * 4), length);
    }
}

/// <summary>
/// Which operands of C = A·B are stored transposed. A is [m, k], B is [k, n], C is [m, n], all row-major and dense.
/// </summary>
public enum Form
{
    /// <summary>A [m, k] · B [k, n]: the gradient of a layer's input.</summary>
    Plain,

    /// <summary>A [m, k] · Bᵀ with B stored [n, k]: a layer's forward pass.</summary>
    TransposedB,

    /// <summary>Aᵀ · B with A stored [k, m]: the gradient of a layer's weights.</summary>
    TransposedA,
}

/// <summary>
/// Where a norm's vectors lie: vector (r, h) starts at r·<paramref name="Stride"/> + h·<paramref name="Width"/>.
/// </summary>
/// <param name="Rows">rows</param> <param name="Heads">vectors in a row</param>
/// <param name="Width">elements of a vector</param> <param name="Stride">elements from one row to the next</param>
public readonly record struct HeadRows(int Rows, int Heads, int Width, int Stride);

/// <summary>
/// Attention's shape. A row of qkv is Heads query vectors, KvHeads key vectors, KvHeads value vectors, each DHead wide.
/// </summary>
public readonly record struct AttentionShape(int Heads, int KvHeads, int DHead)
{
    /// <summary>Elements of one row of qkv.</summary>
    public int Stride => (Heads + 2 * KvHeads) * DHead;

    /// <summary>Elements of one row of the output.</summary>
    public int OutputStride => Heads * DHead;
}

/// <summary>One AdamW update. Loshchilov &amp; Hutter 2019, arXiv:1711.05101.</summary>
/// <param name="Step">1 for the first update: the bias corrections</param>
/// <param name="GradientScale">multiplies every gradient first: the clip</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, int Step, float GradientScale);

/// <summary>How the next token is drawn.</summary>
/// <param name="Temperature">0 takes the most probable token</param>
/// <param name="TopK">0 keeps all</param> <param name="TopP">1 keeps all</param>
public sealed record SamplingRule(float Temperature = 1, int TopK = 0, float TopP = 1);

/// <summary>
/// The engine's operations on device memory. Two devices exist: <see cref="ReferenceDevice"/> is the definition (plain loops,
/// double sums), <see cref="CpuDevice"/> the fast one. A result depends on the operands alone, never on threads or on
/// neighbouring rows.
/// </summary>
/// <remarks>
/// Gradients of weights and gains are added to, element by element, in the order of the rows: cutting the rows of a step into
/// several calls cannot change a bit. Arguments are the caller's promise; they are checked in debug builds only.
/// </remarks>
public interface IDevice : IDisposable
{
    /// <summary>What computes, for the record: name and instruction set.</summary>
    string Name { get; }

    /// <summary>New memory, all zero, aligned to 64 bytes; it lives as long as the device.</summary>
    DeviceMemory Allocate(long length);

    /// <summary>Copies from the host.</summary>
    void Upload(ReadOnlySpan<float> from, DeviceMemory to);

    /// <summary>Copies from the host.</summary>
    void Upload(ReadOnlySpan<int> from, DeviceMemory to);

    /// <summary>Copies to the host.</summary>
    void Download(DeviceMemory from, Span<float> to);

    /// <summary>Copies to the host.</summary>
    void Download(DeviceMemory from, Span<int> to);

    /// <summary>Copies inside the device.</summary>
    void Copy(DeviceMemory from, DeviceMemory to);

    /// <summary>Sets every element to zero.</summary>
    void Clear(DeviceMemory x);

    /// <summary>y += x.</summary>
    void Add(DeviceMemory x, DeviceMemory y);

    /// <summary>y[r] = table[tokens[r]]; table [V, C], tokens int [rows], y [rows, C].</summary>
    void Embed(DeviceMemory table, DeviceMemory tokens, DeviceMemory y, int rows, int C);

    /// <summary>dTable[tokens[r]] += dy[r].</summary>
    void EmbedBackward(DeviceMemory tokens, DeviceMemory dy, DeviceMemory dTable, int rows, int C);

    /// <summary>y = gain ⊙ x·s, s = 1/√(mean(x²) + epsilon). Zhang &amp; Sennrich 2019, arXiv:1910.07467.</summary>
    /// <param name="s">[Rows·Heads] out, kept for the backward pass</param>
    void RmsNorm(DeviceMemory x, DeviceMemory gain, DeviceMemory y, DeviceMemory s, HeadRows shape, float epsilon);

    /// <summary>dGain += Σ dy⊙x̂;  dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)), x̂ = x·s.</summary>
    /// <param name="accumulate">true adds to dx, false overwrites it; dx may be dy</param>
    void RmsNormBackward(DeviceMemory x, DeviceMemory gain, DeviceMemory s, DeviceMemory dy, DeviceMemory dx, DeviceMemory dGain,
        HeadRows shape, bool accumulate);

    /// <summary>C (+)= A·B. Every element is one chain of multiply-adds over ascending k, begun at C or at zero.</summary>
    /// <param name="packed">B as <see cref="Pack"/> laid it out for this form, or default</param>
    /// <param name="accumulate">true adds to C, false overwrites it</param>
    /// <remarks>2·m·n·k flops.</remarks>
    void MatMul(Form form, DeviceMemory a, DeviceMemory b, DeviceMemory packed, DeviceMemory c, int m, int n, int k,
        bool accumulate);

    /// <summary>Elements that <see cref="Pack"/> writes for a B of k × n.</summary>
    long PackedLength(int n, int k);

    /// <summary>Lays B out for products of this form; once an update where B is a weight.</summary>
    void Pack(Form form, DeviceMemory b, DeviceMemory packed, int n, int k);

    /// <summary>
    /// Rotates the halves of each head's vector by position in place. Su et al. 2021, arXiv:2104.09864;
    /// the half-split of published checkpoints.
    /// </summary>
    /// <param name="table">[positions, Width]: cosines of the Width/2 angles, then their sines</param>
    /// <param name="positions">int [Rows]</param> <param name="inverse">true rotates back: the backward pass</param>
    void Rope(DeviceMemory x, DeviceMemory table, DeviceMemory positions, HeadRows shape, bool inverse);

    /// <summary>
    /// softmax(q·kᵀ/√D)·v, causal within each sequence; no [T, T] matrix is kept. Dao et al. 2022, arXiv:2205.14135.
    /// </summary>
    /// <param name="qkv">[rows, shape.Stride], q and k already rotated</param>
    /// <param name="offsets">first row of each sequence, then the number of rows; sequences do not see each other</param>
    /// <param name="y">[rows, Heads·DHead] out</param> <param name="lse">[Heads, rows] out: log Σ exp of the scores, nats</param>
    void Attention(DeviceMemory qkv, ReadOnlySpan<int> offsets, DeviceMemory y, DeviceMemory lse, AttentionShape shape);

    /// <summary>dqkv = gradient of <see cref="Attention"/>, overwritten.</summary>
    void AttentionBackward(DeviceMemory qkv, DeviceMemory y, DeviceMemory lse, DeviceMemory dy, DeviceMemory dqkv,
        ReadOnlySpan<int> offsets, AttentionShape shape);

    /// <summary>Elements of a cache of so many pages of 16 tokens, one layer.</summary>
    long KvCacheLength(int pages, AttentionShape shape);

    /// <summary>
    /// Writes each row's key and value into its slot's page at its position, all rows; then each attends to all positions up to
    /// its own. So a row may see, in a page that slots share, what another slot's row of the same call writes.
    /// </summary>
    /// <param name="pages">[slots, slotPages]: the page of 16 positions each; those beyond a slot's last row are not read</param>
    /// <param name="slots">slot of each row</param> <param name="positions">position of each row</param>
    /// <remarks>Bit for bit what <see cref="Attention"/> gives for that row.</remarks>
    void AttentionCached(DeviceMemory qkv, DeviceMemory cache, ReadOnlySpan<int> pages, int slotPages, ReadOnlySpan<int> slots,
        ReadOnlySpan<int> positions, DeviceMemory y, AttentionShape shape);

    /// <summary>y = silu(gate) ⊙ up. Shazeer 2020, arXiv:2002.05202.</summary>
    /// <param name="gateUp">[rows, 2·width]: gate, then up</param> <param name="y">[rows, width]</param>
    void SwiGlu(DeviceMemory gateUp, DeviceMemory y, int rows, int width);

    /// <summary>dGateUp = gradient of <see cref="SwiGlu"/>, overwritten; it may be gateUp.</summary>
    void SwiGluBackward(DeviceMemory gateUp, DeviceMemory dy, DeviceMemory dGateUp, int rows, int width);

    /// <summary>nll[r] = log Σ exp(logits[r]) − logits[r, targets[r]], nats.</summary>
    /// <param name="dWeights">
    /// [rows] factor of each row's gradient; with it, logits become dWeights[r]·(softmax − onehot). default: logits stay
    /// </param>
    void CrossEntropy(DeviceMemory logits, DeviceMemory targets, DeviceMemory dWeights, DeviceMemory nll, int rows, int V);

    /// <summary>Updates parameters and moments from the gradients, one pass.</summary>
    void AdamW(DeviceMemory p, DeviceMemory g, DeviceMemory m, DeviceMemory v, in AdamWStep step);

    /// <summary>Σ x², in doubles, by fixed chunks.</summary>
    double SumSquares(DeviceMemory x);

    /// <summary>
    /// Draws a token for each row and gives its log-probability at temperature 1 (nats),
    /// equal to −nll of <see cref="CrossEntropy"/>.
    /// </summary>
    /// <param name="logits">[rows, V], kept</param> <param name="uniforms">[rows] in [0, 1)</param>
    void Sample(DeviceMemory logits, ReadOnlySpan<float> uniforms, SamplingRule rule, Span<int> tokens, Span<float> logProbs,
        int V);
}
