"""The training step of benches/convolution.rs in PyTorch: prints its median time in milliseconds.

Usage: python torch_nature_cnn.py [threads, 2 unless said]
"""

import statistics
import sys
import time

import torch
from torch import nn

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
torch.set_num_threads(threads)
torch.manual_seed(1)
network = nn.Sequential(
    nn.Conv2d(3, 32, 8, 4), nn.ReLU(),
    nn.Conv2d(32, 64, 4, 2), nn.ReLU(),
    nn.Conv2d(64, 64, 3, 1), nn.ReLU(),
    nn.Flatten(),
    nn.Linear(3136, 512), nn.ReLU(),
    nn.Linear(512, 8),
)
adam = torch.optim.Adam(network.parameters(), lr=1e-4)
images = torch.rand(64, 3, 84, 84)


def step():
    start = time.perf_counter()
    loss = network(images).square().mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return (time.perf_counter() - start) * 1e3


for _ in range(5):
    step()
median = statistics.median(step() for _ in range(30))
print(f"PyTorch {torch.__version__}, {threads} threads: {median:.1f} ms")
