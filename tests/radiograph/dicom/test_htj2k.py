"""High-throughput JPEG 2000, from a codestream of another encoder."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from pydicom import uid

from hilum.errors import CorruptFileError
from hilum.radiograph import decode

HTJ2K_RAMP = base64.b64decode(
    "/0//UQApQAAAAAAwAAAAKAAAAAAAAAAAAAAAMAAAACgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wA"
    "EyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAK0AAf+TwAArAEMAAwBi4N/fAWGU"
    "AMAAEwCHhwELdADAABVASEQCiYKP4ot2AMAAFbAABUgiRIgQIeLcgjpyAncAiIiI9N5JvrYAwAAWnAABVgwMDAwMDAwMDAzz"
    "+np6enGCeQAC4P9P79/v3+y5AMAALegABaC2bdu2bdu2bdu2bdu2bdv9f8p6enp6enp6enCCfwAAAAD/fXOuuuuuuuuuup0A"
    "/9k="
)
"""The uint16 picture ``60 * column + row`` of 40 rows and 48 columns, encoded without loss by OpenJPH."""


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_htj2k_gives_the_samples_of_the_plain_file(dicom, syntax):
    rows, columns = np.mgrid[:40, :48]
    ramp = (60 * columns + rows).astype(np.uint16)
    plain = decode(dicom(ramp), "plain.dcm")
    packed = decode(dicom(ramp, syntax=syntax, frame=HTJ2K_RAMP), "htj2k.dcm")
    assert np.array_equal(packed.pixels, plain.pixels)
    assert plain.pixels[0, 0] == 0
    assert plain.pixels[-1, -1] == 1


def test_htj2k_that_is_cut_is_refused(dicom):
    ramp = np.zeros((40, 48), np.uint16)
    with pytest.raises(CorruptFileError, match="JPEG 2000"):
        decode(dicom(ramp, syntax=uid.HTJ2KLossless, frame=HTJ2K_RAMP[: len(HTJ2K_RAMP) // 2]), "cut.dcm")
