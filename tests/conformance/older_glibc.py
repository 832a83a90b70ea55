"""Makes a program run on a glibc older than the one that it was linked with.

The dynamic loader refuses a program that asks for a version of symbols which the machine's library
does not have, whatever the symbols are. So the program's list of needed versions (ELF section
.gnu.version_r, "Linux Standard Base, Symbol Versioning") is rewritten: a version that is too new
becomes another one of the same library in the list. The few symbols that are new themselves come
from a small library that is loaded before (new_symbols.c).
"""

import struct
from pathlib import Path
from typing import NamedTuple

NEWEST = {"GLIBC": (2, 36), "GLIBCXX": (3, 4, 30)}  # Debian 12's

SECTION_HEADERS_AT = 0x28  # in the header of an ELF64 file: their offset
SECTION_COUNT_AT = 0x3A  # the size of one before it, and their number
NEEDED_VERSIONS = 0x6FFFFFFE  # SHT_GNU_verneed


class Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


class Version(NamedTuple):
    """One needed version: where its entry is in the file, and where its name in the strings."""

    at: int
    name_at: int
    name: str

    @property
    def library(self) -> str:
        return self.name.partition("_")[0]

    @property
    def number(self) -> tuple[int, ...]:
        parts = self.name.partition("_")[2].split(".")
        return tuple(int(part) for part in parts) if all(p.isdigit() for p in parts) else ()

    @property
    def too_new(self) -> bool:
        return self.library in NEWEST and self.number > NEWEST[self.library]


def version_hash(name: str) -> int:
    """The hash of System V's ABI ("Hash Table")."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value


def sections(elf: bytearray) -> list[Section]:
    (start,) = struct.unpack_from("<Q", elf, SECTION_HEADERS_AT)
    size, count = struct.unpack_from("<HH", elf, SECTION_COUNT_AT)
    return [Section(*struct.unpack_from("<IIQQQQIIQQ", elf, start + i * size))
            for i in range(count)]


def versions(elf: bytearray) -> list[list[Version]]:
    """The needed versions, by the library file that they are needed of."""
    every = sections(elf)
    found = []
    for section in every:
        if section.kind != NEEDED_VERSIONS:
            continue
        strings = every[section.link].offset
        file_at = section.offset
        while True:
            _, count, _, first, next_file = struct.unpack_from("<HHIII", elf, file_at)
            found.append([])
            at = file_at + first
            for _ in range(count):
                name_at, next_version = struct.unpack_from("<II", elf, at + 8)
                end = elf.index(0, strings + name_at)
                found[-1].append(Version(at, name_at, elf[strings + name_at:end].decode()))
                at += next_version
            if next_file == 0:
                break
            file_at += next_file
    return found


def lower(source: Path, target: Path) -> None:
    elf = bytearray(source.read_bytes())
    for needed in versions(elf):
        for version in filter(lambda one: one.too_new, needed):
            stand_in = max((one for one in needed
                            if one.library == version.library and not one.too_new),
                           key=lambda one: one.number)
            struct.pack_into("<I", elf, version.at, version_hash(stand_in.name))
            struct.pack_into("<I", elf, version.at + 8, stand_in.name_at)
    target.write_bytes(elf)
    target.chmod(0o755)
