"""Build the listed networks with timm, and write their sizes to `src/hilum/backbone/catalogue.json`.

Run ``python tools/catalogue.py`` after a change of the list or of timm's version.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from hilum.backbone.catalogue import EMBEDDED, Entry
from hilum.backbone.network import FeatureExtractor
from hilum.backbone.weights import EMBEDDED_MEAN, EMBEDDED_STD, create, find
from hilum.files import write_json

TARGET = Path(__file__).parents[1] / "src" / "hilum" / "backbone" / "catalogue.json"

NETWORKS = {
    "efficientnet_lite0": ("EfficientNet-Lite0", "Tan and Le 2019, arXiv:1905.11946"),
    "vgg16": ("VGG16", "Simonyan and Zisserman 2015, arXiv:1409.1556"),
    "vgg19": ("VGG19", "Simonyan and Zisserman 2015, arXiv:1409.1556"),
    "legacy_xception": ("Xception", "Chollet 2017, arXiv:1610.02357"),
    "resnetv2_50": ("ResNet-50 V2 (pre-activation)", "He et al. 2016, arXiv:1603.05027"),
    "resnet18": ("ResNet-18", "He et al. 2016, arXiv:1512.03385"),
    "resnet34": ("ResNet-34", "He et al. 2016, arXiv:1512.03385"),
    "resnet50": ("ResNet-50", "He et al. 2016, arXiv:1512.03385"),
    "resnet101": ("ResNet-101", "He et al. 2016, arXiv:1512.03385"),
    "densenet121": ("DenseNet-121", "Huang et al. 2017, arXiv:1608.06993"),
    "densenet169": ("DenseNet-169", "Huang et al. 2017, arXiv:1608.06993"),
    "inception_v3": ("Inception v3", "Szegedy et al. 2016, arXiv:1512.00567"),
    "inception_resnet_v2": ("Inception-ResNet v2", "Szegedy et al. 2017, arXiv:1602.07261"),
    "mobilenetv2_100": ("MobileNetV2", "Sandler et al. 2018, arXiv:1801.04381"),
    "mobilenetv3_large_100": ("MobileNetV3 large", "Howard et al. 2019, arXiv:1905.02244"),
    "efficientnet_b0": ("EfficientNet-B0", "Tan and Le 2019, arXiv:1905.11946"),
    "efficientnet_b3": ("EfficientNet-B3", "Tan and Le 2019, arXiv:1905.11946"),
    "efficientnetv2_rw_s": ("EfficientNetV2-S", "Tan and Le 2021, arXiv:2104.00298"),
    "convnext_tiny": ("ConvNeXt-T", "Liu et al. 2022, arXiv:2201.03545"),
    "convnext_base": ("ConvNeXt-B", "Liu et al. 2022, arXiv:2201.03545"),
    "regnety_032": ("RegNetY-3.2GF", "Radosavovic et al. 2020, arXiv:2003.13678"),
    "swin_tiny_patch4_window7_224": ("Swin-T", "Liu et al. 2021, arXiv:2103.14030"),
}


def measure(name: str) -> Entry:
    """Build a network, and combine its sizes with timm's record of it."""
    title, paper = NETWORKS[name]
    record = find(name)
    extractor = FeatureExtractor(create(name), name, record.size)
    embedded = name == EMBEDDED
    return Entry(
        name=name,
        title=title,
        parameters=extractor.parameters_count,
        features=extractor.channels,
        map=extractor.side,
        size=record.size,
        mean=EMBEDDED_MEAN if embedded else record.mean,
        std=EMBEDDED_STD if embedded else record.std,
        licence=record.licence,
        hub=record.hub,
        url="" if record.hub else record.url,
        paper=paper,
    )


def main() -> None:
    """Measure every network, and write the catalogue."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found = []
    for name in NETWORKS:
        found.append(asdict(measure(name)))
        logging.info("%s", name)
    write_json(TARGET, found)


if __name__ == "__main__":
    main()
