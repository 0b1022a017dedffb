"""Bytes to text, whatever the label says.

A label is looked up in our own list, never in Python's codec registry directly: `idna`, `rot13` or
`unicode_escape` are codecs but no charsets, and some of them raise or blow up on hostile bytes.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases
from typing import Final

_NOT_CHARSETS: Final = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "mbcs",
    "quopri_codec",
    "rot_13",
    "tactis",
    "uu_codec",
    "zlib_codec",
}
# known to Python, but without an alias of their own
_UNALIASED: Final = {
    "cp1006", "cp720", "cp737", "cp856", "cp874", "cp875", "koi8_r", "koi8_t", "koi8_u",
    "mac_arabic", "mac_croatian", "mac_farsi", "mac_romanian", "utf_8_sig",
}  # fmt: skip
_CODECS: Final = (set(aliases.values()) | _UNALIASED) - _NOT_CHARSETS

# label (lower case, underscores) -> the codecs to try, the superset that senders really use first
_OVERRIDES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("iso_gb2312", "gb2312", "gb_2312_80", "chinese", "csgb2312", "gbk", "x_gbk", "cp936",
         "ms936", "windows_936", "euc_cn", "gb2312_80", "gb18030", "gb_18030", "x_euc_cn"),
        ("gb18030",),
    ),
    **dict.fromkeys(
        ("ks_c_5601_1987", "ks_c_5601", "ksc5601", "ksc_5601", "euc_kr", "x_windows_949",
         "windows_949", "cp949", "korean", "x_euc_kr"),
        ("cp949",),
    ),
    **dict.fromkeys(
        ("shift_jis", "shift_jisx", "x_sjis", "sjis", "ms_kanji", "windows_31j", "cswindows31j",
         "cp932", "x_ms_cp932", "shiftjis", "cp943c"),
        ("cp932", "shift_jis_2004"),
    ),
    **dict.fromkeys(
        ("iso_2022_jp", "iso2022_jp", "iso2022jp", "csiso2022jp", "jis", "iso_2022_jp_ms",
         "cp50220", "cp50221", "cp50222", "iso_2022_jp_1", "iso_2022_jp_2", "iso_2022_jp_3",
         "iso_2022_jp_ext", "iso_2022_jp_2004"),
        ("iso2022_jp_ext", "iso2022_jp_2004", "iso2022_jp_2"),
    ),
    **dict.fromkeys(("big5", "x_x_big5", "big5_eten", "cn_big5", "csbig5"), ("cp950", "big5hkscs")),
    **dict.fromkeys(("iso_8859_8_i", "iso_8859_8_e", "logical", "visual"), ("iso8859_8",)),
    **dict.fromkeys(("unicode_1_1_utf_7", "unicode_2_0_utf_7", "utf7", "utf_7", "x_unicode_2_0_utf_7"),
                    ("utf_7",)),
    **dict.fromkeys(("utf8", "utf_8", "unicode_1_1_utf_8", "x_utf_8", "utf8mb4", "utf_8n", "cp65001",
                     "unicode", "u8", "utf"), ("utf_8",)),
    **dict.fromkeys(("windows_874", "x_windows_874", "tis_620", "iso_8859_11"), ("cp874",)),
    **dict.fromkeys(("macintosh", "x_mac_roman", "mac", "x_macroman"), ("mac_roman",)),
    **dict.fromkeys(("win_1251", "cp_1251", "x_cp1251"), ("cp1251",)),
    **dict.fromkeys(("x_cp1250", "cp_1250"), ("cp1250",)),
    **dict.fromkeys(("iso_8859_9", "latin5", "windows_1254"), ("cp1254",)),
}  # fmt: skip

# what these labels mean in mail: Windows' Western page, or nothing was said at all
_WESTERN: Final = {
    "iso_8859_1", "iso8859_1", "latin1", "latin_1", "l1", "windows_1252", "cp1252", "cp_1252",
    "x_cp1252", "win_1252", "ansi", "iso_8859_1_windows_3_1_latin_1", "us_ascii", "ascii", "us",
    "ansi_x3.4_1968", "646", "iso646_us", "x_ansi", "8859_1", "iso8859", "iso_8859", "default",
}  # fmt: skip

# bytes the Windows page leaves undefined pass as the control characters they are in Latin-1
_CP1252: Final = "".join(
    bytes([byte]).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
    for byte in range(256)
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def storable(text: str) -> str:
    """Return `text` without what PostgreSQL refuses: NUL and lone surrogates become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Return `text` on one line: each run of control characters becomes a blank."""
    return _CONTROLS.sub(" ", text).strip()


def decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    """Decode `data` by the charset `label`; return storable text and a defect code or None.

    Defects: `charset-unknown` (no such charset), `charset-mislabelled` (the bytes speak against the
    label), `charset-broken` (some bytes fit no reading and were replaced).
    """
    text, defect = _decode(data, label)
    return storable(text), defect


def _decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    name = _normal(label)
    if data.isascii() and b"\x1b" not in data and name not in _STATEFUL_ASCII:
        known = not name or _codecs(name) or name in _WESTERN
        return data.decode("ascii"), None if known else "charset-unknown"
    if not name or name in _WESTERN:
        return _western(data, name)
    codecs = _codecs(name)
    if not codecs:
        return _guess(data), "charset-unknown"
    if name in ("utf_16", "utf_32", "utf16", "utf32", "ucs_2", "ucs2"):
        codecs = _byte_order(data, codecs[0])
    for codec in codecs:
        try:
            return data.decode(codec), None
        except UnicodeError:
            continue
    if codecs[0] == "iso2022_jp_ext":
        return _microsoft_jis(data), None
    return _mend(data, codecs[0])


# ASCII bytes that do not mean ASCII characters
_STATEFUL_ASCII: Final = {
    name for name, codecs in _OVERRIDES.items() if codecs[0] in ("utf_7", "iso2022_jp_ext")
} | {"hz", "hz_gb_2312", "hzgb", "utf_16", "utf_16le", "utf_16be", "utf_32", "utf_16_le", "utf_16_be",
     "iso_2022_kr", "iso2022_kr", "cp037", "cp500", "cp1140", "ibm037", "ibm500", "utf16", "utf32",
     "ucs_2", "ucs2"}  # fmt: skip


def _normal(label: str | None) -> str:
    """Return the label in lower case with underscores, without quotes, language and rubbish."""
    cut = re.split(r"[;,*\s]", (label or "")[:200].strip(" \t\r\n\"'<>"), maxsplit=1)[0]
    name = re.sub(r"[-_ ]+", "_", cut.strip("\"'").lower()).strip("_")
    return name.removeprefix("charset=")[:60]


def _codecs(name: str) -> tuple[str, ...]:
    """Return the codecs to try for a normalised label; none if there is no such charset."""
    if name in _OVERRIDES:
        return _OVERRIDES[name]
    if name in ("ucs_2", "ucs2", "utf16", "utf32"):
        return ("utf_32",) if "32" in name else ("utf_16",)
    for guess in (
        name,
        name.removeprefix("x_"),
        name.replace("windows_", "cp"),
        name.replace("_", ""),
    ):
        codec = aliases.get(guess, guess)
        if codec in _CODECS:
            return (codec,)
    return ()


def _byte_order(data: bytes, codec: str) -> tuple[str, ...]:
    """Without a mark the order is guessed from where the zero bytes of Western text lie."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:4] in (b"\x00\x00\xfe\xff",):
        return (codec,)
    width = 4 if "32" in codec else 2
    little = data[width - 1 : 4000 : width].count(0) > data[0:4000:width].count(0)
    return (f"{codec}_{'le' if little else 'be'}",)


