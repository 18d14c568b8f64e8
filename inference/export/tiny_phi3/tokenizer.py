"""A tokenizer of the kind Phi-3 has (BPE with byte fallback), small, trained on the dialogues."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inference.export.tiny_phi3.dialogues import ALL, NOISE, SYSTEMS
from inference.export.tiny_phi3.layout import user_message

VOCABULARY: Final = 1792  # without Phi-3's own special tokens
PHI3_SPECIALS: Final = (
    "<|endoftext|>",
    "<|assistant|>",
    "<|placeholder1|>",
    "<|placeholder2|>",
    "<|placeholder3|>",
    "<|placeholder4|>",
    "<|system|>",
    "<|end|>",
    "<|placeholder5|>",
    "<|placeholder6|>",
    "<|user|>",
)
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{% if message['role'] in ['system', 'user', 'assistant'] and message['content'] %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
SETTINGS: Final = {
    "tokenizer_class": "LlamaTokenizer",
    "bos_token": "<s>",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "unk_token": "<unk>",
    "add_bos_token": False,
    "add_eos_token": False,
    "legacy": False,
    "clean_up_tokenization_spaces": False,
    "model_max_length": 4096,
    "chat_template": CHAT_TEMPLATE,
}


def corpus() -> list[str]:
    """List every text the model reads or writes."""
    texts = [*SYSTEMS, *(f"{passage.heading}\n{passage.text}" for passage in NOISE)]
    for dialogue in ALL:
        for turn in dialogue.turns:
            texts += [user_message(turn.question, turn.passages), turn.answer]
    return texts


def write_tokenizer(folder: Path, texts: Sequence[str] = (), vocabulary: int = VOCABULARY) -> int:
    """Train the tokenizer, write its files into `folder`, and return its size, specials included.

    texts: what it is trained on; without any, the dialogues. vocabulary: its size without Phi-3's specials.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    basic = ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()  # only while training: no piece crosses a space
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=basic + [f"<0x{byte:02X}>" for byte in range(256)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts or corpus(), trainer)

    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = [entry for entry in described["added_tokens"] if entry["content"] in basic]
    tokenizer = Tokenizer.from_str(json.dumps(described))
    tokenizer.pre_tokenizer = None
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(text, rstrip=True, special=True) for text in PHI3_SPECIALS])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    text = json.dumps(SETTINGS, ensure_ascii=False, indent=1) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    return int(tokenizer.get_vocab_size())
