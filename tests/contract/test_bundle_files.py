"""Bundles are read strictly: the files of the format and no others, each as it is listed, in its one encoding."""

from __future__ import annotations

import json
import os
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from contract.bundle.checks import BundleTrust
from contract.bundle.files import BundleFile, FileDigest, digest_of, longest, read_manifest, write_manifest
from contract.bundle.reading import read_bundle
from contract.bundle.verification import verify_bundle
from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from contract.statement import Answer, Decision
from mpc.errors import FoursealError, MalformedInput
from tests.contract.disclosure import Case, answered_case, bundle_files, simple_case
from tests.contract.world import World
from tests.mpc.refusals import malformed

EVERY_BIT = "FOURSEAL_TEST_EVERY_BIT" in os.environ
"""Flip every bit of every file, which takes minutes; else what ``flipped`` says."""


@pytest.fixture(scope="module")
def case(joint: World) -> Case:
    """A message with one answer."""
    return answered_case(joint, ("bob", Decision.ACCEPT))


def outcome_of(files: dict[str, bytes], trust: BundleTrust) -> Outcome:
    """Of files; those that are no bundle have failed."""
    try:
        return verify_bundle(read_bundle(bundle_files(files), DEFAULT_ARC), trust).outcome
    except FoursealError:
        return Outcome.FAILED


def listed(files: dict[str, bytes]) -> dict[str, bytes]:
    """With a manifest that lists these very files: what a careful cheat does."""
    others = {name: digest_of(data) for name, data in files.items() if name != "MANIFEST.json"}
    return files | {"MANIFEST.json": write_manifest(others)}


def test_what_was_written_is_read(case: Case, separate: World) -> None:
    """Equal in every field, in both schemes."""
    for each in (case, answered_case(separate, ("bob", Decision.REJECT), ("carol", Decision.ACCEPT))):
        read = each.read()
        assert each.bundle.message.disclosure is not None
        key = each.bundle.message.disclosure.content_key.to_secret_bytes()
        assert read.bundle.message.disclosure is not None
        assert read.bundle.message.disclosure.content_key.to_secret_bytes() == key
        assert replace(read.bundle.message, disclosure=None) == replace(each.bundle.message, disclosure=None)
        assert [replace(one, disclosure=None) for one in read.bundle.answers] == [
            replace(one, disclosure=None) for one in each.bundle.answers
        ]
        assert set(read.contents) == set(each.contents)


@pytest.mark.parametrize("manifest", ["old", "new"])
def test_missing_files(case: Case, manifest: str) -> None:
    """Each by itself; but for a list of revocations, and for answers as a whole, every file must be there."""
    files = case.files()
    for name in files:
        fewer = {each: data for each, data in files.items() if each != name}
        fewer = fewer if manifest == "old" or name == "MANIFEST.json" else listed(fewer)
        if name == "revoked.crl" and manifest == "new":
            assert outcome_of(fewer, case.trust) is Outcome.INDETERMINATE
            continue
        with pytest.raises(MalformedInput):
            read_bundle(bundle_files(fewer), DEFAULT_ARC)


@pytest.mark.parametrize(
    "name",
    [
        *("extra", "../content", "/content", "content ", "Content", "certificates/../content", "certificates/content"),
        *("answers/0-content", "answers/01-content", "answers/2-entry.der", "answers/50-entry.der", "answers/1-x"),
        *("answers/1-revoked.crl", "answers/1-VERIFY.txt", "answers/1-certificates/author-sign.pem", "author-sign.pem"),
        *(
            "certificates\\author-sign.pem",
            "answers/\u0661-content",
            "",
            "signature-author.bin",
            "signature-session.bin",
        ),
    ],
)
def test_unknown_files(case: Case, name: str) -> None:
    """Whether the manifest lists them or not."""
    more = case.files() | {name: b"x"}
    for files in (more, listed(more)):
        with malformed("BUNDLE_MALFORMED"):
            read_bundle(bundle_files(files), DEFAULT_ARC)


