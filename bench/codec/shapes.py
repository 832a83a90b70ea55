"""The five JSON documents, the same on each machine, and their wire forms by protobuf C++."""

import base64
import json
import random
import subprocess
from collections.abc import Iterator

from .places import CONTRACT, DATA, PROTOBUF

NAMES = ("user", "users100", "deep", "numbers", "text")
SEED = 20261121
LEVELS = 30
NUMBERS = 10_000  # of each kind
LINES_BYTES = 768 * 1024
BLOB_BYTES = 192 * 1024
PLAIN = ("the quick brown fox jumps over a lazy dog while Ada writes notes about engines "
         "and looms").split()
UNICODE = "Zürich naïve Ελλάδα Москва 東京都 日本語テキスト 서울 مرحبا 🚀 🎉 café jalapeño".split()
QUOTED = ('"%s"', "%s\n", "\t%s", "C:\\%s", "%s\r\n")
# Lines of the text by what is in them: plain words; raw UTF-8; \" \n \t \\; \uXXXX, pairs as well.
KINDS = {"plain": 45, "unicode": 25, "quoted": 20, "escaped": 10}


def write_all() -> None:
    """Documents, descriptors, and by protobuf's program the wire forms."""
    DATA.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (DATA / f"{name}.json").write_bytes(text)
    subprocess.run(["protoc", f"-I{CONTRACT.parent}", "--include_imports",
                    f"--descriptor_set_out={DATA / 'contract.binpb'}", CONTRACT.name], check=True)
    subprocess.run([str(PROTOBUF), str(DATA), "reference"], check=True)


def documents() -> dict[str, bytes]:
    # One generator for all, so that the order here is part of the data.
    chance = random.Random(SEED)
    return {
        "user": compact(user_list(1)),
        "users100": compact(user_list(100)),
        "deep": compact(nested(1)),
        "numbers": compact(numbers(chance)),
        "text": text(chance),
    }


def json_bytes() -> dict[str, int]:
    return {name: (DATA / f"{name}.json").stat().st_size for name in NAMES}


def compact(document: dict) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def user_list(count: int) -> dict:
    users = [user(12345 + i) for i in range(count)]
    return {"users": users, "nextPageToken": "abc", "totalCount": count}


def user(number: int) -> dict:
    return {
        "userId": str(number),
        "username": "johndoe",
        "email": "john@example.com",
        "age": 30,
        "roles": ["user", "admin"],
        "address": {"street": "1 Main Street", "city": "Dublin", "country": "IE",
                    "postalCode": "D01"},
        "createdAt": "2024-01-11T13:20:00Z",
        "verified": True,
        "score": 3.25,
        "lucky": [0, 7, 14, 21],
        "labels": {"tier": "gold"},
    }


def nested(level: int) -> dict:
    node = {"id": level, "name": f"level-{level}", "active": True, "weight": level / 8 + 0.1}
    if level < LEVELS:
        node["child"] = nested(level + 1)
    return node


def numbers(chance: random.Random) -> dict:
    shifts = [0, 0, 8, 16, 32, 48]
    longs = [chance.randrange(-2**63, 2**63) >> chance.choice(shifts) for _ in range(NUMBERS)]
    doubles = [double(chance, i) or 1.5 for i in range(NUMBERS)]
    ints = [chance.randrange(-2**31, 2**31) >> chance.choice([0, 8, 16, 24])
            for _ in range(NUMBERS)]
    return {"longs": [str(each) for each in longs], "doubles": doubles, "ints": ints}


def double(chance: random.Random, index: int) -> float:
    """Half measurements with all their digits, a quarter prices, a quarter coordinates. All four
    are drawn each time."""
    return (
        chance.gauss(0, 1) * 10 ** chance.randint(-3, 6),
        chance.random(),
        round(chance.uniform(0, 1000), 2),
        round(chance.uniform(-180, 180), 6),
    )[index % 4]


def text(chance: random.Random) -> bytes:
    lines = b",".join(text_lines(chance))
    blob = base64.b64encode(chance.randbytes(BLOB_BYTES))
    return b'{"lines":[' + lines + b'],"blob":"' + blob + b'"}'


def text_lines(chance: random.Random) -> Iterator[bytes]:
    size = 0
    while size < LINES_BYTES:
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        words_bytes = int(chance.paretovariate(1.2) * 30) % 3000 + 10
        line = " ".join(words(chance, kind, words_bytes))
        encoded = json.dumps(line, ensure_ascii=kind == "escaped").encode()
        size += len(encoded) + 1
        yield encoded


def words(chance: random.Random, kind: str, least_bytes: int) -> Iterator[str]:
    size = 0
    while size < least_bytes:
        word = chance.choice(UNICODE if is_unicode(chance, kind) else PLAIN)
        if kind == "quoted" and chance.random() < 0.15:
            word = chance.choice(QUOTED) % word
        size += len(word.encode()) + 1
        yield word


def is_unicode(chance: random.Random, kind: str) -> bool:
    return kind == "unicode" or (kind == "escaped" and chance.random() < 0.3)
