#!/usr/bin/env python3
"""Writes Tests/TokenizerTests/Fixtures: small vocabularies and what other engines make of text.

Byte-level BPE is trained and encoded by PyPI `tokenizers`, with the patterns as the models' own
tokenizer.json files have them; SentencePiece by PyPI `sentencepiece`; the demo model's vocabulary
is read by PyPI `gguf`. Fixed seeds: the same versions write the same files.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 gguf==0.19.0
    python3 Tests/Scripts/make_tokenizer_fixtures.py [DEMO_MODEL.gguf GOLDEN.json]

Characters are from Unicode 14 or earlier, which every engine here knows.
"""
import json
import pathlib
import random
import sys
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "TokenizerTests" / "Fixtures"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

# --------------------------------------------------------------------------------------- texts

SCRIPTS = {
    "latin": "The quick brown fox can't jump over 13 lazy dogs; it's too cold, and they'll bark.",
    "german": "Größe und Maß: „Übermäßig schöne Straßen“ kosten 1.234,56 € – heißt es.",
    "french": "L'été dernier, j'ai mangé une crêpe à l'hôtel ; c'était délicieux ! Noël, cœur.",
    "greek": "Η γρήγορη αλεπού πηδά πάνω από το τεμπέλικο σκυλί. Τι ώρα είναι;",
    "cyrillic": "Быстрая лиса прыгает через ленивую собаку; ёжик съел 25 яблок.",
    "arabic": "الثعلب البني السريع يقفز فوق الكلب الكسول، أليس كذلك؟ ١٢٣٤٥",
    "hebrew": "השועל החום המהיר קופץ מעל הכלב העצלן. שָׁלוֹם עֲלֵיכֶם",
    "devanagari": "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। १२३ किताबें",
    "thai": "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ ๑๒๓",
    "chinese": "敏捷的棕色狐狸跳过了懒狗。今天是2024年11月21日,天气很好!",
    "japanese": "素早い茶色の狐がのろまな犬を飛び越える。カタカナとひらがな、Ａ１２３。",
    "korean": "빠른 갈색 여우가 게으른 개를 뛰어넘는다. 오늘은 날씨가 좋네요!",
    "georgian and armenian": "სწრაფი მელა ახტება ზარმაც ძაღლს. Արագ աղվեսը ցատկում է շան վրայով։",
    "tamil and amharic": "விரைவான பழுப்பு நரி சோம்பேறி நாய். ፈጣኑ ቡናማ ቀበሮ ሰነፉን ውሻ ዘለለ።",
}

CODE = {
    "python": 'def add(a: int, b: int) -> int:\n    """Adds."""\n\n    return a + b  # 1_000\n',
    "c": "#include <stdio.h>\n\n"
         "int main(void) {\n\tprintf(\"%d\\n\", 0x1F << 3);\n\treturn 0;\n}\n",
    "swift": "public func cut(_ text: [UInt8]) throws(E) -> [Range<Int>] {\n        []\n    }\n\n",
    "shell": "for f in *.txt; do\n  echo \"$f: $(wc -l < \"$f\")\" >> /tmp/out.log 2>&1\ndone\n",
    "json": '{"a":[1,2.5,-3e10],"b":{"c":null,"d":"\\u00e9"}}\r\n',
    "man page": "NAME\n       ls - list directory contents\n\n"
                "SYNOPSIS\n       ls [OPTION]... [FILE]...\n",
}

EDGES = {
    "empty": "",
    "space": " ",
    "leading spaces": "   leading and trailing   ",
    "newlines": "\n\n\na\n \n  b\r\n\r\nc\r\rd\n",
    "tabs": "\t\tx\t \ty\n\t",
    "long white space": "a" + " " * 100 + "b" + "\n" * 40 + " " * 33 + "\t" * 20 + "c" + " " * 64,
    "other white space": "a\u00a0b\u2003c\u3000d\u2028e\u0085f\u180eg\u1680 \u205fh\u200bi",
    "control characters": "a\x00b\x01\x02\x1b[31mred\x1b[0m\x7f\x08\x0b\x0c\x1c\x1f.",
    "digits": "1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 0x7f ½ ² Ⅷ ٣٤٥٦ 一二三",
    "contractions": "I'm you're we'VE he'S it'll I'D don'T 'tis 's's ''s 'RE rock'n'roll o'clock",
    "punctuation": "!!!... ?!?! (a) [b] {c} <d> «e» “f” — – - __ ** ## $5 £6 100% a/b\\c ~`^|",
    "punctuation and lines": "end.\n\nnext!\r\n;;;\n{\n}\n // c\n",
    "emoji": "😀👍🏽 ❤️ 🇩🇪🇯🇵 ☕️",
    "emoji joined": "👩‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 x👨‍💻y",
    "combining": "e\u0301 a\u0308\u0304 n\u0303o "
                 "Z\u0351\u036b\u0343a\u0300\u0301\u0302l\u0316 \u0301",
    "normal forms": "\u00e9 e\u0301 \uac00 \u1100\u1161 \u212b \u00c5 \ufb01 fi",
    "symbols": "∀x∈ℝ: x² ≥ 0 → ∑∞ ≠ ∅ ♠♣ ▁▂▃ ␣ ™®©",
    "private use": "\ue000\uf8ff \U000f0000 \ufffd \ufeff",
    "mixed words": "Straße123abc naïve2façade iPhone15Pro x86_64 日本語text中文ABC123한글",
    "repeats": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa abababababab ------------------ ========",
    "special looking": "<|im_start|>user\nhi<|im_end|>\n</s><s>[INST] "
                       "<tool_call>x</tool_call> <0x0A>",
}

