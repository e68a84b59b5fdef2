"""Downloads: a file with its SHA-256 or nothing; without a network, what to put where."""

import functools
import hashlib
import http.server
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from msq_ref.cli import app
from msq_ref.formats.console import run_app
from msq_ref.formats.datasets import cifar10, idx, load_dataset
from msq_ref.formats.datasets.cifar10 import Cifar10
from msq_ref.formats.datasets.fetch import RemoteFile, cache_folder, download, find_in_data
from msq_ref.formats.datasets.idx_published import FASHION_MNIST, MNIST
from tests.formats.releases import BIN, make_records, write_archive

CONTENT = b"a published file" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CLOSED = "http://127.0.0.1:9/"
"""Where nobody listens."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No proxy, no data of the user's, an empty cache."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("MSQ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")


@pytest.fixture
def site(tmp_path):
    """A folder, and the address of a server of its files."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def files(folder):
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_downloaded_once(site, tmp_path):
    """Then it is in the cache, and needs no network."""
    folder, address = site
    (folder / "one.gz").write_bytes(CONTENT)
    file = RemoteFile("one.gz", f"{address}one.gz", SHA256)
    cache = tmp_path / "cache" / "deep"
    path = download("x", file, cache, ["one.gz"])
    assert (path, path.read_bytes()) == (cache / "one.gz", CONTENT)
    assert download("x", replace(file, url=f"{CLOSED}one.gz"), cache, []) == path
    assert files(cache) == ["one.gz"]


def test_a_damaged_file_in_the_cache_is_fetched_again(site, tmp_path):
    folder, address = site
    (folder / "one.gz").write_bytes(CONTENT)
    (tmp_path / "one.gz").write_bytes(CONTENT[:-1])
    file = RemoteFile("one.gz", f"{address}one.gz", SHA256)
    with pytest.raises(ValueError, match="could not be read"):
        download("x", replace(file, url=f"{CLOSED}one.gz"), tmp_path, ["one.gz"])
    assert download("x", file, tmp_path, ["one.gz"]).read_bytes() == CONTENT


def refusal(file, folder, accepted=("one.gz", "one")):
    with pytest.raises(ValueError, match="data = 'x': not found, and ") as caught:
        download("x", file, folder, accepted)
    message = str(caught.value)
    assert "\n" not in message
    assert f"put one of {', '.join(accepted)} into" in message
    assert f"{file.name} is at {file.url}, SHA-256 {file.sha256}" in message
    return message


def test_another_file(site, tmp_path):
    """With another hash: nothing of it stays."""
    folder, address = site
    (folder / "one.gz").write_bytes(CONTENT + b"!")
    cache = tmp_path / "cache"
    message = refusal(RemoteFile("one.gz", f"{address}one.gz", SHA256), cache)
    assert f"gave another file, not of SHA-256 {SHA256}" in message
    assert files(cache) == []


def test_no_such_page_and_no_network(site, tmp_path, monkeypatch):
    """The reason, the files, the folder, the hash: in one line."""
    _, address = site
    missing = RemoteFile("one.gz", f"{address}one.gz", SHA256)
    assert "one.gz could not be read, HTTP 404" in refusal(missing, tmp_path / "cache")
    closed = replace(missing, url=f"{CLOSED}one.gz")
    message = refusal(closed, tmp_path / "cache")
    assert "could not be read, ConnectionError" in message
    assert "a folder and name it in $MSQ_DATA" in message
    monkeypatch.setenv("MSQ_DATA", str(tmp_path))
    assert f"the folder $MSQ_DATA ({tmp_path})" in refusal(closed, tmp_path / "cache")
    assert files(tmp_path / "cache") == []


def test_a_cache_that_cannot_be_written(site, tmp_path):
    folder, address = site
    (folder / "one.gz").write_bytes(CONTENT)
    (tmp_path / "file").write_text("in the way")
    file = RemoteFile("one.gz", f"{address}one.gz", SHA256)
    for cache in (tmp_path / "file", tmp_path / "file" / "below"):
        assert f"{cache} could not be written" in refusal(file, cache)


def test_folders(tmp_path, monkeypatch):
    """`$MSQ_DATA` must be a folder; the cache is where the system wants it."""
    assert cache_folder() == tmp_path / "cache" / "msq-ref"
    assert find_in_data("a", "b") is None
    monkeypatch.setenv("MSQ_DATA", str(tmp_path))
    assert find_in_data("a", "b") is None
    (tmp_path / "b").write_text("")
    assert find_in_data("a", "b") == tmp_path / "b"
    monkeypatch.setenv("MSQ_DATA", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"MSQ_DATA = '.*none': not a folder"):
        load_dataset("cifar10")


def test_cifar10_from_the_network(site, monkeypatch):
    """The binary release, and from the cache the second time."""
    folder, address = site
    contents = {
        name: records.tobytes() for name, records in zip(BIN, make_records(20), strict=True)
    }
    archive = write_archive(folder / cifar10.BINARY.name, contents, "cifar-10-batches-bin")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    remote = RemoteFile(cifar10.BINARY.name, f"{address}{cifar10.BINARY.name}", digest)
    monkeypatch.setattr(cifar10, "BINARY", remote)
    small = functools.partial(Cifar10, records=20, validation=10)
    monkeypatch.setattr(cifar10, "Cifar10", small)
    data = load_dataset("cifar10")
    assert data.source == str(cache_folder() / "cifar-10-binary.tar.gz")
    archive.unlink()
    assert load_dataset("cifar10").train.pixels.tobytes() == data.train.pixels.tobytes()


def test_idx_files_that_are_nowhere(site, monkeypatch):
    """Each is fetched with its own hash; the folder to make is in the message."""
    folder, address = site
    hashes = {}
    for number, name in enumerate(MNIST.archives):
        (folder / name).write_bytes(CONTENT + bytes([number]))
        hashes[name] = hashlib.sha256(CONTENT + bytes([number])).hexdigest()
    here = replace(MNIST, url=address, archives=hashes)
    assert sorted(files(idx.find_idx(here))) == sorted(MNIST.archives)
    with pytest.raises(ValueError, match=r"put one of mnist/train-images-idx3-ubyte\.gz into"):
        idx.find_idx(replace(MNIST, url=CLOSED, name="mnist"))


def test_on_the_command_line(monkeypatch, capsys, tmp_path):
    """A user's mistake ends in one line."""
    monkeypatch.setattr(cifar10, "BINARY", replace(cifar10.BINARY, url=f"{CLOSED}x.tar.gz"))
    out = tmp_path / "run"
    assert run_app(app, "msq", ["train", "--data", "cifar10", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("msq: error: data = 'cifar10': not found")
    assert error.count("\n") == 1
    for name in ("cifar-10-batches-bin", "cifar-10-python.tar.gz", cifar10.BINARY.sha256):
        assert name in error


def test_the_page_tells_the_hashes_of_the_code():
    """Of docs/data.md."""
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    hashes = {cifar10.BINARY.sha256, cifar10.PYTHON.sha256}
    hashes |= {*MNIST.contents.values(), *FASHION_MNIST.contents.values()}
    assert set(re.findall(r"\b[0-9a-f]{64}\b", page)) == hashes
    assert cifar10.BINARY.url in page
