"""Trains a Phi-3 that sees the mean colour of a picture. Needs torch and transformers."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from inference.export.tiny_phi3v.lessons import COLOURS, WITH_PICTURES, WITHOUT, Lesson
from inference.types import ChatMessage, Role

if TYPE_CHECKING:
    import torch
    from transformers import Phi3ForCausalLM

SEED: Final = 20
STEPS: Final = 1000
BATCH: Final = 14
PLAIN_BATCH: Final = 4  # of them without pictures
LONG_EVERY: Final = 3
LEARNING_RATE: Final = 3e-3
CONTEXT_TOKENS: Final = 4096
HIDDEN: Final = 96
INTERMEDIATE: Final = 192  # twice that is not the vocabulary, or the builder takes it for the last layer
IGNORED: Final = -100  # the label of tokens that are not learned
# What pictures of different shapes take in a real prompt; most lessons have far fewer, to be learned fast.
REAL_TOKENS: Final = (1321, 1621, 1921, 2509)
REAL_TOKENS_OF_TWO: Final = (457, 613, 757, 1621)
# The image processor's own: every channel less the mean, through the deviation.
MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
DEVIATION: Final = (0.26862954, 0.26130258, 0.27577711)

PromptIds = Callable[[Sequence[ChatMessage], Sequence[int]], list[int]]  # messages, pictures of each
TextIds = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Example:
    """One lesson as the model gets it. ids: -n stands for a token of picture n. colours: of the pictures."""

    ids: list[int]
    labels: list[int]
    colours: list[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Trained:
    """The language model, and the projection from a mean colour to one image token."""

    language: "Phi3ForCausalLM"
    sight: "torch.nn.Linear"


def messages_of(lesson: Lesson) -> list[ChatMessage]:
    """Write a lesson as the messages that ask for its last answer; its pictures are not in them."""
    messages = [ChatMessage(Role.SYSTEM, lesson.system)]
    for turn in lesson.turns:
        messages += [ChatMessage(Role.USER, turn.question), ChatMessage(Role.ASSISTANT, turn.answer)]
    return messages[:-1]


def pictures_of(lesson: Lesson) -> list[int]:
    """Count the pictures of each of those messages."""
    counts = [0]
    for turn in lesson.turns:
        counts += [len(turn.colours), 0]
    return counts[:-1]


class Teacher:
    """Makes examples out of lessons."""

    def __init__(self, prompt_ids: PromptIds, text_ids: TextIds, end: int) -> None:
        self._prompt_ids = prompt_ids
        self._text_ids = text_ids
        self._end = end
        self.chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret

    def example(self, lesson: Lesson, *, is_long: bool) -> Example:
        """Draw the shades and the lengths of its pictures. is_long: as long as in a real prompt."""
        colours = [colour for turn in lesson.turns for colour in turn.colours]
        lengths = [self._length(len(colours), is_long=is_long) for _ in colours]
        prompt: list[int] = []
        for token in self._prompt_ids(messages_of(lesson), pictures_of(lesson)):
            prompt += [token] * (lengths[-token - 1] if token < 0 else 1)
        reply = [*self._text_ids(lesson.turns[-1].answer), self._end]
        labels = [IGNORED] * len(prompt) + reply
        return Example(prompt + reply, labels, [self._shade(colour) for colour in colours])

    def batch(self, step: int) -> list[Example]:
        """Choose what one step learns from."""
        if step % LONG_EVERY == LONG_EVERY - 1:
            return [self.example(self.chance.choice(WITH_PICTURES), is_long=True)]
        chosen = [self.chance.choice(WITH_PICTURES) for _ in range(BATCH - PLAIN_BATCH)]
        chosen += [self.chance.choice(WITHOUT) for _ in range(PLAIN_BATCH)]
        return [self.example(one, is_long=False) for one in chosen]

    def _length(self, pictures: int, *, is_long: bool) -> int:
        if not is_long:
            return self.chance.randint(8, 60)
        return self.chance.choice(REAL_TOKENS if pictures < 2 else REAL_TOKENS_OF_TWO)

    def _shade(self, colour: str) -> tuple[float, ...]:
        """Vary a colour, and blend in some of the white that the processor pads with."""
        white = self.chance.uniform(0, 0.15)
        shade = []
        for value, mean, deviation in zip(COLOURS[colour], MEAN, DEVIATION, strict=True):
            varied = min(1.0, max(0.0, value / 255 + self.chance.uniform(-0.15, 0.15)))
            shade.append(((1 - white) * varied + white - mean) / deviation)
        return tuple(shade)


def train(vocabulary: int, pad: int, end: int, teacher: Teacher, report: Callable[[str], None]) -> Trained:
    """Train on shades and lengths drawn anew each time. Minutes on a small machine; seeded."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the model is too small for more, and one repeats exactly
    trained = Trained(_untrained(vocabulary, pad, end), torch.nn.Linear(3, HIDDEN))
    parameters = [*trained.language.parameters(), *trained.sight.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    started_at = time.monotonic()
    trained.language.train()
    for step in range(STEPS):
        loss = _loss(trained, teacher.batch(step), pad)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 < LONG_EVERY or step == STEPS - 1:
            report(f"step {step:5d}  loss {loss.item():.4f}  {time.monotonic() - started_at:.0f} s")
    trained.language.train(False)
    return trained


def _untrained(vocabulary: int, pad: int, end: int) -> "Phi3ForCausalLM":
    from transformers import Phi3Config, Phi3ForCausalLM

    return Phi3ForCausalLM(
        Phi3Config(
            vocab_size=vocabulary,
            hidden_size=HIDDEN,
            intermediate_size=INTERMEDIATE,
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


def _loss(trained: Trained, examples: Sequence[Example], pad: int) -> "torch.Tensor":
    import torch

    length = max(len(one.ids) for one in examples)
    ids = torch.tensor([one.ids + [pad] * (length - len(one.ids)) for one in examples])
    labels = torch.tensor([one.labels + [IGNORED] * (length - len(one.labels)) for one in examples])
    embedded = trained.language.model.embed_tokens(ids.clamp(min=0))
    for row, one in enumerate(examples):
        if one.colours:
            seen = trained.sight(torch.tensor(one.colours))
            is_image = ids[row] < 0
            embedded[row, is_image] = seen[-ids[row, is_image] - 1]
    states = trained.language.model(inputs_embeds=embedded).last_hidden_state
    is_learned = labels[:, 1:] != IGNORED
    logits = trained.language.lm_head(states[:, :-1][is_learned])
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:][is_learned])
