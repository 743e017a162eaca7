namespace Isoflop.Kernels;

/// <summary>
/// Which operands of C = A·B are stored transposed. A is [m, k], B is [k, n], C is [m, n], all row-major and dense.
/// </summary>
public enum MatMulLayout
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

    internal HeadRows Vectors(int rows, int heads) => new(rows, heads, DHead, Stride);

    internal DeviceSpan<float> Keys(DeviceSpan<float> qkv) => qkv.Slice(OutputStride, qkv.Length - OutputStride);
}

/// <summary>One AdamW update. Loshchilov &amp; Hutter 2019, arXiv:1711.05101.</summary>
/// <param name="Step">1 for the first update: the bias corrections</param>
/// <param name="Clip">largest norm of the whole gradient that is let through; 0 lets all through</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, int Step, double Clip);

/// <summary>How the next token is drawn.</summary>
/// <param name="Temperature">0 takes the most probable token</param>
/// <param name="TopK">0 keeps all</param> <param name="TopP">1 keeps all</param>
public sealed record SamplingRule(float Temperature = 1, int TopK = 0, float TopP = 1);

/// <summary>Names a random number, with the seed: the first of the stream (seed, Sample, Step, Stream).</summary>
/// <param name="Stream">below 2⁴⁸</param> <param name="Step">below 2⁴⁰</param>
public readonly record struct RandomKey(long Stream, long Step);

/// <summary>A token that was drawn.</summary>
/// <param name="LogProb">at temperature 1, nats</param>
public readonly record struct SampledToken(int Token, float LogProb);

/// <summary>
/// The engine's operations on device memory; <see cref="Devices"/> opens one. "cpu:reference" is the definition (plain loops,
/// double sums), "cpu" the fast one. A result depends on the operands alone, never on threads or on neighbouring rows.
/// </summary>
/// <remarks>
/// Gradients of weights and gains are added to, element by element, in the order of the rows, each group of rows to its own:
/// in float32 cutting a step into several calls cannot change a bit (where sums go by blocks of rows: at whole blocks). Arguments
/// are the caller's promise; they are checked in debug builds only. Nothing comes back to the host but by
/// <see cref="Download"/>: a device may run behind its caller until then.
/// </remarks>
public interface IDevice : IDisposable
{
    /// <summary>What it is.</summary>
    DeviceTraits Traits { get; }

    /// <summary>
    /// At most so many devices that share this one's memory and threads: work of no common step runs on them side by side.
    /// </summary>
    DeviceLanes Split(int most) => new(this);

    // ---- memory: DeviceMemory and DeviceCopies are its typed face -------------------------------------------------------------

    /// <summary>New memory, all zero, aligned to 64 bytes; it lives until it is freed, at most as long as the device.</summary>
    nint Allocate(long bytes);

    /// <summary>
    /// The same for so many activations: floats that the layers' operations pass on, and nothing else may take. A device may keep
    /// them in fewer bits: <see cref="DeviceTraits.ActivationBytes"/>. All of an operation's are of this memory, or none.
    /// </summary>
    nint AllocateActivations(long count);

    /// <summary>Gives memory back. After the device's end it has nothing to do.</summary>
    void Free(nint memory);

    /// <summary>Copies from the host, which may change its copy at once.</summary>
    void Upload(ReadOnlySpan<byte> from, nint to);

    /// <summary>Copies to the host, after all that was asked before.</summary>
    void Download(nint from, Span<byte> to);

    /// <summary>What was asked need not wait for a download to begin.</summary>
    void Send() { }

    /// <summary>Copies inside the device.</summary>
    void Copy(nint from, nint to, long bytes);

    /// <summary>Sets all bytes to zero.</summary>
    void Clear(nint x, long bytes);

    // ---- layers ---------------------------------------------------------------------------------------------------------------

    /// <summary>y += x.</summary>
    void Add(DeviceSpan<float> x, DeviceSpan<float> y);

