"""A batch of CIFAR-10's Python release: a pickled array of pixels and a list of labels."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from msq_ref.pickled import NUMPY_ARRAYS, restricted_load

__all__ = ["batch_records"]


def batch_records(content: bytes) -> NDArray[np.uint8]:
    """Return a pickled batch as records of the binary release: the label, then the pixels.

    Parameters
    ----------
    content : bytes
        Keys may be texts or bytes.

    Returns
    -------
    ndarray of uint8, (images, 3073)

    Raises
    ------
    ValueError
        If it is no whole pickle, names anything but an array, or lacks pixels or labels.
    """
    batch = restricted_load(io.BytesIO(content), NUMPY_ARRAYS)
    if not isinstance(batch, dict):
        raise ValueError(f"a pickled {type(batch).__name__}, expected a dictionary")
    named = {key.decode("latin1") if isinstance(key, bytes) else key: batch[key] for key in batch}
    pixels, labels = named.get("data"), named.get("labels")
    if not isinstance(pixels, np.ndarray):
        raise ValueError("no array of pixels under 'data'")
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072:
        raise ValueError(
            f"pixels of dtype {pixels.dtype} and shape {pixels.shape}, expected uint8 and "
            "(images, 3072)"
        )
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise ValueError(f"no list of {len(pixels)} labels under 'labels'")
    for image, label in enumerate(labels):
        if type(label) is not int or not 0 <= label <= 9:
            raise ValueError(f"label {label!r:.40} of image {image}, expected 0 to 9")
    return np.column_stack([np.array(labels, np.uint8), np.asarray(pixels)])
