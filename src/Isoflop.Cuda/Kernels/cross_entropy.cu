#include "logits.h"

// nll[r] = −ln softmax(logits[r])[targets[r]], nats; with weights, logits become weights[r]/total·(softmax − onehot). A block a
// row, of a long one a large block. Without targets logits become log-probabilities.
struct CrossEntropyArgs { float* logits; const int* targets; const float* weights; float* nll; double total; int rows, V; };

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
#pragma unroll 4
        for (int i = thread(); i < a.V; i += Threads)
            x[i] = exponential(x[i] - max) * scale - (i == target ? weight : 0);
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
