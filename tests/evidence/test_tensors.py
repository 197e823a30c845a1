"""Tensors and layers."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "torch",
        "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Linear(10, 5), nn.ReLU(), nn.Linear(4, 2))\nx = torch.zeros(3, 10)\nmodel(x)",
        "tensors",
        [
            ("x", "Tensor 3x10 float32"),
            ("model[2]", "is Linear(in_features=4, out_features=2); it was given input Tensor 3x5 float32"),
        ],
    ),
    (
        "torch",
        "import torch\na, b = torch.zeros(3, 4), torch.zeros(4, 4, dtype=torch.float64)\na @ b",
        "tensors",
        [("a", "float32"), ("b", "float64")],
    ),
    (
        "torch",
        "import torch\nfrom torch import nn\nmodel = nn.Linear(2, 3)\nmodel.load_state_dict({'weight': torch.zeros(3, 4)})",
        "state_dict",
        [(None, "1 weights missing: 'bias'"), (None, "weight: given Tensor 3x4 torch.float32 on cpu, model Parameter 3x2")],
    ),
    (
        "torch",
        "import torch\nfrom torch import nn\nmodel = nn.Linear(2, 3)\nsaved = {'module.weight': torch.zeros(3, 2), 'module.bias': torch.zeros(3)}\nmodel.load_state_dict(saved)",
        "state_dict",
        [(None, "without the prefix 'module.' of the given names they are the same")],
    ),
    (
        "torch",
        "import torch\nfrom torch import nn\nscores, labels = torch.zeros(2, 3), torch.tensor([1, 3])\nnn.CrossEntropyLoss()(scores, labels)",
        "class_range",
        [("labels", "goes from 1 to 3; valid are 0 to 2")],
    ),
    (
        "torch",
        "import torch\nfrom torch import nn\nwords = nn.Embedding(10, 4)\nids = torch.tensor([[1, 12]])\nwords(ids)",
        "class_range",
        [("ids", "goes from 1 to 12; valid are 0 to 9")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Shapes, dtypes and what the layer was built for."""
    finds(case)
