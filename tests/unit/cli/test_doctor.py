"""``webvdi doctor``: findings, exit codes, repair, and a bundle without secrets."""

import datetime as dt
import json
import socket
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from webvdi.broker.views import FindingView, HostView, JournalEntry, Phase
from webvdi.cli import bundle, patience
from webvdi.cli.certificate import self_signed
from webvdi.cli.claim import claim
from webvdi.cli.doctor import certificate_finding
from webvdi.vmm.qemu import doctor
from webvdi.vmm.qemu.doctor import Finding, Level, finding

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def host_says(webvdi: CommandLine, *findings: FindingView) -> None:
    async def host() -> HostView:
        return HostView("0.0.0", "service", findings)

    webvdi.fake.host = host  # type: ignore[method-assign]


QEMU_MISSING = FindingView("qemu", "failure", "QEMU is not installed", "apt-get install qemu")


def test_warnings_are_no_failure(webvdi: CommandLine) -> None:
    said = webvdi("doctor")
    assert said.code == 0
    assert "! There is no KVM here.\n    Use a host that has it.\n" in said.out
    assert "✓ state is in" in said.out


def test_without_the_main_job_it_fails(webvdi: CommandLine) -> None:
    host_says(webvdi, QEMU_MISSING)
    said = webvdi("doctor")
    assert said.code == 1
    assert said.out.rstrip().endswith("✗ QEMU is not installed\n    apt-get install qemu")


def test_in_json_each_finding_has_a_name_and_a_level(webvdi: CommandLine) -> None:
    host_says(webvdi, QEMU_MISSING)
    said = webvdi("doctor", "--json")
    assert said.code == 1
    found = {finding["name"]: finding for finding in said.json["findings"]}
    assert found["qemu"]["level"] == "failure"
    assert found["qemu"]["remedy"] == "apt-get install qemu"
    assert found["service"]["level"] == "note"
    assert said.json["bundle"] is None


def test_a_running_service_is_seen(webvdi: CommandLine) -> None:
    with webvdi.service():
        found = webvdi("doctor", "--json").json["findings"]
    assert [f["level"] for f in found if f["name"] == "service"] == ["ok"]


def test_a_run_directory_that_others_may_enter_is_a_failure(webvdi: CommandLine) -> None:
    webvdi.places.make()
    webvdi.places.run.chmod(0o755)
    said = webvdi("doctor")
    assert said.code == 1
    assert "chmod 700" in said.out


