"""Model 1 of the tutorial of 2020 in plain Keras: COVID-19 or normal, from two folders of X-rays.

``python keras_tutorial.py DATA OUT --epochs 50`` reads ``DATA/cohen`` and ``DATA/kermany``, and leaves the
resized images, the model, the curves, the gallery and the confusion matrix in OUT, and ``times.json``: the
number of images and the seconds of each epoch. Weights are random: time does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import keras
import matplotlib as mpl
import numpy as np
import pandas as pd
from PIL import Image
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

mpl.use("Agg")
from matplotlib import pyplot as plt

SIZE = 237
NAMES = ["NORMAL", "COVID"]
FRONTAL = ["PA", "AP", "AP Supine", "AP Erect"]


def select(data: Path) -> list[tuple[Path, int]]:
    """List 175 frontal X-rays with COVID-19, then the first 100 normal ones."""
    table = pd.read_csv(data / "cohen" / "metadata.csv")
    table = table[(table.finding == "COVID-19") & (table.modality == "X-ray") & table.view.isin(FRONTAL)]
    files = [
        data / "cohen" / folder / name for folder, name in zip(table.folder, table.filename, strict=True)
    ]
    covid = [file for file in files if file.is_file()][:175]
    normal = sorted((data / "kermany" / "chest_xray" / "train" / "NORMAL").iterdir())[:100]
    return [(file, 1) for file in covid] + [(file, 0) for file in normal]


def resize(images: list[tuple[Path, int]], folder: Path) -> list[Path]:
    """Save every image as a PNG of 237 × 237 pixels and three channels."""
    folder.mkdir(parents=True, exist_ok=True)
    resized = []
    for number, (path, _) in enumerate(images):
        resized.append(folder / f"{number:03}.png")
        Image.open(path).convert("RGB").resize((SIZE, SIZE)).save(resized[-1])
    return resized


def build() -> keras.Model:
    """VGG16 without its top, frozen, and the tutorial's head."""
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
    base.trainable = False
    values = keras.layers.AveragePooling2D(pool_size=(4, 4))(base.output)
    values = keras.layers.Flatten()(values)
    values = keras.layers.Dense(64, activation="relu")(values)
    values = keras.layers.Dropout(0.2)(values)
    output = keras.layers.Dense(1, activation="sigmoid")(values)
    model = keras.Model(base.input, output)
    model.compile(keras.optimizers.Adam(learning_rate=1e-3), "binary_crossentropy", metrics=["accuracy"])
    return model


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.began = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """Start."""
        del epoch, logs
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Stop."""
        del epoch, logs
        self.seconds.append(time.perf_counter() - self.began)


def draw_curves(history: dict[str, list[float]], out: Path) -> None:
    """Accuracy and loss per epoch."""
    for name in ("accuracy", "loss"):
        figure, axes = plt.subplots()
        axes.plot(history[name], label="train")
        axes.plot(history[f"val_{name}"], label="validation")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.legend()
        figure.savefig(out / f"{name}.png")
        plt.close(figure)


def draw_gallery(images: np.ndarray, predicted: np.ndarray, correct: np.ndarray, path: Path) -> None:
    """Every test image with its labels below it."""
    rows = -(-len(images) // 5)
    figure = plt.figure(figsize=(15, 3.4 * rows))
    for place, image in enumerate(images):
        axes = figure.add_subplot(rows, 5, place + 1)
        axes.imshow(image)
        axes.set_xticks([])
        axes.set_yticks([])
        label = f"Label Predict: {NAMES[predicted[place]]}\nLabel Correct: {NAMES[correct[place]]}"
        axes.set_xlabel(label)
    figure.savefig(path)
    plt.close(figure)


def draw_confusion(predicted: np.ndarray, correct: np.ndarray, path: Path) -> None:
    """The confusion matrix divided by n."""
    shares = confusion_matrix(correct, predicted, labels=[0, 1]) / len(correct)
    figure, axes = plt.subplots()
    axes.imshow(shares, cmap="Greens")
    for row in range(2):
        for column in range(2):
            axes.text(column, row, f"{shares[row, column]:.2f}", ha="center")
    axes.set_xticks([0, 1], NAMES)
    axes.set_yticks([0, 1], NAMES)
    figure.savefig(path)
    plt.close(figure)


def main(data: Path, out: Path, epochs: int) -> None:
    """Run the tutorial from its first step to its last."""
    images = select(data)
    resized = resize(images, out / "resized")
    X = np.array([np.asarray(Image.open(path)) for path in resized]) / 255
    Y = np.array([label for _, label in images]).reshape(-1, 1)
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=40)

    model, clock = build(), Clock()
    fitted = model.fit(
        X_train, Y_train, batch_size=8, epochs=epochs, validation_split=0.1, callbacks=[clock], verbose=2
    )
    model.save(out / "modeloc_1.h5")
    draw_curves(fitted.history, out)
    model.evaluate(X_test, Y_test, verbose=2)
    predicted = (model.predict(X_test, verbose=2)[:, 0] >= 0.5).astype(int)
    draw_gallery(X_test, predicted, Y_test[:, 0], out / "modelo_1.pdf")
    draw_confusion(predicted, Y_test[:, 0], out / "plot.jpg")
    times = {"images": len(images), "epoch_seconds": clock.seconds}
    (out / "times.json").write_text(json.dumps(times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=50)
    options = parser.parse_args()
    main(options.data, options.out, options.epochs)
