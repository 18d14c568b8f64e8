"""Folders for engines that read plain weights: the tiny Phi-3 with its 4 bits unpacked, and a tiny MoE."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CONTEXT_TOKENS: Final = 4096
END, ASSISTANT, END_OF_TEXT = "<|end|>", "<|assistant|>", "<|endoftext|>"
# ONNX Runtime GenAI cuts text into these pieces before it merges tokens, and the model was trained with it.
PIECES: Final = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|▁?[^\s\p{L}\p{N}▁]+[\r\n]*|\s*[\r\n]+|\s+|▁+(?!\S)|▁"
LAYERS: Final = 3

Arrays = Mapping[str, npt.NDArray[Any]]


def write_phi3(onnx_folder: Path, target: Path) -> Path:
    """Write the model of an ONNX folder as a Phi3ForCausalLM folder: the same weights as float32."""
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    arrays = _initializers(onnx_folder / "model.onnx")
    ids = _copy_tokenizer(onnx_folder, target)
    model = Phi3ForCausalLM(Phi3Config(**_shape(len(arrays["model.embed_tokens.weight"]), ids)))
    weights = {name: torch.from_numpy(array) for name, array in _state(arrays).items()}
    model.load_state_dict(weights)
    return _save(model, target, ids)


def write_phimoe(onnx_folder: Path, target: Path) -> Path:
    """Write a mixture of experts with random weights."""
    import torch
    from transformers import PhimoeConfig, PhimoeForCausalLM

    torch.manual_seed(3)
    ids = _copy_tokenizer(onnx_folder, target)
    vocabulary = len(_initializers(onnx_folder / "model.onnx")["model.embed_tokens.weight"])
    shape = {**_shape(vocabulary, ids), "num_local_experts": 4, "num_experts_per_tok": 2}
    del shape["original_max_position_embeddings"]
    return _save(PhimoeForCausalLM(PhimoeConfig(**shape)), target, ids)


def _shape(vocabulary: int, ids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 96,
        "intermediate_size": 256,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
        "max_position_embeddings": CONTEXT_TOKENS,
        "original_max_position_embeddings": CONTEXT_TOKENS,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": ids[END],
        "pad_token_id": ids[END_OF_TEXT],
        "dtype": "float32",
    }


def _copy_tokenizer(source: Path, target: Path) -> dict[str, int]:
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    target.mkdir(parents=True)
    shutil.copyfile(source / "tokenizer_config.json", target / "tokenizer_config.json")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    tokenizer.save(str(target / "tokenizer.json"))
    return dict(tokenizer.get_vocab())


def _save(model: Any, target: Path, ids: Mapping[str, int]) -> Path:
    model.generation_config.eos_token_id = [ids[END], ids[ASSISTANT], ids[END_OF_TEXT]]
    model.save_pretrained(target)
    return target


def _initializers(file: Path) -> dict[str, npt.NDArray[Any]]:
    import onnx
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}


def _state(arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    def unpacked(name: str) -> npt.NDArray[Any]:
        return _unpacked(arrays[f"{name}.MatMul.weight_Q4"], arrays[f"{name}.MatMul.weight_scales"])

    state = {
        "model.embed_tokens.weight": arrays["model.embed_tokens.weight"].copy(),
        "model.norm.weight": arrays[f"model.layers.{LAYERS}.final_norm_layernorm.weight"].copy(),
        "lm_head.weight": unpacked("lm_head"),
    }
    for layer in (f"model.layers.{number}" for number in range(LAYERS)):
        state[f"{layer}.self_attn.qkv_proj.weight"] = unpacked(f"{layer}.attn.qkv_proj")
        state[f"{layer}.self_attn.o_proj.weight"] = unpacked(f"{layer}.attn.o_proj")
        gate_and_up = [unpacked(f"{layer}.mlp.gate_proj"), unpacked(f"{layer}.mlp.up_proj")]
        state[f"{layer}.mlp.gate_up_proj.weight"] = np.concatenate(gate_and_up)
        state[f"{layer}.mlp.down_proj.weight"] = unpacked(f"{layer}.mlp.down_proj")
        for norm in ("input_layernorm", "post_attention_layernorm"):
            state[f"{layer}.{norm}.weight"] = arrays[f"{layer}.{norm}.weight"].copy()
    return state


def _unpacked(packed: npt.NDArray[Any], scales: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Turn 4-bit blocks back into a matrix; shape (rows, blocks, bytes) and (rows, blocks)."""
    low_first = np.stack([packed & 0x0F, packed >> 4], axis=-1)
    blocks = low_first.reshape(*packed.shape[:2], -1).astype(np.float32) - 8
    matrix: npt.NDArray[np.float32] = (blocks * scales.reshape(*packed.shape[:2], 1)).reshape(len(packed), -1)
    return matrix
