from __future__ import annotations

import numpy as np

from hilum.backbone import TorchEngine


def test_every_pass_has_the_same_number_of_images(small_backbone):
    seen = []

    def note(_module, inputs):
        seen.append(inputs[0].shape[0])

    pixels = np.random.default_rng(0).random((7, 64, 64), dtype=np.float32)
    hook = small_backbone.module.register_forward_pre_hook(note)
    found = list(TorchEngine(small_backbone, "cpu", batch=3).run(pixels))
    hook.remove()
    assert seen == [3, 3, 3]
    assert np.shape(found) == (7, small_backbone.features)
