"""The data sets published as IDX files: where they are, and what their bytes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msq_ref.formats.datasets.parts import Normalization

__all__ = ["FASHION_MNIST", "MNIST", "Published"]


@dataclass(frozen=True)
class Published:
    """One data set.

    Attributes
    ----------
    name : str
        Also of its folder.
    url : str
        Of the folder it is downloaded from.
    archives : mapping of str to str
        SHA-256 of the gzipped files, which differ between distributors.
    contents : mapping of str to str
        SHA-256 of what is in them.
    class_names : tuple of str
    normalization : Normalization
        Mean and standard deviation of the training pixels.
    """

    name: str
    url: str
    archives: Mapping[str, str]
    contents: Mapping[str, str]
    class_names: tuple[str, ...]
    normalization: Normalization


# MNIST's hashes are those that several public projects state; it could not be downloaded where
# this was written. Fashion-MNIST's contents were compared with Debian's package.
MNIST = Published(
    "mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    {
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
    {
        "train-images-idx3-ubyte": (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        "train-labels-idx1-ubyte": (
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
        "t10k-images-idx3-ubyte": (
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ),
        "t10k-labels-idx1-ubyte": (
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    },
    tuple("0123456789"),
    Normalization(mean=(0.1307,), std=(0.3081,)),
)
"""Handwritten digits: 60,000 images of 28x28 and 10,000 to test with."""

FASHION_MNIST = Published(
    "fashion-mnist",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
    {
        "train-images-idx3-ubyte": (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
        ),
        "train-labels-idx1-ubyte": (
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
        ),
        "t10k-images-idx3-ubyte": (
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
        ),
        "t10k-labels-idx1-ubyte": (
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
        ),
    },
    (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ),
    Normalization(mean=(0.2860,), std=(0.3530,)),
)  # fmt: skip
"""Articles of clothing, in the form of MNIST."""
