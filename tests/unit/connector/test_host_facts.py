"""What a host is, read from the output of one script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connector.host_facts import parse_facts

OUTPUT = """clock 1000.500
hostname fir
kernel Linux
machine x86_64
release NAME="Rocky Linux"
release PRETTY_NAME='Rocky Linux 9.4 (Blue Onyx)'
memory 2048000 kB
selinux 1
df /dev/mapper/vg-opt  1000000 900000  100000      90% /opt/ad ldap
mount /dev/sda1 / ext4 rw,relatime 0 0
mount /dev/mapper/vg-opt /opt/ad\\040ldap xfs {options} 0 0
clock 1001.500
"""


@pytest.mark.parametrize(
    ("options", "read_only"), [("rw,relatime", False), ("ro,relatime", True), ("rw,errors=ro", False)]
)
def test_a_host_is_read(options: str, read_only: bool) -> None:
    facts = parse_facts(OUTPUT.format(options=options), sent=993.0, received=995.0)
    assert (facts.os, facts.os_name, facts.architecture) == ("linux", "Rocky Linux 9.4 (Blue Onyx)", "x86_64")
    assert (facts.memory_bytes, facts.free_bytes) == (2048000 * 1024, 100000 * 1024)
    assert facts.read_only is read_only
    assert facts.selinux == "enforcing"


def test_the_way_there_and_back_is_taken_out_of_the_clock() -> None:
    assert parse_facts("clock 107.0\nclock 108.0\n", sent=100.0, received=101.0).clock_skew_s == 7.0
    assert parse_facts("clock 100.2\nclock 100.7\n", sent=100.0, received=100.9).clock_skew_s == 0.0
    assert parse_facts("clock 100\nclock 100\n", sent=100.4, received=100.6).clock_skew_s == 0.0


def test_an_empty_answer_is_no_failure() -> None:
    facts = parse_facts("", sent=0.0, received=0.0)
    assert facts.clock_skew_s is None
    assert facts.free_bytes is None
    assert not facts.read_only


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert parse_facts(text, sent=0.0, received=0.0).os


@pytest.mark.parametrize("value", ["nan", "inf", "x", ""])
def test_a_clock_that_is_no_number_is_unknown(value: str) -> None:
    assert parse_facts(f"clock {value}\nclock {value}\n", sent=0.0, received=0.0).clock_skew_s is None


def test_an_install_is_told_from_every_other_by_kernel_and_directory() -> None:
    boot = "0b1f5f0e-6a2f-4a3d-8f6e-2f4f0a4c5d6e"
    told = {
        text: parse_facts(f"{text}\n", sent=0.0, received=0.0).machine
        for text in (f"install {boot} 2049:131", f"install {boot} 2049:132", f"install {boot} ", "install  2049:131")
    }
    assert list(told.values()) == [f"{boot} 2049:131", f"{boot} 2049:132", None, None]


def test_what_runs_have_left_on_a_host_is_read() -> None:
    text = 'lock {"run": "r1", "holder": "alice"}\nparked r1\nparked r2\nparked .\n'
    facts = parse_facts(text, sent=0.0, received=0.0)
    assert facts.lock == '{"run": "r1", "holder": "alice"}'
    assert facts.parked_runs == ("r1", "r2")
    assert parse_facts("", sent=0.0, received=0.0).lock is None