def test_file_that_is_there_twice(case: Case) -> None:
    """An archive may have that."""
    files = bundle_files(case.files())
    for each in files:
        with malformed("BUNDLE_MALFORMED"):
            read_bundle([*files, each], DEFAULT_ARC)


def test_certificate_for_another_use(case: Case) -> None:
    """The session has two, and they are taken for no other."""
    files = case.files()
    sign, encrypt = (f"certificates/session-{use}.pem" for use in ("sign", "encrypt"))
    for name, other in ((sign, encrypt), (encrypt, sign)):
        with malformed("BUNDLE_MALFORMED"):
            read_bundle(bundle_files(listed(files | {name: files[other]})), DEFAULT_ARC)


def lying(name: str, length: int, data: bytes) -> BundleFile:
    """Says another length than it has."""
    return BundleFile(name, length, lambda: iter([data]))


def test_file_of_another_length_than_it_says(case: Case) -> None:
    """Shorter or longer; what is said must be what the manifest says."""
    files = case.files()
    for name, data in files.items():
        others = [each for each in bundle_files(files) if each.name != name]
        liars = [lying(name, len(data) + 1, data), lying(name, len(data) - 1, data)]
        if name != "content" and not name.endswith("-content"):
            liars += [lying(name, len(data), data + b"\x00"), lying(name, len(data), data[:-1])]
        for liar in liars:
            with malformed("BUNDLE_MALFORMED"):
                read_bundle([*others, liar], DEFAULT_ARC)