ALPHABET = (
    list("aabeteshrnAT012 9  \n\t'.,-!(/") + ["\r\n", "  ", "\u00a0", "é", "e\u0301", "ß", "я", "Ж"]
    + ["中", "文", "。", "あ", "한", "क", "ि", "ع", "١", "½", "😀", "\u200d", "🏽", "\u3000", "\u2028"]
    + ["\u180e", "'s", "'LL", "$", "+", "<", "`", "_", "€", "\x00", "\x1f", "\u0085", "the", " of"]
)


def random_texts(seed, count):
    generator = random.Random(seed)
    return {
        f"random {i}": "".join(generator.choices(ALPHABET, k=60)) for i in range(count)
    }


TEXTS = {**SCRIPTS, **CODE, **EDGES, **random_texts(7, 24)}
CORPUS = list(SCRIPTS.values()) * 3 + list(CODE.values()) * 4 + list(EDGES.values())
CORPUS += random_texts(8, 10).values()

INVALID = [
    "61ff62", "c3", "c328", "e282", "f09f98", "48656c6c6f20c3a9e2 82ac f0 20 776f726c64",
    "eda080edb080", "c080", "f4908080", "ff" * 9, "2020ff2020fe0a0a", "61c3a9c3", "8081a0 41 bf",
    "e4b8 ade4b8ad f09f9880f09f98 31323334c233",
]

# ---------------------------------------------------------------------------------- byte level

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
DEEPSEEK3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


# By name: the stages in front of the merges, as the models' tokenizer.json files list them.
PRE_TOKENIZERS = {
    "gpt-2": [byte_level(True)],
    "qwen2": [split(QWEN2), byte_level(False)],
    "llama-bpe": [split(LLAMA3), byte_level(False)],
    "qwen35": [split(QWEN35), byte_level(False)],
    "bailingmoe": [split(BAILING), byte_level(False)],
    "starcoder": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "falcon": [pre_tokenizers.Punctuation("contiguous"), byte_level(True),
               split("[0-9][0-9][0-9]")],
    "default": [split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2), split(r"\p{N}+"),
                split("[0-9][0-9][0-9]"), byte_level(False)],
    "deepseek-coder": [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
                       split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True),
                       byte_level(False)],
    "deepseek-v3": [split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3),
                    byte_level(False)],
}

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_end|>\n"]
USER_DEFINED_TOKENS = ["<tool_call>", "</tool_call>"]


def train(stages, vocabulary_size=1000):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(stages)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def with_whole_words(tokenizer):
    """Adds tokens that no merge makes: Llama 3 takes them where they are a whole word."""
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"]
    for word in ["Ġjump", "ĠOPTION", "rock", "(a"]:
        vocabulary.setdefault(word, len(vocabulary))
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    tokenizer.model = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True)
    return tokenizer


def byte_level_vocabulary(tokenizer, name):
    model = json.loads(tokenizer.to_str())["model"]
    added = tokenizer.get_added_tokens_decoder()
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    types = [NORMAL] * len(tokens)
    for token_id, token in added.items():
        types[token_id] = CONTROL if token.special else USER_DEFINED
    merges = [" ".join(m) if isinstance(m, list) else m for m in model["merges"]]
    bos = tokens.index("<|endoftext|>")
    return {
        "model": "gpt2", "preTokenizer": name, "tokens": tokens, "types": types,
        "merges": merges, "bos": bos, "eos": bos,
    }


