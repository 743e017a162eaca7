#include "logits.h"

// nll[r] = −ln softmax(logits[r])[targets[r]], nats; with weights, the gradient, which may be in the logits' place, becomes
// weights[r]/total·(softmax − onehot). A block a row, of a long one a large block. Without targets logits become log-probabilities.
struct CrossEntropyArgs
{
    float* logits; const int* targets; const float* weights; float* nll; Activations gradient; double total; int rows, V;
};

template <int Threads> DEVICE void cross_entropy_of(const CrossEntropyArgs& a)
{
    for (int r = block_x(); r < a.rows; r += blocks_x())
    {
        float* x = a.logits + (long long)r * a.V;
        float max, sum;
        max_and_sum<Threads>(x, a.V, max, sum);
        int target = a.targets[r];
        float logit = x[target];
        block_barrier();                                     // all have read it, before it is overwritten
        if (thread() == 0) a.nll[r] = nll_of(logit, max, logarithm(sum));
        if (!a.weights) continue;
        float weight = (float)(a.weights[r] / a.total), scale = weight / sum;
        with_elements(a.gradient + (long long)r * a.V, [&](auto d)
        {
            const int Ahead = 4;                             // loads under way before the first is stored
            for (int first = thread(); first < a.V; first += Ahead * Threads)
            {
                float held[Ahead];
#pragma unroll
                for (int j = 0; j < Ahead; j++)
                {
                    int i = first + j * Threads;
                    held[j] = i < a.V ? x[i] : 0;
                }
#pragma unroll
                for (int j = 0; j < Ahead; j++)
                {
                    int i = first + j * Threads;
                    if (i < a.V) d.put(i, exponential(held[j] - max) * scale - (i == target ? weight : 0));
                }
            }
        });
    }
}

KERNEL(cross_entropy, CrossEntropyArgs, RowThreads) { cross_entropy_of<RowThreads>(a); }

KERNEL(cross_entropy_long, CrossEntropyArgs, LongThreads) { cross_entropy_of<LongThreads>(a); }

KERNEL(log_softmax, CrossEntropyArgs, RowThreads)
{
    for (int r = block_x(); r < a.rows; r += blocks_x())
    {
        float* x = a.logits + (long long)r * a.V;
        float max, sum;
        max_and_sum<RowThreads>(x, a.V, max, sum);
        double log = logarithm(sum);
        for (int i = thread(); i < a.V; i += RowThreads) x[i] = -nll_of(x[i], max, log);
    }
}