def test_where_nobody_answers_the_host_is_examined_all_the_same(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examine_host(_: Path) -> tuple[Finding, ...]:
        return (finding("qemu", Level.OK, "QEMU is here"),)

    monkeypatch.setattr(doctor, "examine_host", examine_host)
    monkeypatch.setattr(patience, "BUSY_S", 0.1)
    webvdi.places.make()
    busy = claim(webvdi.state, webvdi.places, "guest build")
    assert busy is not None
    with busy:
        said = webvdi("doctor", "--json")
    assert said.code == 1
    levels = {found["name"]: found["level"] for found in said.json["findings"]}
    assert levels["qemu"] == "ok"
    assert levels["service_answers"] == "failure"


def test_machines_in_trouble_are_named(webvdi: CommandLine) -> None:
    failed = machine_view("half", state="stopped", detail="the disk is full")
    webvdi.fake.catalogue.add(replace(failed, phase=Phase.FAILED))
    webvdi.fake.catalogue.add(machine_view("dead", state="crashed", detail="SIGSEGV"))
    out = webvdi("doctor").out
    assert "! half could not be made: the disk is full" in out
    assert "! dead ended against its will: SIGSEGV" in out


def test_a_repair_tells_what_it_did(webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    webvdi.places.make()
    left = webvdi.places.run / "view-abandoned"
    left.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(webvdi.places.run / "viewer.sock"))
    webvdi.fake.catalogue.add(machine_view("alpha"))
    entry = JournalEntry(9e9, "repaired", "its deletion was finished")

    async def journal(_: str, *, limit: int = 200) -> tuple[JournalEntry, ...]:
        return (JournalEntry(1.0, "repaired", "long ago"), entry)[-limit:]

    monkeypatch.setattr(webvdi.fake.catalogue, "journal", journal)
    repaired = webvdi("doctor", "--repair", "--json").json["repaired"]
    assert repaired == [
        "removed what a killed `webvdi view` left: view-abandoned",
        f"removed a dead socket: {webvdi.places.run}/viewer.sock",
        "alpha: its deletion was finished",
    ]
    assert not left.exists()


class TestCertificates:
    @pytest.mark.parametrize(
        ("later", "level", "words"),
        [
            (dt.timedelta(days=1), "ok", "good until"),
            (dt.timedelta(days=390), "warning", "ends on"),
            (dt.timedelta(days=400), "warning", "ended on"),
        ],
    )
    def test_their_end_is_foreseen(
        self, tmp_path: Path, later: dt.timedelta, level: str, words: str
    ) -> None:
        certificate, _ = self_signed(tmp_path, "localhost", NOW)
        found = certificate_finding(certificate, NOW + later)
        assert found.level == level
        assert words in found.text

    def test_one_that_cannot_be_read_is_said(self, tmp_path: Path) -> None:
        assert "cannot be read" in certificate_finding(tmp_path / "none", NOW).text


class TestBundle:
    def test_it_has_what_helps_and_no_secret(
        self, webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secrets = [f"SECRET-{number}-" for number in range(9)]
        webvdi.places.make()
        (webvdi.state / "key").write_text(secrets[0])
        (webvdi.state / "self-signed.key").write_text(secrets[1])
        (webvdi.state / "webvdi.db").write_text(secrets[2])
        monkeypatch.setenv("WEBVDI_VNC_PASSWORD", secrets[3])
        web = {"run": "/run", "password": secrets[4], "url": f"http://x/?token={secrets[5]}&a=1"}
        (webvdi.places.run / "web.json").write_text(json.dumps(web))
        log = webvdi.places.cache / "guests/tiny/build.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"fetching\nGET /?token={secrets[6]}\nhttps://x/join#{secrets[7]}\n")
        webvdi.fake.catalogue.add(machine_view("alpha", notes=secrets[8], detail="it is well"))
        path = tmp_path / "help.tar.gz"
        said = webvdi("doctor", "--bundle", str(path))
        assert said.code == 0, said.err
        assert str(path) in said.out
        again = webvdi("doctor", "--bundle", str(path))
        assert again.code == 4
        assert again.err == f"webvdi: {path} exists already; --force replaces it\n"
        assert again.out == ""
        assert webvdi("doctor", "--bundle", str(path), "--force").code == 0
        assert path.stat().st_mode & 0o777 == 0o600
        with tarfile.open(path) as tar:
            parts = {m.name: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
        whole = "\n".join(parts.values())
        assert [secret for secret in secrets if secret in whole] == []
        assert "it is well" in parts["webvdi-doctor/machines.json"]
        assert "fetching" in parts["webvdi-doctor/logs/guests-tiny-build.log"]
        assert json.loads(parts["webvdi-doctor/versions.json"])["packages"]["numpy"]
        assert json.loads(parts["webvdi-doctor/settings.json"])["web"]["run"] == "/run"
        assert json.loads(parts["webvdi-doctor/findings.json"])

    def test_what_has_a_secrets_name_is_left_out_wherever_it_is(self) -> None:
        value = {"a": [{"vnc_password": "x", "key_file": "/k", "token": None}], "notes": "n"}
        assert bundle.redact(value) == {
            "a": [{"vnc_password": bundle.REDACTED, "key_file": "/k", "token": None}],
            "notes": bundle.REDACTED,
        }
