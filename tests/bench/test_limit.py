"""How near the limit: the arithmetic, and one small measurement."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from hilum.bench import limit, machine
from hilum.bench.forward import product_rate
from hilum.bench.gpu import bench_gpu
from hilum.bench.limit import bench_limit
from hilum.bench.machine import cores, this_machine
from hilum.recipe.settings import Precision


def test_the_limit_by_hand(monkeypatch):
    monkeypatch.setattr(limit, "cores", lambda: 2)
    monkeypatch.setattr(limit, "operations_of", lambda *_: 1000)
    taken = [
        limit._Turn(decode=0.5, forward=1.5, whole=1.5, engine=1.0, product=2000),
        limit._Turn(decode=0.5, forward=3.5, whole=2.0, engine=0.8, product=2500),
    ]
    backbone = SimpleNamespace(graph=None, size=224)
    found = limit._summed("net", 4, backbone, Precision.FLOAT32, taken)
    assert (found.over_limit.low, found.over_limit.high) == (2.0 / 2.0, 1.5 / 1.0)
    assert (found.engine_rate.low, found.engine_rate.high) == (1000, 1250)
    assert (found.of_product.low, found.of_product.high) == (0.5, 0.5)


def test_one_network_is_measured(demo_run, monkeypatch):
    _, data = demo_run
    monkeypatch.setattr(limit, "product_rate", partial(product_rate, side=64))
    (found,) = [
        one
        for one in bench_limit(
            data / "phantom", networks=["efficientnet_lite0"], images=2, turns=1, batches=(1, 2)
        )
        if one.precision == "float32"
    ]
    assert found.size == 224
    assert found.batch in {1, 2}
    assert found.operations == pytest.approx(0.77e9, rel=0.02)  # its authors count 407 million multiply-adds
    assert min(found.decode_seconds.low, found.forward_seconds.low, found.whole_seconds.low) > 0


def test_a_product_has_a_rate():
    assert product_rate(Precision.FLOAT32, 1, side=64) > 0


def test_a_gpu_s_measurement_runs_on_a_cpu_too(monkeypatch):
    monkeypatch.setattr("hilum.bench.gpu._REPEATS", 1)
    networks = ["efficientnet_lite0"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other stand still when other tests run
    try:
        found = bench_gpu(networks=networks, where="cpu", images=2, turns=1, batches=(1,), side=64)
    finally:
        torch.set_num_threads(threads)
    assert [one.precision for one in found] == ["float32", "bfloat16"]
    assert all(min(one.forward.low, one.engine.low, one.of_peak.low) > 0 for one in found)


def test_the_machine_s_facts_are_there_and_fit_json():
    facts = asdict(this_machine())
    assert json.loads(json.dumps(facts))["cores"] == cores() >= 1
    assert facts["processor"]
    assert "float32" in facts["precisions"]
    assert {"python", "openvino"} <= set(facts["versions"])


def test_a_program_that_is_not_there_or_fails_says_nothing():
    assert machine._asked("no-such-program") == ""
    assert machine._asked("false") == ""
