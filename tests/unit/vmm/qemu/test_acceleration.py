"""Whether KVM works: the reasons told apart, and the test machine itself."""

from pathlib import Path

import pytest

from webvdi.vmm.errors import Unavailable
from webvdi.vmm.machine import Acceleration, Accelerator
from webvdi.vmm.qemu import acceleration
from webvdi.vmm.qemu.acceleration import KvmFacts, choose, cpu_ready, obstacle
from webvdi.vmm.qemu.launch import acceleration_of
from webvdi.vmm.qemu.probe import find_qemu

GOOD = KvmFacts(present=True, openable=True, cpu_ready=True, test_passed=True)
BAD = {
    "no /dev/kvm": KvmFacts(present=False, openable=False, cpu_ready=True, test_passed=False),
    "usermod -aG kvm": KvmFacts(present=True, openable=False, cpu_ready=True, test_passed=False),
    "neither vmx nor svm": KvmFacts(
        present=True, openable=True, cpu_ready=False, test_passed=False
    ),
    "test machine did not run": KvmFacts(
        present=True, openable=True, cpu_ready=True, test_passed=False
    ),
}


def test_kvm_where_it_works() -> None:
    assert obstacle(GOOD) is None
    for wanted in (Accelerator.AUTO, Accelerator.KVM):
        assert choose(wanted, GOOD) == Acceleration(Accelerator.KVM)


@pytest.mark.parametrize(("words", "facts"), BAD.items())
def test_each_obstacle_has_its_words(words: str, facts: KvmFacts) -> None:
    chosen = choose(Accelerator.AUTO, facts)
    assert chosen.kind is Accelerator.TCG
    assert words in chosen.reason
    assert "10 to 30 times slower" in chosen.reason
    with pytest.raises(Unavailable, match=words) as caught:
        choose(Accelerator.KVM, facts)
    assert caught.value.reason == "no_kvm"


def test_each_obstacle_has_a_word_for_programs() -> None:
    codes = [choose(Accelerator.AUTO, facts).code for facts in BAD.values()]
    assert codes == ["no_device", "not_allowed", "no_virtualisation", "test_failed"]


def test_tcg_when_asked_for() -> None:
    chosen = choose(Accelerator.TCG, GOOD)
    assert (chosen.kind, chosen.code) == (Accelerator.TCG, "asked_for")


def test_why_a_machine_runs_without_kvm_is_known_to_the_next_process() -> None:
    told = {"kind": "tcg", "reason": "TCG was asked for", "code": "asked_for"}
    assert acceleration_of({"acceleration": told}) == choose(Accelerator.TCG, GOOD)
    del told["code"]  # of a machine that an earlier version started
    found = acceleration_of({"acceleration": told})
    assert found == Acceleration(Accelerator.TCG, "TCG was asked for")


@pytest.mark.parametrize(
    ("cpuinfo", "machine", "ready"),
    [
        ("flags\t\t: fpu vmx sse\n", "x86_64", True),
        ("flags\t\t: fpu svm sse\n", "x86_64", True),
        ("flags\t\t: fpu sse vmxon\nbugs\t: svm\n", "x86_64", False),
        ("", "x86_64", False),
        ("Features\t: fp asimd\n", "aarch64", True),
    ],
)
def test_processors(cpuinfo: str, machine: str, *, ready: bool) -> None:
    assert cpu_ready(cpuinfo, machine) is ready


def test_a_look_at_a_host_without_kvm(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : vmx svm\n")
    facts = acceleration.facts_without_test(tmp_path / "kvm", cpuinfo)
    assert facts == KvmFacts(present=False, openable=False, cpu_ready=True, test_passed=False)
    (tmp_path / "kvm").touch()
    assert acceleration.facts_without_test(tmp_path / "kvm", cpuinfo).openable


async def test_the_test_is_made_once_a_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests: list[str] = []

    async def test(binary: Path, accelerator: str, timeout_s: float) -> bool:
        tests.append(accelerator)
        return True

    untested = KvmFacts(present=True, openable=True, cpu_ready=True, test_passed=False)
    monkeypatch.setattr(acceleration, "facts_without_test", lambda: untested)
    monkeypatch.setattr(acceleration, "test_machine_runs", test)
    binary, cache = tmp_path / "qemu", tmp_path / "kvm.json"
    binary.touch()
    for _ in range(2):
        assert await acceleration.kvm_facts(binary, cache) == GOOD
    monkeypatch.setattr(acceleration, "boot_id", lambda: "the next boot")
    assert await acceleration.kvm_facts(binary, cache) == GOOD
    assert tests == ["kvm", "kvm"]


@pytest.mark.qemu
async def test_the_test_machine_ends_itself_and_is_believed() -> None:
    binary = find_qemu("qemu-system-x86_64")
    assert await acceleration.test_machine_runs(binary, "tcg", 60)
    assert not await acceleration.test_machine_runs(binary, "nonsense", 60)
    assert not await acceleration.test_machine_runs(binary, "tcg", 0.001)
