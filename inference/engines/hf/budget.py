"""How many replies at once fit into memory beside a loaded model."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

SHARE: Final = 0.6  # of what is free once the weights are loaded; the site lives here as well


def kv_bytes_per_token(config: "PreTrainedConfig", value_bytes: int) -> int:
    """Bytes of keys and values one token leaves behind."""
    heads = int(config.num_key_value_heads or config.num_attention_heads)
    size = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    return 2 * int(config.num_hidden_layers) * heads * size * value_bytes


def rows_that_fit(model: "PreTrainedModel", context_tokens: int, max_rows: int) -> int:
    """Count the replies whose KV cache fits; one at least."""
    config = model.config.get_text_config()
    a_row = context_tokens * kv_bytes_per_token(config, model.dtype.itemsize)
    return max(1, min(max_rows, int(free_bytes(model.device.type) * SHARE // a_row)))


def free_bytes(device: str) -> int:
    """Tell how much memory is free where the model is."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
