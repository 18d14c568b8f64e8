"""The two graphs beside the decoder, made by hand: from pixels to image tokens, from ids to embeddings.

Their inputs and outputs are those of a Phi-3-vision folder; what is between them is a toy: a picture's
tokens all hold its mean colour.
"""

from typing import Any, Final

import numpy.typing as npt

OPSET: Final = 17
CROP: Final = 336  # pixels; the processor cuts pictures into squares of this size
CROP_TOKENS: Final = 144
LINE_TOKENS: Final = 12  # one ends each line of a crop


def embedding_graph(table: "npt.NDArray[Any]") -> Any:
    """Embed ids; ids below 0 stand for the image tokens, in order. Shape of table: (ids, hidden)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Less", ["input_ids", "zero"], ["is_image"]),
        helper.make_node("Max", ["input_ids", "zero"], ["safe_ids"]),
        helper.make_node("Gather", ["table", "safe_ids"], ["text"]),
        helper.make_node("NonZero", ["is_image"], ["places_by_axis"]),
        helper.make_node("Transpose", ["places_by_axis"], ["places"], perm=[1, 0]),
        helper.make_node("ScatterND", ["text", "places", "image_features"], ["inputs_embeds"]),
    ]
    hidden = table.shape[1]
    return _model(
        "embedding",
        nodes,
        [
            ("input_ids", TensorProto.INT64, ["batch", "tokens"]),
            ("image_features", TensorProto.FLOAT, ["image_tokens", hidden]),
        ],
        [("inputs_embeds", TensorProto.FLOAT, ["batch", "tokens", hidden])],
        [numpy_helper.from_array(table, "table"), _integers("zero", 0)],
    )


def vision_graph(weight: "npt.NDArray[Any]", bias: "npt.NDArray[Any]") -> Any:
    """Turn pictures into image tokens by their mean colour. Shapes: weight (3, hidden), bias (hidden,).

    The first crop of each picture is the whole of it, made small. A picture of h x w pixels, both cut
    into crops, takes (h·w + 1)·144 + 1 + (h + 1)·12 tokens, h and w counted in crops.
    """
    from onnx import TensorProto, numpy_helper

    numbers = {"zero": 0, "one": 1, "crop": CROP, "crop_tokens": CROP_TOKENS, "line_tokens": LINE_TOKENS}
    constants = [_integers(name, value) for name, value in numbers.items()] + [_integers("last", [1])]
    hidden = weight.shape[1]
    return _model(
        "vision",
        _nodes(),
        [
            ("pixel_values", TensorProto.FLOAT, ["pictures", "crops_each", 3, CROP, CROP]),
            ("image_sizes", TensorProto.INT64, ["pictures", 2]),
        ],
        [("image_features", TensorProto.FLOAT, ["image_tokens", hidden])],
        [*constants, numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )


def _nodes() -> list[Any]:
    """Compute a feature for each picture, then of which picture each token is."""
    from onnx import TensorProto, helper

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(kind, inputs, [output], **attributes)

    return [
        node("Gather", ["pixel_values", "zero"], "whole", axis=1),
        node("ReduceMean", ["whole"], "colours", axes=[2, 3], keepdims=0),
        node("MatMul", ["colours", "weight"], "projected"),
        node("Add", ["projected", "bias"], "per_picture"),
        node("Div", ["image_sizes", "crop"], "in_crops"),
        node("Gather", ["in_crops", "zero"], "high", axis=1),
        node("Gather", ["in_crops", "one"], "wide", axis=1),
        node("Mul", ["high", "wide"], "crops"),
        node("Add", ["crops", "one"], "with_whole"),
        node("Mul", ["with_whole", "crop_tokens"], "from_crops"),
        node("Add", ["high", "one"], "high_with_whole"),
        node("Mul", ["high_with_whole", "line_tokens"], "from_lines"),
        node("Add", ["from_crops", "from_lines"], "but_one"),
        node("Add", ["but_one", "one"], "counts"),
        node("CumSum", ["counts", "zero"], "ends"),
        node("ReduceMax", ["ends"], "total", keepdims=0),
        node("Range", ["zero", "total", "one"], "tokens"),
        node("Unsqueeze", ["tokens", "last"], "tokens_column"),
        node("GreaterOrEqual", ["tokens_column", "ends"], "is_past"),
        node("Cast", ["is_past"], "is_past_n", to=TensorProto.INT64),
        node("ReduceSum", ["is_past_n", "last"], "picture", keepdims=0),
        node("Gather", ["per_picture", "picture"], "image_features"),
    ]


def _integers(name: str, value: int | list[int]) -> Any:
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(value, np.int64), name)


def _model(name: str, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> Any:
    from onnx import checker, helper

    taken = [helper.make_tensor_value_info(*one) for one in inputs]
    given = [helper.make_tensor_value_info(*one) for one in outputs]
    graph = helper.make_graph(nodes, name, taken, given, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(model)
    return model
