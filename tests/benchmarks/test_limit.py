"""How near the limit: operations counted by hand, the summary by hand, and one small measurement."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import gpu, limit
from benchmarks.limit import count_operations, product_rate, summary
from benchmarks.measuring import Results
from hilum.backbone.openvino_runtime import openvino
from hilum.recipe.settings import Precision

ops = openvino.opset13


def constant(*shape):
    return ops.constant(np.ones(shape, np.float32))


def graph(make, *shape):
    image = ops.parameter(list(shape), np.float32)
    return openvino.Model([make(image)], [image])


def convolution(weights, step=1, pad=0):
    return lambda image: ops.convolution(image, weights, [step] * 2, [pad] * 2, [pad] * 2, [1] * 2)


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        # 8 channels of 8 × 8, each value a window of 3 × 3 in 3 channels
        (convolution(constant(8, 3, 3, 3)), (1, 3, 10, 10), 2 * 8 * 8 * 8 * 3 * 3 * 3),
        # padded, stride 2, two images: 4 channels of 5 × 5
        (convolution(constant(4, 2, 3, 3), step=2, pad=1), (2, 2, 10, 10), 2 * 2 * 4 * 5 * 5 * 2 * 3 * 3),
        # 6 groups of one channel each, 6 channels of 8 × 8
        (
            lambda image: ops.group_convolution(
                image, constant(6, 1, 1, 3, 3), [1] * 2, [0] * 2, [0] * 2, [1] * 2
            ),
            (1, 6, 10, 10),
            2 * 6 * 8 * 8 * 3 * 3,
        ),
        (lambda rows: ops.matmul(rows, constant(5, 7), False, False), (3, 5), 2 * 3 * 7 * 5),
        (lambda rows: ops.matmul(rows, constant(7, 5), True, True), (5, 3), 2 * 3 * 7 * 5),
        (ops.relu, (1, 3, 10, 10), 0),
        # two layers add up
        (
            lambda x: convolution(constant(2, 8, 1, 1))(convolution(constant(8, 3, 3, 3))(x)),
            (1, 3, 5, 5),
            2 * 9 * (8 * 27 + 2 * 8),
        ),
    ],
    ids=[
        "convolution",
        "padded, stride 2",
        "groups",
        "product",
        "transposed",
        "nothing counted",
        "two layers",
    ],
)
def test_operations_by_hand(make, shape, expected):
    assert count_operations(graph(make, *shape)) == expected


def test_the_summary_by_hand(monkeypatch):
    monkeypatch.setattr(limit, "cores", lambda: 2)
    taken = [
        {"decode": 0.5, "forward": 1.5, "whole": 1.5, "engine": 1.0, "product_rate": 2e9},
        {"decode": 0.5, "forward": 3.5, "whole": 2.0, "engine": 0.8, "product_rate": 2.5e9},
    ]
    row = summary("net", "float32", 4, 10**9, taken)
    assert row["Over the limit"].endswith("(1.00–1.50)")  # 2.0 / 2.0 and 1.5 / 1.0
    assert row["GFLOP/s"].endswith("(1–1)")  # 1 and 1.25
    assert row["Share"] == "0.50 (0.50–0.50)"


def test_one_network_is_measured(demo_run, capsys):
    files = sorted((demo_run[1] / "phantom").glob("*.png"))[:2]
    results = Results("limit")
    row = limit.measure_network(files, "efficientnet_lite0", Precision.FLOAT32, 1, results, (1, 2), side=64)
    assert row["Batch"] in {"1", "2"}
    assert float(row["GFLOP"]) == pytest.approx(0.77, abs=0.02)  # its authors count 407 million multiply-adds
    assert "turn 1: decode" in capsys.readouterr().out


def test_a_product_has_a_rate():
    assert product_rate(Precision.FLOAT32, 1, side=64) > 0


def test_the_gpu_s_measurement_runs_on_a_cpu_too(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "_REPEATS", 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads stall while other tests run
    try:
        rows = gpu.measure_network("efficientnet_lite0", "cpu", 2, 1, Results("gpu"), (1,), side=64)
    finally:
        torch.set_num_threads(threads)
    assert [row["Network"].split(", ")[-1] for row in rows] == ["float32", "bfloat16"]
    assert capsys.readouterr().out.count("turn 1: forward") == 2
