"""A radiograph becomes what each library makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.transform import resize
from torchvision.transforms import CenterCrop, Compose, Resize

from hilum.classifier.inputs import to_square
from hilum.classifier.specification import ModelSpecification
from hilum.radiograph import Header, Radiograph

SHAPES = [(224, 224), (100, 90), (301, 400), (1000, 901), (640, 641)]


def specified(**values):
    plain = {"classes": ["a", "b"], "size": 224, "channels": 1, "output": "none"}
    return ModelSpecification.model_validate(plain | values)


def picture(shape):
    rng = np.random.default_rng(0)
    pixels = rng.random(shape, np.float32)
    pixels[: shape[0] // 3] /= 4  # edges and flat parts
    return pixels


def radiograph(pixels):
    return Radiograph(pixels, Header("PNG", *pixels.shape, "L", 8, pixels.size))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("black", [-1024, 0])
def test_scikit_image_s_interpolation(shape, black):
    pixels = picture(shape)
    model = specified(fit="stretch", resize="skimage", range=[black, 1024])
    expected = resize(black + (1024 - black) * pixels, (224, 224), mode="constant", preserve_range=True)
    found = black + (1024 - black) * to_square(radiograph(pixels), model)
    np.testing.assert_allclose(found, expected, atol=1e-6 * (1024 - black))


@pytest.mark.parametrize("shape", SHAPES)
def test_torchvision_s_evaluation_transform(shape):
    image = Image.fromarray((255 * picture(shape)).astype(np.uint8))
    expected = np.asarray(Compose([Resize(256), CenterCrop(224)])(image)) / 255
    model = ModelSpecification.model_validate({"preset": "imagenet", "classes": ["a", "b"]})
    found = to_square(radiograph(np.asarray(image, np.float32) / 255), model)
    np.testing.assert_allclose(found, expected, atol=1.5 / 255)  # torchvision rounds to 8 bits, twice


def test_plain_linear_interpolation_by_hand():
    pixels = np.repeat(np.array([[0, 0.2, 0.4, 0.8] * 8] * 32, np.float32), 2, axis=0)
    model = specified(size=16, fit="stretch", resize="opencv")
    found = to_square(radiograph(pixels[:, :32]), model)
    np.testing.assert_allclose(found, np.tile([0.1, 0.6], (16, 8)), atol=1e-6)


@pytest.mark.parametrize("resizer", ["pillow", "skimage", "opencv"])
@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_every_fit_keeps_size_range_and_a_flat_centre(resizer, fit):
    pixels = np.full((90, 200), 0.5, np.float32)
    found = to_square(radiograph(pixels), specified(fit=fit, resize=resizer, size=64))
    assert (found.shape, found.dtype) == ((64, 64), np.float32)
    np.testing.assert_allclose(found[28:36, 28:36], 0.5, atol=1e-5)
    assert (found[0, 32] == 0) == (fit == "pad")


def test_the_centre_of_a_wide_image_is_kept():
    pixels = np.zeros((64, 192), np.float32)
    pixels[:, 64:128] = 1
    assert to_square(radiograph(pixels), specified(fit="crop", size=64)).min() == 1