def _western(data: bytes, name: str) -> tuple[str, str | None]:
    """Read Latin-1, Windows-1252, US-ASCII or unlabelled bytes; UTF-8 shows itself."""
    if b"\x1b$" in data[:4000]:
        return _decode(data, "iso-2022-jp")[0], "charset-mislabelled"
    try:
        return data.decode("utf-8"), "charset-mislabelled" if name else None
    except UnicodeDecodeError:
        if name and name not in ("us_ascii", "ascii"):
            return _windows(data), None
        text = data[:200_000].decode("utf-8", "replace")
        broken = text.count("\ufffd")
        if len(_NOT_ASCII.findall(text)) > 5 * broken:
            return data.decode("utf-8", "replace"), "charset-broken"
        return _unlabelled(data), "charset-mislabelled"


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LETTER_RUN = re.compile(rb"[\xa8\xb8\xc0-\xff]+")


def _unlabelled(data: bytes) -> str:
    """Read single-byte text without a label: whole words of high letters are Cyrillic, not Western."""
    runs = _LETTER_RUN.findall(data[:20_000])
    if len(runs) >= 2 and sum(map(len, runs)) >= 3.5 * len(runs):
        return data.decode("cp1251", "replace")
    return _windows(data)


def _windows(data: bytes) -> str:
    return data.decode("latin-1").translate(_CP1252_TABLE)


_CP1252_TABLE: Final = {
    byte: _CP1252[byte] for byte in range(0x80, 0xA0) if _CP1252[byte] != chr(byte)
}


def _microsoft_jis(data: bytes) -> str:
    """Read ISO-2022-JP with Microsoft's extra characters (CP50221), for which Python has no codec.

    Each double-byte run is shifted to its place in Shift-JIS; arithmetic of JIS X 0208 annex 1.
    """

    def shifted(run: re.Match[bytes]) -> bytes:
        pairs = bytearray()
        for first, second in zip(run[1][::2], run[1][1::2], strict=False):
            lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
            trail = second + ((0x20 if second > 0x5F else 0x1F) if first % 2 else 0x7E)
            pairs += bytes((lead & 0xFF, trail & 0xFF))
        return bytes(pairs)

    shift_jis = re.sub(rb"\x1b\$[@B]([^\x1b\r\n]*)", shifted, data)
    shift_jis = re.sub(
        rb"\x1b\(I([^\x1b\r\n]*)", lambda run: bytes(byte | 0x80 for byte in run[1]), shift_jis
    )
    return re.sub(rb"\x1b\([BJ]", b"", shift_jis).decode("cp932", "replace")


def _guess(data: bytes) -> str:
    """Read bytes whose charset nobody knows."""
    return _western(data, "")[0]


def _mend(data: bytes, codec: str) -> tuple[str, str]:
    """Read bytes that do not fit their label: a few broken ones are replaced, many betray it."""
    text = data.decode(codec, "replace")
    broken = text.count("\ufffd")
    if codec == "utf_8":
        # each genuine multi-byte character outweighs a broken one; none: it was a Western page
        genuine = len(_NOT_ASCII.findall(text[:200_000])) - text[:200_000].count("\ufffd")
        if genuine < broken:
            return _unlabelled(data), "charset-mislabelled"
        return text, "charset-broken"
    try:
        return data.decode("utf-8"), "charset-mislabelled"
    except UnicodeDecodeError:
        return text, "charset-broken"
