"""What the SigLIP juror is compared with: a tiny SigLIP with random numbers, and what `transformers` makes of a photo.

    pip install transformers==5.24.0 torch==2.15.0 safetensors==0.8.0 pillow==13.0.0 numpy==2.4.6
    python siglip.py

writes into `siglip/` beside this file:

- `config.json`, `model.safetensors`: a whole SigLIP, with the text tower that the juror leaves out
- `aesthetic_predictor_v2_5.pth`: a head in bf16, laid out as the real one is: every tensor a view into one storage, which
  is said to live on a graphics card
- `photo.png`, and `resized.png`: what Pillow makes of it for the model
- `expected.json`: the model's `pooler_output` of `resized.png`, the score of the head, and its layers folded to one
"""

import json
from collections import OrderedDict
from pathlib import Path
from unittest import mock

import numpy
import torch
from PIL import Image
from transformers import SiglipConfig, SiglipModel

FOLDER = Path(__file__).parent / "siglip"
# 31 pixels are four patches of 7 and a rest that the model does not look at, as 384 are 27 of 14 and a rest.
VISION = dict(
    hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, image_size=31, patch_size=7,
    layer_norm_eps=1e-6, hidden_act="gelu_pytorch_tanh",
)
TEXT = dict(
    vocab_size=11, hidden_size=24, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
    max_position_embeddings=4, projection_size=24,
)
HEAD = [24, 16, 8, 4, 2, 1]


def encoder():
    model = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=VISION)).eval()
    with torch.no_grad():
        # As they are initialised, biases are zero and norms are one, and mixing them up would not be noticed.
        for name, parameter in model.named_parameters():
            offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            parameter.copy_(offset + 0.25 * torch.randn_like(parameter))
    return model


def head():
    shapes = OrderedDict()
    for number, (inputs, outputs) in enumerate(zip(HEAD, HEAD[1:])):
        # Dropouts lie between the layers.
        shapes[f"scoring_head.{2 * number}.weight"] = (outputs, inputs)
        shapes[f"scoring_head.{2 * number}.bias"] = (outputs,)
    storage = (0.7 * torch.randn(sum(numpy.prod(shape) for shape in shapes.values()))).to(torch.bfloat16)
    tensors, offset = OrderedDict(), 0
    for name, shape in shapes.items():
        count = int(numpy.prod(shape))
        tensors[name] = storage[offset : offset + count].view(shape)
        offset += count
    # Scores in the middle, where nothing is cut off.
    tensors[f"scoring_head.{2 * (len(HEAD) - 2)}.bias"].fill_(5.0)
    return tensors


def photo():
    """A gradient with a disc and noise."""
    y, x = numpy.mgrid[0:53, 0:67]
    noise = numpy.random.default_rng(5).integers(-25, 26, (53, 67, 3))
    disc = (numpy.hypot(x - 40, y - 20) < 14)[..., None] * numpy.array([90, -60, 30])
    colours = numpy.stack([3 * x, 4 * y, 255 - 2 * x - y], axis=-1)
    return Image.fromarray(numpy.clip(colours + disc + noise, 0, 255).astype(numpy.uint8))


def main():
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True)
    FOLDER.mkdir(exist_ok=True)
    model, layers = encoder(), head()
    model.save_pretrained(FOLDER)
    with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
        torch.save(layers, FOLDER / "aesthetic_predictor_v2_5.pth")

    picture = photo()
    picture.save(FOLDER / "photo.png")
    resized = picture.resize((VISION["image_size"],) * 2, Image.Resampling.BICUBIC)
    resized.save(FOLDER / "resized.png")

    pixels = (torch.from_numpy(numpy.array(resized)).permute(2, 0, 1).float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        pooled = model.vision_model(pixel_values=pixels[None]).pooler_output[0]
        score = (pooled / pooled.norm()).double()
        weight, bias = torch.eye(HEAD[0], dtype=torch.float64), torch.zeros(HEAD[0], dtype=torch.float64)
        for number in range(len(HEAD) - 1):
            factor, term = (layers[f"scoring_head.{2 * number}.{part}"].double() for part in ("weight", "bias"))
            score = factor @ score + term
            weight, bias = factor @ weight, factor @ bias + term
    expected = {"pooler_output": pooled.tolist(), "score": score.item(), "weight": weight[0].tolist(), "bias": bias.item()}
    (FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")
    print(f"score {score.item():.5f}, norm of pooler_output {pooled.norm().item():.3f}")


if __name__ == "__main__":
    main()
