"""Trains a Phi-3 of two million bytes until it knows the dialogues by heart. Needs torch and transformers."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference.export.tiny_phi3.dialogues import ALL, GROUNDED, NOISE, SYSTEMS
from inference.export.tiny_phi3.layout import Dialogue, Passage, Turn, user_message
from inference.types import ChatMessage, Role

if TYPE_CHECKING:
    import torch
    from transformers import Phi3ForCausalLM

SEED: Final = 20
STEPS: Final = 1000
BATCH: Final = 8
LONG_BATCH: Final = 3
LEARNING_RATE: Final = 3e-3
CONTEXT_TOKENS: Final = 4096
IGNORED: Final = -100  # the label of tokens that are not learned

Example = tuple[list[int], list[int]]  # ids, labels
PromptIds = Callable[[Sequence[ChatMessage]], list[int]]  # template and tokens, as the runtime makes them
TextIds = Callable[[str], list[int]]


def prompt_of(dialogue: Dialogue) -> list[ChatMessage]:
    """Write a dialogue as the messages that ask for its last answer."""
    messages = [ChatMessage(Role.SYSTEM, dialogue.system)] if dialogue.system else []
    for turn in dialogue.turns:
        messages.append(ChatMessage(Role.USER, user_message(turn.question, turn.passages)))
        messages.append(ChatMessage(Role.ASSISTANT, turn.answer))
    return messages[:-1]


def varied(dialogue: Dialogue, chance: random.Random, *, is_long: bool = False) -> Dialogue:
    """Change what the answer must not depend on: instructions, passages, and what was said before.

    is_long: passages as many, as long and as strange as real documents have.
    """
    turns = []
    for turn in dialogue.turns:
        passages = [_blurred(passage, chance) for passage in turn.passages]
        if passages and (is_long or chance.random() < 0.25):
            passages = [*passages, *chance.sample(NOISE, 4)][: 5 if is_long else 2]
            passages = [_strange(one.heading, 80 if is_long else 20, chance) for one in passages]
        elif passages:
            passages += chance.sample(NOISE, chance.randint(1, 2))
        turns.append(replace(turn, passages=tuple(passages)))
    system = dialogue.system if chance.random() < 0.3 else chance.choice(SYSTEMS)
    if len(turns) == 1 and not is_long and chance.random() < 0.2:  # an earlier turn about something else
        turns.insert(0, Turn(chance.choice(NOISE).text, chance.choice(NOISE).text))
    return Dialogue(system, tuple(turns))


def _blurred(passage: Passage, chance: random.Random) -> Passage:
    words = [word for word in passage.text.split() if chance.random() > 0.2]
    if chance.random() < 0.3:
        chance.shuffle(words)
    return Passage(passage.heading, " ".join(words))


def _strange(heading: str, words: int, chance: random.Random) -> Passage:
    """Make up a passage of up to `words` words: some from the dialogues, some that nobody ever wrote."""
    letters = chance.choice(("abcdefghijklmnoprstuvwyz", "אבגדהוזחטיכלמנסעפצקרשת", "ابتثجحدرزسشصعفقكلمنهوي"))
    made_up = [
        chance.choice(chance.choice(NOISE).text.split())
        if chance.random() < 0.5
        else "".join(chance.choices(letters, k=chance.randint(2, 8)))
        for _ in range(chance.randint(5, words))
    ]
    return Passage(heading, " ".join(made_up))


def example(dialogue: Dialogue, prompt_ids: PromptIds, text_ids: TextIds, end: int) -> Example:
    """Turn a dialogue into token ids and labels; only the last answer and its end are learned."""
    prompt = prompt_ids(prompt_of(dialogue))
    reply = [*text_ids(dialogue.turns[-1].answer), end]
    return prompt + reply, [IGNORED] * len(prompt) + reply


def train(
    vocabulary: int,
    pad: int,
    end: int,
    prompt_ids: PromptIds,
    text_ids: TextIds,
    report: Callable[[str], None],
) -> "Phi3ForCausalLM":
    """Train on varied dialogues, every fourth one unchanged. Minutes on a small machine; seeded."""
    import torch

    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the model is too small for more, and one repeats exactly
    model = _untrained(vocabulary, pad, end)
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    started_at = time.monotonic()
    for step in range(STEPS):
        dialogues = _batch(step, chance)
        loss = _loss(model, [example(one, prompt_ids, text_ids, end) for one in dialogues], pad)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0 or step == STEPS - 1:
            report(f"step {step:5d}  loss {loss.item():.4f}  {time.monotonic() - started_at:.0f} s")
    model.train(False)
    return model


def _untrained(vocabulary: int, pad: int, end: int) -> "Phi3ForCausalLM":
    from transformers import Phi3Config, Phi3ForCausalLM

    return Phi3ForCausalLM(
        Phi3Config(
            vocab_size=vocabulary,
            hidden_size=96,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=6,
            num_key_value_heads=6,
            max_position_embeddings=CONTEXT_TOKENS,
            original_max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=False,
            bos_token_id=1,
            eos_token_id=end,
            pad_token_id=pad,
            dtype="float32",
        )
    )


def _batch(step: int, chance: random.Random) -> list[Dialogue]:
    """Choose what one step learns from; every third one is a few long dialogues, which cost as much."""
    if step % 3 == 2:
        return [varied(chance.choice(GROUNDED), chance, is_long=True) for _ in range(LONG_BATCH)]
    chosen = [chance.choice(ALL) for _ in range(BATCH)]
    return [one if at % 4 == 0 else varied(one, chance) for at, one in enumerate(chosen)]


def _loss(model: "Phi3ForCausalLM", examples: Sequence[Example], pad: int) -> "torch.Tensor":
    import torch

    length = max(len(ids) for ids, _ in examples)
    ids = torch.tensor([ids + [pad] * (length - len(ids)) for ids, _ in examples])
    labels = torch.tensor([labels + [IGNORED] * (length - len(labels)) for _, labels in examples])
    states = model.model(input_ids=ids).last_hidden_state  # padded at the end: causal, so no mask
    is_learned = labels[:, 1:] != IGNORED  # logits of these alone: most of the work otherwise
    logits = model.lm_head(states[:, :-1][is_learned])
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:][is_learned])


def save(model: "Phi3ForCausalLM", folder: Path, eos: Sequence[int]) -> None:
    """Save weights and configuration for the builder; `eos`: every token that ends a reply."""
    model.generation_config.eos_token_id = list(eos)
    model.save_pretrained(folder)
