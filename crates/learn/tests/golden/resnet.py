"""Outputs of torchvision's residual networks for weights and a picture that a formula gives, for src/encoder/tests.rs.

python3 -m venv venv && venv/bin/pip install torch torchvision && venv/bin/python resnet.py
"""
import numpy as np
import torch
import torchvision


def values(seed, shape, low, high):
    """The number at position i is a hash of i and the seed, spread from low to high."""
    i = np.arange(int(np.prod(shape)), dtype=np.uint64)
    hashed = (i * np.uint64(2654435761) + np.uint64(seed) * np.uint64(40503)) & np.uint64(0xFFFFFFFF)
    hashed = (hashed * np.uint64(2246822519) + np.uint64(374761393)) & np.uint64(0xFFFFFFFF)
    spread = (hashed >> np.uint64(8)).astype(np.float32) / np.float32(1 << 24)
    return torch.from_numpy((low + (high - low) * spread).astype(np.float32).reshape(shape))


def fill(network):
    """Every tensor but the last layer's, in the order of their names."""
    names = sorted(k for k in network.state_dict() if not k.startswith("fc.") and not k.endswith("num_batches_tracked"))
    state = network.state_dict()
    for seed, name in enumerate(names):
        shape = tuple(state[name].shape)
        if name.endswith("running_var"):
            low, high = 0.5, 1.5
        elif len(shape) == 1:
            low, high = -0.2, 0.4
        else:
            bound = (6.0 / np.prod(shape[1:])) ** 0.5
            low, high = -bound, bound
        state[name] = values(seed, shape, low, high)
    network.load_state_dict(state)
    network.fc = torch.nn.Identity()
    return network.eval()


mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
deviation = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
picture = values(1000, (2, 3, 40, 40), 0.0, 1.0)
for name in ("resnet18", "resnet50"):
    network = fill(getattr(torchvision.models, name)(weights=None))
    with torch.no_grad():
        features = network((picture - mean) / deviation)
    print(name, features.shape, [float(f"{v:.6g}") for v in features[1, :6]], f"mean {features.mean():.6g}")