def test_endless_file_is_not_read_to_the_end(case: Case) -> None:
    """Reading stops where the length that it says is passed; a length above the limit is not read at all."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1 << 16)

    files = [each for each in bundle_files(case.files()) if each.name != "MANIFEST.json"]
    for length, pieces in ((100_000, 2), (1 << 40, 0)):
        taken = 0
        with malformed("BUNDLE_MALFORMED"):
            read_bundle([*files, BundleFile("MANIFEST.json", length, endless)], DEFAULT_ARC)
        assert taken == pieces


def test_longest_files() -> None:
    """Of a content any; of all others little enough to be held."""
    assert longest("content") == longest("answers/49-content") == (1 << 63) - 1
    assert longest("revoked.crl") == 32 << 20
    assert longest("certificates/author-sign.pem") == longest("answers/7-author-sign.pem") == 256 << 10
    assert longest("content-key.bin") == 4 << 10


MANIFEST = {"content": FileDigest(13, bytes(32)), "VERIFY.txt": FileDigest(0, bytes(range(32)))}


def other_manifests() -> Iterator[bytes]:
    """The same in other words, and what is none."""
    good = write_manifest(MANIFEST)
    value = json.loads(good)
    yield from (b"", b"{}", b"[]", b"null", b"[" * 100_000, good[:-1], good + b"\n", b"\xef\xbb\xbf" + good, b"\xff")
    yield json.dumps(value).encode()
    yield good.replace(b"fourseal/v1/bundle", b"fourseal/v2/bundle")
    yield good.replace(b": 13", b": 13.0")
    yield good.replace(b": 13", b": true")
    yield good.replace(b": 13", b": 1e999")
    yield good.replace(b": 13", b': "13"')
    yield good.replace(b": 13", b": " + b"1" * 5000)
    yield good.replace(b"0a0b", b"0A0b")
    changes: list[Any] = [
        {"more": 1},
        {"files": []},
        {"files": {"content": 1}},
        {"files": {"content": {"length": 13, "sha256": "00", "more": 1}}},
    ]
    for change in changes:
        yield (json.dumps(value | change, indent=1, sort_keys=True) + "\n").encode()


def test_manifest_in_other_words() -> None:
    """There is one form."""
    assert read_manifest(write_manifest(MANIFEST)) == MANIFEST
    for data in other_manifests():
        with malformed("BUNDLE_MALFORMED"):
            read_manifest(data)


@given(st.dictionaries(st.text(), st.builds(FileDigest, st.integers(0), st.binary(min_size=32, max_size=32))))
def test_any_manifest_round_trips(files: dict[str, FileDigest]) -> None:
    """Whatever the names."""
    assert read_manifest(write_manifest(files)) == files


@given(st.binary())
def test_garbage_is_no_manifest(data: bytes) -> None:
    """Never another error."""
    with malformed("BUNDLE_MALFORMED"):
        read_manifest(data)


def test_authority_whose_name_cannot_be_read(case: Case) -> None:
    """It is read when somebody looks at it: which is here, and not in a report."""
    certificate = case.bundle.authority.public_bytes(Encoding.DER)
    name = case.bundle.authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert isinstance(name, str)
    before, _, after = certificate.rpartition(name.encode())  # the subject stands behind the issuer
    changed = before + b"\xff" * len(name) + after
    assert len(changed) == len(certificate)
    body = b64encode(changed)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    pem = b"\n".join((b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""))
    with malformed("BUNDLE_MALFORMED"):
        read_bundle(bundle_files(listed(case.files() | {"certificates/authority.pem": pem})), DEFAULT_ARC)


def test_bundles_that_say_nothing_sensible(case: Case, separate: World, joint: World) -> None:
    """A message that is an answer, hidden content, answers that are none, of nobody, twice, or in disorder."""
    bundle = case.bundle
    answer = bundle.answers[0]
    with malformed("BUNDLE_MALFORMED"):
        replace(bundle, message=answer)
    with malformed("BUNDLE_MALFORMED"):
        replace(bundle, message=replace(bundle.message, disclosure=None))
    for answers in ((bundle.message,), (answer, answer)):
        with malformed("BUNDLE_MALFORMED"):
            replace(bundle, answers=answers)
    both = answered_case(separate, ("bob", Decision.REJECT), ("carol", Decision.ACCEPT)).bundle
    with malformed("BUNDLE_MALFORMED"):
        replace(both, answers=both.answers[::-1])
    assert answer.statement.answer == Answer(Decision.ACCEPT, bundle.message.statement)
    only_bob = replace(separate.statement("alice", "bob"), answer=None)
    with malformed("BUNDLE_MALFORMED"):
        replace(both, message=replace(both.message, statement=only_bob))
    assert simple_case(joint).bundle.answers == ()


@pytest.mark.parametrize("scheme", ["joint", "separate"])
def test_a_flipped_bit_never_passes(joint: World, separate: World, scheme: str) -> None:
    """One in every fifth byte of every file; the manifest is the good one."""
    good = simple_case(joint if scheme == "joint" else separate)
    files = good.files()
    assert outcome_of(files, good.trust) is Outcome.PASSED
    for name, changed in flipped(files, lambda _: 5):
        assert outcome_of(files | {name: changed}, good.trust) is Outcome.FAILED, name


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")  # it is refused for that
@pytest.mark.parametrize("scheme", ["joint", "separate"])
def test_a_flipped_bit_that_the_manifest_lists_never_passes(joint: World, separate: World, scheme: str) -> None:
    """Nothing that counts is protected by the manifest alone: whoever flips a bit can make a new one.

    VERIFY.txt counts for nothing.
    """
    good = simple_case(joint if scheme == "joint" else separate)
    files = good.files()
    counting = {name: data for name, data in files.items() if name not in {"VERIFY.txt", "MANIFEST.json"}}
    for name, changed in flipped(counting, lambda data: 3 if len(data) < 600 else 17):
        assert outcome_of(listed(files | {name: changed}), good.trust) is not Outcome.PASSED, name


def flipped(files: dict[str, bytes], stride: Callable[[bytes], int]) -> Iterator[tuple[str, bytes]]:
    """Each file with one bit flipped: of every ``stride``-th byte one, chosen at random; or every bit there is."""
    chance = random.Random(1)  # noqa: S311  # the same bits in every run
    for name, data in files.items():
        for place in range(0, len(data), 1 if EVERY_BIT else stride(data)):
            for bit in range(8) if EVERY_BIT else [chance.randrange(8)]:
                changed = bytearray(data)
                changed[place] ^= 1 << bit
                yield name, bytes(changed)
