"""Reading an ONNX file: its data, and shapes by onnx's own inference."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwsim.onnx.graph import Graph

__all__ = ["read_graph"]

NO_ONNX = "{path}: reading ONNX needs the package onnx: pip install 'msq-ref[onnx]'"

MOST_VALUES = 4096
"""Of a constant whose values shape inference may want."""


def read_graph(path: Path | str) -> Graph:
    """Read an ONNX file.

    Raises
    ------
    ValueError
        In one line: the package onnx is missing; the file cannot be read, is no ONNX file, or its
        external data are missing; an input has no fixed size; shapes contradict each other.
    """
    path = Path(path)
    try:
        import onnx  # noqa: PLC0415  (an extra)
        from onnx import (  # noqa: PLC0415
            external_data_helper,
            inliner,
            numpy_helper,
            shape_inference,
        )
    except ImportError:
        raise ValueError(NO_ONNX.format(path=path)) from None
    try:
        model = onnx.load_model(path, load_external_data=False)
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    except Exception as error:  # protobuf's, of which there are several
        raise ValueError(f"{path}: not an ONNX file ({_line(error)})") from None
    if not model.graph.node:
        raise ValueError(f"{path}: not an ONNX file, or one without operators")
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # missing, outside of the folder, too short
        raise ValueError(f"{path}: its external data cannot be read ({_line(error)})") from None
    _fixed(path, model.graph)
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    known = -1
    while True:  # a constant that is computed may fix further shapes
        try:
            if model.functions:
                model = inliner.inline_local_functions(model)
            _light(model, constants)
            model = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except Exception as error:  # onnx's own
            raise ValueError(f"{path}: its shapes cannot be inferred ({_line(error)})") from None
        graph = Graph(path, model, constants)
        if len(graph.constants) == known or all(
            name in graph.shapes for node in graph.nodes for name in node.output
        ):
            return graph
        constants, known = graph.constants, len(graph.constants)


def _light(model: Any, constants: dict[str, NDArray[Any]]) -> None:  # noqa: ANN401
    """Keep the values of small constants in a model, and of the others the types only."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    graph = model.graph
    small = [one for one in graph.initializer if prod(one.dims) <= MOST_VALUES]
    made = {name for node in graph.node for name in node.output}
    inputs = {one.name for one in graph.input}
    for one in graph.initializer:
        if prod(one.dims) > MOST_VALUES and one.name not in inputs:
            graph.input.append(
                helper.make_tensor_value_info(one.name, one.data_type, list(one.dims))
            )
    computed = {
        name for name in made if name in constants and constants[name].size <= MOST_VALUES
    }
    del graph.initializer[:]
    graph.initializer.extend(small)
    graph.initializer.extend(numpy_helper.from_array(constants[name], name) for name in computed)
    nodes = [node for node in graph.node if not computed.issuperset(node.output)]
    del graph.node[:]
    graph.node.extend(nodes)


def _fixed(path: Path, graph: Any) -> None:  # noqa: ANN401
    known = {tensor.name for tensor in graph.initializer}
    for one in graph.input:
        if one.name in known or not one.type.HasField("tensor_type"):
            continue
        shape = one.type.tensor_type.shape
        sizes = [dim.dim_param or dim.dim_value for dim in shape.dim]
        if not one.type.tensor_type.HasField("shape") or any(
            not isinstance(size, int) or size < 1 for size in sizes
        ):
            shown = ", ".join(str(size or "?") for size in sizes)
            raise ValueError(
                f"{path}: input {one.name!r} has shape ({shown}): expected fixed sizes; "
                "onnx.tools.update_model_dims sets them"
            )


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."
