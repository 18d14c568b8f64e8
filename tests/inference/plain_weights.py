"""Folders for engines that read plain weights: the tiny Phi-3 with its 4 bits unpacked, a tiny MoE and a
tiny Phi-4-multimodal, which answers text as the tiny Phi-3 does and sees with random weights.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CONTEXT_TOKENS: Final = 4096
END, ASSISTANT, END_OF_TEXT = "<|end|>", "<|assistant|>", "<|endoftext|>"
PICTURE: Final = "<|endoftext10|>"
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


def write_phi4_multimodal(onnx_folder: Path, target: Path) -> Path:
    """Write the text model as that of a Phi4MultimodalForCausalLM, with random eyes and a random adapter."""
    import torch
    from transformers import Phi4MultimodalConfig, Phi4MultimodalForCausalLM

    torch.manual_seed(4)
    arrays = _initializers(onnx_folder / "model.onnx")
    ids = _copy_tokenizer(onnx_folder, target)
    _rename_token(target / "tokenizer.json", "<|placeholder5|>", PICTURE)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Phi4MultimodalConfig(
        **_shape(len(arrays["model.embed_tokens.weight"]), ids),
        vision_config={**small, "image_token_id": ids["<|placeholder5|>"]},
        audio_config={
            **{"hidden_size": 16, "intermediate_size": 16, "num_blocks": 1, "num_attention_heads": 2},
            **{"ext_pw_out_channel": 16, "depthwise_separable_out_channel": 16, "nemo_conv_channels": 8},
            "audio_token_id": ids["<|placeholder6|>"],
        },
    )
    model = Phi4MultimodalForCausalLM(config)
    weights = {name: torch.from_numpy(array) for name, array in _state(arrays).items()}
    model.load_state_dict(weights, strict=False)
    eyes = model.model.embed_tokens_extend.image_embed
    for layer in (eyes.img_projection_up, eyes.img_projection_down):
        torch.nn.init.normal_(layer.weight, std=0.2)
    _save(model, target, ids)
    _write_adapter(model, target / "vision-lora")
    return target


def _write_adapter(model: Any, target: Path, rank: int = 4) -> None:
    import torch
    from safetensors.torch import save_file

    target.mkdir()
    halves: dict[str, Any] = {}
    adapted = {
        name: layer
        for name, layer in model.model.layers.named_modules()
        if name.endswith(("qkv_proj", "o_proj", "gate_up_proj", "down_proj"))
    }
    for name, layer in adapted.items():
        outwards, inwards = layer.weight.shape
        path = f"base_model.model.model.layers.{name}"
        halves[f"{path}.lora_A.weight"] = torch.randn(rank, inwards) * 0.02
        halves[f"{path}.lora_B.weight"] = torch.randn(outwards, rank) * 0.02
    save_file(halves, target / "adapter_model.safetensors")
    said = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "bias": "none"}
    (target / "adapter_config.json").write_text(json.dumps(said), encoding="utf-8")


def _rename_token(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert f'"{old}"' in text
    file.write_text(text.replace(f'"{old}"', f'"{new}"'), encoding="utf-8")


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