    /// <summary>y[r] = table[tokens[r]]; table [V, C], tokens [rows], y [rows, C].</summary>
    void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C);

    /// <summary>dTable[tokens[r]] += dy[r].</summary>
    /// <param name="dTable">[V, C], of the first group</param>
    void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C,
        PassPlan.Groups groups = default);

    /// <summary>y = gain ⊙ x·s, s = 1/√(mean(x²) + epsilon). Zhang &amp; Sennrich 2019, arXiv:1910.07467.</summary>
    /// <param name="s">[Rows·Heads] out, kept for the backward pass</param>
    void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape,
        float epsilon);

    /// <summary>dGain += Σ dy⊙x̂;  dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)), x̂ = x·s.</summary>
    /// <param name="accumulate">true adds to dx, false overwrites it; dx may be dy</param>
    void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy,
        DeviceSpan<float> dx, DeviceSpan<float> dGain, HeadRows shape, bool accumulate, PassPlan.Groups groups = default);

    /// <summary>
    /// C = start + A·B. Every element is one chain of multiply-adds over ascending k, begun at start's; in bf16 see
    /// <see cref="Precision"/>.
    /// </summary>
    /// <param name="start">[m, n], may be C itself; default: zeros</param>
    /// <param name="groups">of the rows that TransposedA sums over: a C and a start for each</param>
    /// <remarks>2·m·n·k flops.</remarks>
    void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start = default, PassPlan.Groups groups = default);

    /// <summary>A matrix of weights as products read it; before the first one it wants its update.</summary>
    /// <param name="values">[outputs, inputs]</param> <param name="backward">false: only forward products will come</param>
    PreparedWeight Prepare(DeviceSpan<float> values, int outputs, int inputs, bool backward) => new(values, outputs, inputs);

    /// <summary>The same product with B a weight of this device.</summary>
    /// <param name="layout">TransposedB: C [m, outputs] of A [m, inputs]; Plain: C [m, inputs] of A [m, outputs]</param>
    void MatMul(MatMulLayout layout, DeviceSpan<float> a, PreparedWeight b, DeviceSpan<float> c, int m,
        DeviceSpan<float> start = default)
    {
        (int n, int k) = layout == MatMulLayout.TransposedB ? (b.Outputs, b.Inputs) : (b.Inputs, b.Outputs);
        MatMul(layout, a, b.Values, c, m, n, k, start);
    }

    /// <summary>dW += dyᵀ·x, group by group; dx = dy·W. dx is neither of the others.</summary>
    /// <param name="dw">[Outputs, Inputs], of the first group</param>
    void MatMulBackward(DeviceSpan<float> dy, DeviceSpan<float> x, PreparedWeight w, DeviceSpan<float> dw, DeviceSpan<float> dx,
        int rows, PassPlan.Groups groups)
    {
        MatMul(MatMulLayout.TransposedA, dy, x, dw, w.Outputs, w.Inputs, rows, dw, groups);
        MatMul(MatMulLayout.Plain, dy, w, dx, rows);
    }

    /// <summary>
    /// Rotates the halves of each head's vector by position in place. Su et al. 2021, arXiv:2104.09864;
    /// the half-split of published checkpoints.
    /// </summary>
    /// <param name="table">[positions, Width]: cosines of the Width/2 angles, then their sines</param>
    /// <param name="positions">[Rows]</param> <param name="inverse">true rotates back: the backward pass</param>
    void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse);

    /// <summary>Queries and keys become <see cref="RmsNorm"/>'s and are rotated, <see cref="Rope"/>; values are copied.</summary>
    /// <param name="raw">[rows, shape.Stride]</param> <param name="rotated">likewise, out; not raw</param>
    /// <param name="gains">DHead of queries first, as many of keys last</param>
    /// <param name="scales">[rows·Heads], then [rows·KvHeads] out, kept for the backward pass</param>
    void NormRotate(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> rotated, DeviceSpan<float> scales,
        DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape, float epsilon)
    {
        this.Copy(raw.Slice(0, (long)rows * shape.Stride), rotated);
        RmsNorm(raw, gains.Slice(0, shape.DHead), rotated, scales, shape.Vectors(rows, shape.Heads), epsilon);
        RmsNorm(shape.Keys(raw), gains.Slice(gains.Length - shape.DHead, shape.DHead), shape.Keys(rotated),
            scales.Slice(rows * shape.Heads, rows * shape.KvHeads), shape.Vectors(rows, shape.KvHeads), epsilon);
        Rope(rotated, table, positions, shape.Vectors(rows, shape.Heads + shape.KvHeads), inverse: false);
    }

    /// <summary>d, the gradient of what <see cref="NormRotate"/> gave, becomes that of raw; dGains are added to.</summary>
    void NormRotateBackward(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> scales, DeviceSpan<float> d,
        DeviceSpan<float> dGains, DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape,
        PassPlan.Groups groups = default)
    {
        Rope(d, table, positions, shape.Vectors(rows, shape.Heads + shape.KvHeads), inverse: true);
        long keys = gains.Length - shape.DHead;
        RmsNormBackward(raw, gains.Slice(0, shape.DHead), scales, d, d, dGains.Slice(0, shape.DHead),
            shape.Vectors(rows, shape.Heads), accumulate: false, groups);
        RmsNormBackward(shape.Keys(raw), gains.Slice(keys, shape.DHead), scales.Slice(rows * shape.Heads, rows * shape.KvHeads),
            shape.Keys(d), shape.Keys(d), dGains.Slice(keys, shape.DHead), shape.Vectors(rows, shape.KvHeads), false, groups);
    }

    /// <summary>
    /// softmax(q·kᵀ/√D)·v, causal within each sequence; no [T, T] matrix is kept. Dao et al. 2022, arXiv:2205.14135.
    /// </summary>
    /// <param name="qkv">[rows, shape.Stride], q and k already rotated</param>
    /// <param name="y">[rows, Heads·DHead] out</param> <param name="lse">[Heads, rows] out: log Σ exp of the scores, nats</param>
    void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse, AttentionShape shape);

    /// <summary>dqkv = gradient of <see cref="Attention"/>, overwritten.</summary>
    void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy,
        DeviceSpan<float> dqkv, PassPlan plan, AttentionShape shape);

    /// <summary>Bytes of a page of keys and values, one layer.</summary>
    long KvPageBytes(AttentionShape shape);

    /// <summary>
    /// Writes each row's key and value into its slot's page at its position, all rows; then each attends to all positions up to
    /// its own. So a row may see, in a page that slots share, what another slot's row of the same call writes.
    /// </summary>
    /// <param name="cache">pages of <see cref="KvPageBytes"/></param>
    /// <remarks>Bit for bit what <see cref="Attention"/> gives for that row, where the device is batch-invariant.</remarks>
    void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y,
        AttentionShape shape);

    /// <summary>y = silu(gate) ⊙ up. Shazeer 2020, arXiv:2002.05202.</summary>
    /// <param name="gateUp">[rows, 2·width]: gate, then up</param> <param name="y">[rows, width]</param>
    void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width);

    /// <summary>dGateUp = gradient of <see cref="SwiGlu"/>, overwritten; it may be gateUp.</summary>
    void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows, int width);

    // ---- logits ---------------------------------------------------------------------------------------------------------------

    /// <summary>nll[r] = log Σ exp(logits[r]) − logits[r, targets[r]], nats.</summary>
    /// <param name="weights">
    /// [rows]; with it, logits become weights[r]/totalWeight·(softmax − onehot). default: logits stay
    /// </param>
    /// <param name="gradient">that goes there instead, to activations, where a device keeps them in fewer bits</param>
    void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V, DeviceSpan<float> gradient = default);

    /// <summary>Logits become log-probabilities, nats: to the bit −nll of <see cref="CrossEntropy"/>.</summary>
    void LogSoftmax(DeviceSpan<float> logits, int rows, int V);

    /// <summary>
    /// Draws a token for each row and gives its log-probability, equal to −nll of <see cref="CrossEntropy"/>. A row's uniform is
    /// the one that its key names: <see cref="Rng"/>.
    /// </summary>
    /// <param name="logits">[rows, V], kept</param> <param name="draws">[rows]</param> <param name="into">[rows]</param>
    void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V);

    // ---- a step's end ---------------------------------------------------------------------------------------------------------

    /// <summary>sum[0] += Σ weights[r]·nll[r], in doubles, row by row.</summary>
    void AddLoss(DeviceSpan<float> weights, DeviceSpan<float> nll, int rows, DeviceSpan<double> sum);

    /// <summary>
    /// x[0] becomes the sum of x[0] … x[count − 1], each of x.Length / count elements, added as a tree of neighbours: what it is
    /// does not hang on who made which.
    /// </summary>
    void SumShards(DeviceSpan<float> x, int count)
    {
        long length = x.Length / count;
        for (int step = 1; step < count; step *= 2)
            for (int i = 0; i + step < count; i += 2 * step)
                Add(x.Slice((i + step) * length, length), x.Slice(i * length, length));
    }

    /// <summary>sum[0] = Σ x², in doubles, by fixed chunks.</summary>
    void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum);

    /// <summary>
    /// Updates parameters and moments from the gradients, one pass; the gradients are first scaled to a norm of at most the clip.
    /// </summary>
    /// <param name="sums">[2]: of the loss and of the squares of all gradients; is one not finite, nothing is changed</param>
    void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step);

    /// <summary>
    /// Gradients become directions, in place, and their moments are brought up to date: Adam's m̂/(√v̂ + ε), or Nesterov's
    /// momentum. They are scaled and refused as <see cref="AdamW"/>'s.
    /// </summary>
    /// <param name="v">second moments; default: momentum alone, β₁</param>
    void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums, in AdamWStep step);

    /// <summary>y = a·x + b·y, all of x's length; y may be x, and is not read where b is 0.</summary>
    /// <param name="ratio">
    /// [2]: a is multiplied by the root of the first over the second, by 0 where that is 0; default: by 1
    /// </param>
    void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio = default);
}