def runs(data):
    """Cuts bytes into (is well-formed, bytes) runs, as our tokenizer documents it."""
    cut, position = [], 0
    while position < len(data):
        for length in (1, 2, 3, 4):
            try:
                data[position:position + length].decode("utf-8")
                valid = position + length <= len(data)
            except UnicodeDecodeError:
                valid = False
            if valid:
                break
        length = length if valid else 1
        if cut and cut[-1][0] == valid:
            cut[-1] = (valid, cut[-1][1] + data[position:position + length])
        else:
            cut.append((valid, data[position:position + length]))
        position += length
    return cut


def byte_characters():
    """GPT-2's character of every byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def encode_invalid(tokenizer, data):
    ids = []
    for valid, run in runs(data):
        if valid:
            ids += tokenizer.encode(run.decode(), add_special_tokens=False).ids
        else:
            piece = "".join(byte_characters()[b] for b in run)
            ids += [token.id for token in tokenizer.model.tokenize(piece)]
    return ids


def byte_level_fixture(name, stages):
    tokenizer = train(stages)
    if name == "llama-bpe":
        tokenizer = with_whole_words(tokenizer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROLS])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in USER_DEFINED_TOKENS])

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False).ids

    parsed = {text: encode(text) for text in TEXTS.values()}
    tokenizer.encode_special_tokens = True
    cases = []
    for label, text in TEXTS.items():
        case = {"name": label, "ids": encode(text)}
        if parsed[text] != case["ids"]:
            case["parsedIDs"] = parsed[text]
        cases.append(case)
    invalid = [bytes.fromhex(h) for h in INVALID]
    return {
        "vocabulary": byte_level_vocabulary(tokenizer, name),
        "cases": cases,
        "invalid": [{"hex": d.hex(), "ids": encode_invalid(tokenizer, d)} for d in invalid],
    }


# ------------------------------------------------------------------------------- SentencePiece

def sentencepiece_fixture():
    """As Llama 2's tokenizer: no normalisation, a space in front, byte fallback."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/model"
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS), model_prefix=prefix, model_type="bpe", vocab_size=900,
            byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=True,
            remove_extra_whitespaces=False, split_digits=True, character_coverage=0.98,
            allow_whitespace_only_pieces=True, user_defined_symbols=USER_DEFINED_TOKENS,
            num_threads=1, minloglevel=2, hard_vocab_limit=False,
        )
        processor = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")
    count = processor.get_piece_size()

    def kind(i):
        if processor.is_unknown(i):
            return UNKNOWN
        if processor.is_control(i):
            return CONTROL
        if processor.is_byte(i):
            return BYTE
        user_defined = processor.id_to_piece(i) in USER_DEFINED_TOKENS
        return USER_DEFINED if user_defined else NORMAL

    # SentencePiece puts a space in front of the text only; Llama's converters, and we, also
    # behind special tokens, so texts with user-defined tokens are not compared.
    texts = {k: t for k, t in TEXTS.items() if not any(u in t for u in USER_DEFINED_TOKENS)}
    # It also takes NUL for the end of the text.
    texts = {k: t for k, t in texts.items() if "\x00" not in t}
    return {
        "vocabulary": {
            "model": "llama",
            "tokens": [processor.id_to_piece(i) for i in range(count)],
            "scores": [processor.get_score(i) for i in range(count)],
            "types": [kind(i) for i in range(count)],
            "bos": processor.bos_id(), "eos": processor.eos_id(), "unknown": processor.unk_id(),
        },
        "cases": [{"name": k, "ids": processor.encode(t)} for k, t in texts.items()],
        "invalid": [],
    }


# ---------------------------------------------------------------------------------- demo model

def demo_fixture(model, golden):
    import gguf

    fields = gguf.GGUFReader(model).fields

    def value(key):
        return fields[f"tokenizer.ggml.{key}"].contents()

    prompts = json.loads(pathlib.Path(golden).read_text())["prompts"]
    return {
        "vocabulary": {
            "model": value("model"), "preTokenizer": value("pre"), "tokens": value("tokens"),
            "types": value("token_type"), "merges": value("merges"),
            "bos": value("bos_token_id"), "eos": value("eos_token_id"),
            "addsBOS": value("add_bos_token"),
        },
        "prompts": [{"text": p["prompt"], "ids": p["tokens"]} for p in prompts],
    }


def write(name, fixture):
    text = json.dumps(fixture, ensure_ascii=False, separators=(",", ":"))
    (FIXTURES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    write("texts", TEXTS)
    for name, stages in PRE_TOKENIZERS.items():
        write(name, byte_level_fixture(name, stages))
    write("sentencepiece", sentencepiece_fixture())
    if len(sys.argv) == 3:
        write("demo", demo_fixture(sys.argv[1], sys.argv[2]))
    total = sum(path.stat().st_size for path in FIXTURES.iterdir())
    print(f"{total} bytes in {FIXTURES}")


if __name__ == "__main__":
    main()
