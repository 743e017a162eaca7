"""Training steps of PyTorch on the bench's models, written as its users would: Llama's layers, fused attention, AdamW, clipping.

    python3 torch_train.py MODE THREADS SECONDS VOCAB CONTEXT WIDTH LAYERS HEADS FF SEQUENCES

MODE: eager, compile, eager-bf16, compile-bf16; on a card cuda-eager-bf16, cuda-compile-bf16, and cuda-graph-bf16, the whole step captured by hand as one
CUDA graph. Prints the median of tokens a second, or why it cannot run.
"""
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

place = "cuda" if sys.argv[1].startswith("cuda-") else "cpu"
mode, sizes = sys.argv[1].removeprefix("cuda-"), [int(a) for a in sys.argv[2:]]
threads, seconds, vocab, context, width, layers, heads, ff, sequences = sizes
if place == "cpu":
    torch.set_num_threads(threads)
torch.manual_seed(1)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, (width,), self.gain, 1e-5)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.gain


def rotate(x, cos, sin):
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def attention(q, k, v, mask):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = q @ k.transpose(-2, -1) / (q.shape[-1] ** 0.5) + mask
    return scores.softmax(-1) @ v


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = Norm(), Norm()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * ff, bias=False)
        self.down = nn.Linear(ff, width, bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, _ = x.shape
        q, k, v = (p.view(b, t, heads, -1).transpose(1, 2) for p in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        y = attention(rotate(q, cos, sin), rotate(k, cos, sin), v, mask)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, width))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.norm = Norm()
        self.head = nn.Linear(width, vocab, bias=False)
        half = width // heads // 2
        angles = torch.arange(context)[:, None] * 10_000 ** (-torch.arange(half) / half)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin, self.mask)
        return F.cross_entropy(self.head(self.norm(x)).view(-1, vocab).float(), targets.view(-1))


def optimiser(parameters):
    settings = dict(lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, capturable=mode.startswith("graph"))
    try:
        return torch.optim.AdamW(parameters, fused=True, **settings)
    except (RuntimeError, TypeError):
        return torch.optim.AdamW(parameters, foreach=True, **settings)


if mode.startswith("compile") and not hasattr(torch, "compile"):
    sys.exit(f"torch {torch.__version__} has no torch.compile")
model = Model().to(place)
adam = optimiser(model.parameters())
run = torch.compile(model) if mode.startswith("compile") else model
tokens, targets = (torch.randint(vocab, (sequences, context), device=place) for _ in range(2))


def step():
    adam.zero_grad(set_to_none=True)
    with torch.autocast(place, dtype=torch.bfloat16, enabled=mode.endswith("bf16")):
        loss = run(tokens, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adam.step()


for _ in range(2 if place == "cpu" else 10):
    step()
if mode.startswith("graph"):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    step = graph.replay
times, begin = [], time.perf_counter()
while len(times) < 3 or time.perf_counter() - begin < seconds:
    start = time.perf_counter()
    step()
    if place == "cuda":
        torch.cuda.synchronize()
    times.append(time.perf_counter() - start)
print(sequences * context / statistics.median(times))
