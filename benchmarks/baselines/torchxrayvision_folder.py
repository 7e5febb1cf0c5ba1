"""A folder of 8-bit JPEG and PNG files through torchxrayvision, as its README reads and classifies an image.

``python torchxrayvision_folder.py FOLDER TABLE`` writes each file's probability of each finding.
Weights are random: time does not depend on them.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import skimage.io
import torch
import torchvision
import torchxrayvision as xrv

transform = torchvision.transforms.Compose([xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)])


def prepare(path: Path) -> torch.Tensor:
    """Read an image as torchxrayvision's README does."""
    image = skimage.io.imread(path)
    image = xrv.datasets.normalize(image, 255)
    if image.ndim == 3:
        image = image.mean(2)
    return torch.from_numpy(transform(image[None]).astype(np.float32))


def main(folder: Path, table: Path) -> None:
    """Classify every file, one after the other."""
    model = xrv.models.DenseNet(weights=None).eval()  # DenseNet-121
    with table.open("w", newline="") as file, torch.no_grad():
        writer = csv.writer(file)
        writer.writerow(["image", *xrv.datasets.default_pathologies])
        for path in sorted(folder.iterdir()):
            outputs = torch.sigmoid(model(prepare(path)[None]))
            writer.writerow([path.name, *outputs[0].tolist()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
