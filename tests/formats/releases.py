"""Small releases of CIFAR-10, written as the real ones are."""

import gzip
import io
import pickle
import tarfile

import numpy as np

BIN = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
PY = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def make_records(images):
    """Six batches of records, every class as often in each."""
    rng = np.random.default_rng(8)
    batches = []
    for _ in range(6):
        records = rng.integers(0, 256, (images, 3073), np.uint8)
        records[:, 0] = rng.permutation(np.arange(images) % 10)
        batches.append(records)
    return batches


def pickled(records, version=2):
    """A batch as the published files have it, or as Python 3 would write it."""
    if version == 3:
        batch = {"batch_label": "one", "labels": records[:, 0].tolist(), "data": records[:, 1:]}
        return pickle.dumps({k: np.ascontiguousarray(v) if k == "data" else v
                             for k, v in batch.items()}, protocol=2)  # fmt: skip
    return python2_pickle(records[:, 1:], records[:, 0].tolist())


def python2_pickle(pixels, labels):
    """What Python 2's cPickle wrote, opcode by opcode: texts are bytes there."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    raw = pixels.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
        b"(K\x01M" + len(pixels).to_bytes(2, "little") + b"M\x00\x0c\x86"
        b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R"
        b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return (
        b"\x80\x02}(" + text(b"batch_label") + text(b"training batch") + text(b"labels") + numbers
        + text(b"data") + array + b"u."
    )  # fmt: skip


def write_folder(folder, contents):
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def tar_bytes(contents, folder, extra=()):
    """An archive of the contents below a folder, and further members, as (TarInfo, bytes)."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        members = [(member(f"{folder}/{name}", content), content)
                   for name, content in contents.items()]  # fmt: skip
        root = tarfile.TarInfo(folder)
        root.type = tarfile.DIRTYPE
        for info, content in [(root, b""), *members, *extra]:
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def member(name, content=b"", kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = len(content), kind
    info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return info


def write_archive(path, contents, folder, extra=()):
    path.write_bytes(gzip.compress(tar_bytes(contents, folder, extra), 1))
    return path
