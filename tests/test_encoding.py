"""Bytes of any origin become clean text, or a problem that says where to look."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub.extraction.encoding import decode

GERMAN = "Die Größe des Straßenverkehrs ist „enorm“ – sagte der Bürgermeister. Äpfel kosten 5 €.\n"
RUSSIAN = (
    "Президент заявил во вторник, что переговоры продолжатся в Москве. Стороны договорились о встрече "
    "в ноябре, сообщила пресс-служба. Подробности будут известны позднее.\n"
)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (GERMAN.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + GERMAN.encode(), "utf-8"),
        (b"\xff\xfe" + GERMAN.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
        (GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("cp1252"), "cp1252"),
    ],
)
def test_usual_encodings_are_found(data: bytes, encoding: str) -> None:
    found = decode(data)
    assert (found.text, found.encoding, found.problems) == (GERMAN, encoding, ())


def test_other_encodings_are_guessed_and_the_guess_is_told() -> None:
    found = decode(RUSSIAN.encode("koi8-r"))
    assert found.text == RUSSIAN
    assert [(p.rule, p.severity) for p in found.problems] == [("encoding-guessed", "advice")]


def test_declared_encoding_counts_where_it_is_not_utf_8() -> None:
    assert decode("Žluťoučký kůň\n".encode("cp1250"), "windows-1250").text == "Žluťoučký kůň\n"
    assert decode("naïve “x”".encode("cp1252"), "ISO-8859-1").text == "naïve “x”"
    assert decode("größer".encode(), "iso-8859-1").text == "größer"


@pytest.mark.parametrize("declared", ["zip", "no-such", "rot13", "x" * 99, "", "utf-8"])
def test_declared_nonsense_is_passed_over(declared: str) -> None:
    assert decode("café au lait".encode("cp1252"), declared).text == "café au lait"


def test_damaged_utf_8_is_refused_with_its_byte_and_line() -> None:
    (problem,) = decode("Größe\nmehr Größe \n".encode() + b"x \xff y").problems
    assert (problem.rule, problem.severity, problem.line, problem.column) == ("encoding", "error", 3, 3)
    assert "Byte 24" in problem.message
    assert "UTF-8" in problem.remedy


ENGLISH = b"The council voted on Monday evening for a new bridge over the river in the old town.\n"


@pytest.mark.parametrize("bad", [b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"])
def test_byte_that_windows_1252_does_not_define_is_refused_with_its_place(bad: bytes) -> None:
    found = decode(ENGLISH * 2 + b"caf\xe9 " + bad + b" na\xefve\n")
    (problem,) = found.problems
    assert (found.text, found.encoding) == ("", None)
    assert (problem.rule, problem.severity, problem.line, problem.column) == ("encoding", "error", 3, 6)
    assert f"Byte {2 * len(ENGLISH) + 5} " in problem.message
    assert "UTF-8" in problem.remedy


@pytest.mark.parametrize(
    "data",
    [
        "Die Größe der Straße überraschte den Bürgermeister sehr.".encode("cp437"),
        "Żółta łódź płynie po rzece, a dzieci śpiewają nad brzegiem.".encode("iso8859-2"),
        "Президент заявил во вторник, что переговоры продолжатся в Москве.".encode("cp866"),
    ],
)
def test_code_page_is_never_guessed_where_there_is_too_little_to_tell_by(data: bytes) -> None:
    found = decode(data)
    assert [(p.rule, p.severity) for p in found.problems] == [("encoding", "error")]


def test_torn_utf_16_is_refused() -> None:
    (problem,) = decode(b"\xff\xfea").problems
    assert problem.rule == "encoding"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n", b"\x01"])
def test_file_without_text_is_empty(data: bytes) -> None:
    found = decode(data)
    assert found.text == ""
    assert [p.rule for p in found.problems] == ["empty"]


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7 text", b"\x89PNG\r\n\x1a\n...", b"PK\x03\x04 docx", b"\xd0\xcf\x11\xe0 doc", b"{\\rtf1 x}",
        b"text with \x00 in it", b"\x00" * 100, b"\x01\x02\x03" * 50 + b"abc",
    ],
)  # fmt: skip
def test_binary_data_is_refused(data: bytes) -> None:
    found = decode(data)
    assert found.text == ""
    assert [(p.rule, p.severity) for p in found.problems] == [("binary", "error")]


def test_line_ends_become_newlines() -> None:
    assert decode("a\r\nb\rc\x85d\u2028e\x0cf".encode()).text == "a\nb\nc\nd\ne\nf"


def test_text_is_composed() -> None:
    assert decode("Zu\u0308rich".encode()).text == "Zürich"


def test_what_xml_cannot_hold_is_taken_out_with_advice() -> None:
    found = decode("a\x07b\x9fc\ufeffd\uffffe\nf\x1b".encode())
    assert found.text == "abcde\nf"
    (problem,) = found.problems
    assert (problem.rule, problem.severity, problem.line, problem.column) == (
        "control-characters",
        "advice",
        1,
        2,
    )
    assert "5" in problem.message


def test_tabs_and_no_break_spaces_stay() -> None:
    assert decode("a\tb\u00a0c".encode()).text == "a\tb\u00a0c"


def test_letter_lost_earlier_is_pointed_out() -> None:
    (problem,) = decode("first\ncaf\ufffd".encode()).problems
    assert (problem.rule, problem.severity, problem.line, problem.column) == (
        "replacement-character",
        "advice",
        2,
        4,
    )


def _is_clean(text: str) -> bool:
    return (
        all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in text) and "\ufeff" not in text
    )


@given(
    st.binary(max_size=300), st.sampled_from([None, "utf-8", "latin-1", "shift_jis", "utf-16", "idna", "hex"])
)
def test_any_bytes_give_clean_text_or_an_error(data: bytes, declared: str | None) -> None:
    found = decode(data, declared)
    assert _is_clean(found.text)
    assert bool(found.text) != any(p.severity == "error" for p in found.problems)


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)
)
def test_utf_8_text_comes_back_composed(text: str) -> None:
    found = decode(text.encode())
    expected = unicodedata.normalize(
        "NFC", text.replace("\ufeff", "").replace("\ufffe", "").replace("\uffff", "")
    )
    if found.encoding == "utf-8":
        assert found.text == expected
    else:
        assert not expected.strip() or found.problems[0].rule == "binary"
