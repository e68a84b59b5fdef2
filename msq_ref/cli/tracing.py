"""Traces of a network, saved as they go: a killed trace continues to the same bits."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.files import check_writable
from msq_ref.hessian import TraceEstimate, trace_estimator
from msq_ref.nn import Network
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint

__all__ = ["SavedTrace", "TraceFolder", "TraceSettings", "subject"]

SAVE_EVERY = 5.0
"""Seconds between two savings of the samples so far."""


@dataclass(frozen=True)
class TraceSettings:
    """What decides the bits of a trace, but for the network and the images."""

    method: str
    samples: int
    relative_error: float
    seed: int


@dataclass(frozen=True)
class TraceFolder:
    """The files of a trace, by name."""

    path: Path

    @property
    def partial(self) -> Path:
        """The samples so far; gone when the trace is done."""
        return self.path / "trace.safetensors"

    @property
    def figures(self) -> Path:
        """What was estimated."""
        return self.path / "trace.json"

    @property
    def plot(self) -> Path:
        """Omega of each layer."""
        return self.path / "trace.png"

    def prepare(self, *, resume: bool) -> None:
        """Check that a trace may be written there; nothing is created yet.

        Raises
        ------
        ValueError
            If the folder cannot be written, or holds an unfinished trace that is not to go on.
        """
        check_writable("--out", self.path)
        if self.partial.exists() and not resume:
            raise ValueError(
                f"--out = {self.path}: an unfinished trace is there; --resume continues it, "
                f"without {self.partial.name} it starts anew"
            )

    def read_figures(self) -> dict[str, Any] | None:
        """Return what a finished trace has written, None if there is none."""
        try:
            return dict(json.loads(self.figures.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{self.figures}: cannot read it ({error})") from None

    def fits(self, what: dict[str, Any], there: dict[str, Any], file: Path) -> None:
        """``ValueError`` naming what differs, if a file is of another trace."""
        for key, value in what.items():
            if there.get(key) != value:
                raise ValueError(
                    f"--out = {self.path}: holds another trace, {file.name} has "
                    f"{key} = {there.get(key)!r}, not {value!r}"
                )


class SavedTrace:
    """A trace of a network whose samples are saved every few seconds [S5.4].

    Parameters
    ----------
    network : Network
        With its effective weights set; it must not run forward before the trace is done.
    images, labels : ndarray
        The batch.
    settings : TraceSettings
    folder : TraceFolder
    resume : bool
        Go on from the folder's `partial`, if there is one, to the same bits.

    Attributes
    ----------
    estimator : TraceEstimator

    Raises
    ------
    TypeError, ValueError
        As `trace_estimator`; also if what is to be resumed is damaged, or is of other settings,
        another network or other images.
    """

    def __init__(
        self,
        network: Network,
        images: NDArray[Any],
        labels: NDArray[np.int64],
        settings: TraceSettings,
        folder: TraceFolder,
        *,
        resume: bool = False,
    ) -> None:
        self._folder = folder
        self._state = {**asdict(settings), "subject": subject(network, images, labels)}
        self.estimator = trace_estimator(
            settings.method, network, images, labels, seed=settings.seed,
            max_samples=settings.samples, relative_error=settings.relative_error,
        )  # fmt: skip
        if resume and folder.partial.exists():
            arrays, there = load_checkpoint(folder.partial)
            folder.fits(self._state, there, folder.partial)
            try:
                self.estimator.load_arrays(arrays)
            except ValueError as error:
                raise ValueError(f"{folder.partial}: {error}") from None

    def run(self, on_product: Callable[[int], None]) -> dict[str, TraceEstimate]:
        """Go on to the end.

        Parameters
        ----------
        on_product : callable
            Called with the number of products done.

        Returns
        -------
        dict of layer name to TraceEstimate
            The folder keeps its `partial`, for the caller to remove once this is written.
        """
        self._folder.path.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        for done in self.estimator.steps():
            if time.monotonic() - saved >= SAVE_EVERY or self.estimator.done:
                save_checkpoint(self._folder.partial, self.estimator.arrays(), self._state)
                saved = time.monotonic()
            on_product(done)
        return self.estimator.estimates()


def subject(network: Network, images: NDArray[Any], labels: NDArray[np.int64]) -> str:
    """Return a SHA-256 of the weights in use, all other arrays, and the batch."""
    layers = network.quantized_layers()
    arrays = network.state() | {f"{name}.weight": layer.weight for name, layer in layers.items()}
    digest = hashlib.sha256()
    for name, array in [*sorted(arrays.items()), ("images", images), ("labels", labels)]:
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
