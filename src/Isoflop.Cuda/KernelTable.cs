namespace Isoflop.Cuda;

/// <summary>Every kernel by name; those that multiply by kind of operand, of attention by width of head too.</summary>
sealed class KernelTable
{
    static readonly int[] widths = [16, 32, 64, 128];
    static readonly KernelTable bf16 = new("bf16"), single = new("float");

    KernelTable(string operand)
    {
        (Operand, OperandBytes) = (operand, operand == "bf16" ? 2 : 4);
        Plain = new(Of("matmul", "matmul_plain_large", 256), Of("matmul", "matmul_plain_small", 128));
        TurnedB = new(Of("matmul", "matmul_turned_b_large", 256), Of("matmul", "matmul_turned_b_small", 128));
        TurnedA = new(Of("matmul", "matmul_turned_a_large", 256), Of("matmul", "matmul_turned_a_small", 128));
        Backward = Of("matmul", "matmul_backward", 128);
        Attention = ByHead("attention", "attention", 128);
        QueryGradient = ByHead("attention_backward", "attention_dq", 128);
        KeyGradient = ByHead("attention_backward", "attention_dkv", 128);
        BothGradients = operand == "bf16" ? ByHead("attention_backward", "attention_dqkv", 128) : [];
        Delta = ByHead("attention_backward", "attention_delta", 256);
        Cached = ByHead("attention_cached", "attention_cached", 32);
        Append = ByHead("attention_cached", "cache_append", 128);
    }

    /// <summary>Of products and activations in bfloat16, or in float32.</summary>
    public static KernelTable For(bool single) => single ? KernelTable.single : bf16;

    /// <summary>"bf16" or "float".</summary>
    public string Operand { get; }

    public int OperandBytes { get; }

    /// <summary>A product's two tiles: 128 × 128 and 64 × 64.</summary>
    public sealed record Product(Kernel Large, Kernel Small);

    public Product Plain { get; }
    public Product TurnedB { get; }
    public Product TurnedA { get; }
    public Kernel Backward { get; }
    public Kernel[] Attention { get; }
    public Kernel[] QueryGradient { get; }
    public Kernel[] KeyGradient { get; }
    public Kernel[] BothGradients { get; }
    public Kernel[] Cached { get; }
    public Kernel[] Delta { get; }
    public Kernel[] Append { get; }

    public static readonly Kernel Copy = new("elementwise", "copy", 256), Add = new("elementwise", "add", 256),
        SumShards = new("elementwise", "sum_shards", 256), Embed = new("embed", "embed", 256),
        EmbedBackward = new("embed", "embed_backward", 256), RmsNorm = new("rmsnorm", "rms_norm", 256),
        RmsNormBackward = new("rmsnorm", "rms_norm_backward", 256),
        Rope = new("rope", "rope", 256), NormRotate = new("norm_rotate", "norm_rotate", 256),
        NormRotateParts = new("norm_rotate", "norm_rotate_parts", 256),
        NormRotateBackward = new("norm_rotate", "norm_rotate_backward", 256), SwiGlu = new("swiglu", "swiglu", 256),
        SwiGluBackward = new("swiglu", "swiglu_backward", 256), CrossEntropy = new("cross_entropy", "cross_entropy", 128),
        CrossEntropyLong = new("cross_entropy", "cross_entropy_long", 1024),
        LogSoftmax = new("cross_entropy", "log_softmax", 128), Sample = new("sample", "sample", 128),
        Loss = new("sums", "loss", 256), Squares = new("sums", "squares", 256),
        AdamW = new("adamw", "adamw", 256), Direction = new("adamw", "direction", 256),
        Axpby = new("elementwise", "axpby", 256), Round = new("elementwise", "round_operand", 256);

    /// <summary>A product by warpgroups, with tiles of 128 × 256 and of 128 × 128.</summary>
    public sealed record WarpgroupProduct(Kernel Wide, Kernel Narrow);

    public static readonly WarpgroupProduct ByWarpgroups = Warpgroup("plain"), ByWarpgroupsTurnedB = Warpgroup("turned_b"),
        ByWarpgroupsTurnedA = Warpgroup("turned_a"), BackwardByWarpgroups = Warpgroup("backward");

    static WarpgroupProduct Warpgroup(string layout) => new(new(WarpgroupProducts.Module, $"matmul_warpgroup_{layout}_wide", 288),
        new(WarpgroupProducts.Module, $"matmul_warpgroup_{layout}_narrow", 288));

    /// <summary>Which kernel takes heads of this width, and how wide its tiles are.</summary>
    /// <exception cref="ConfigException">No kernel does.</exception>
    public static (int Index, int Width) For(int head)
    {
        int i = 0;
        while (i < widths.Length && widths[i] < head) i++;
        return i < widths.Length ? (i, widths[i])
            : throw new ConfigException($"model.d_head={head}: a card takes heads of at most {widths[^1]}; " +
                "use more heads, or cpu");
    }

    Kernel Of(string module, string name, int threads) => new($"{module}.{Operand}", $"{name}_{Operand}", threads);

    Kernel[] ByHead(string module, string name, int threads) =>
        [.. widths.Select(w => Of($"{module}.{w}", $"{name}_{w}", threads))];
}
