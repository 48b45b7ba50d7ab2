"""``webvdi doctor``: can machines run here, and what would help?

What the host offers is found out by the service, or by this process in its place: it is their
rights that count.  What concerns webvdi itself is added here.  A *failure* is something without
which no machine can start; then the exit code is 1.
"""

import asyncio
import datetime as dt
import json as json_module
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from webvdi.base.errors import WebvdiError
from webvdi.base.paths import Places, places
from webvdi.cli.claim import Holder, holder_of
from webvdi.cli.client import Client, machine_path, open_client
from webvdi.cli.exits import Exit, ServiceUnavailable
from webvdi.cli.output_file import check_free
from webvdi.cli.terminal import console, print_json, program, safe

MARKS = {"ok": ("✓", "green"), "note": ("·", "blue"), "warning": ("!", "yellow")}
"""How a finding is shown; anything worse is a red cross."""

EXPIRES_SOON = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found out."""

    name: str
    """Stable, for programs."""
    level: str
    """``ok``, ``note``, ``warning`` or ``failure``."""
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found out."""

    findings: tuple[Finding, ...]
    machines: tuple[dict[str, Any], ...] = ()
    journals: tuple[tuple[str, list[dict[str, Any]]], ...] = ()
    repaired: tuple[str, ...] = ()
    """What a repair did, a sentence each."""

    @property
    def failed(self) -> bool:
        """Whether the main job cannot be done."""
        return any(finding.level == "failure" for finding in self.findings)


def run_doctor(
    state: Path | None, *, bundle: Path | None, force: bool, repair: bool, json: bool
) -> None:
    """Examine, tell, and end with 1 where machines cannot run."""
    if bundle is not None:
        check_free(bundle, force=force)
    where = places(state)
    if not json and console.is_terminal:
        with console.status("Examining this host…"):
            examination = asyncio.run(examine(where, repair=repair))
    else:
        examination = asyncio.run(examine(where, repair=repair))
    written = _write_bundle(where, examination, bundle, force=force)
    if json:
        print_json(
            {
                "findings": [asdict(finding) for finding in examination.findings],
                "repaired": list(examination.repaired),
                "bundle": str(written) if written is not None else None,
            }
        )
    else:
        show(examination)
        if written is not None:
            console.print(f"Wrote {written}; look into it before you send it.", markup=False)
    if examination.failed:
        raise typer.Exit(Exit.FAILED)


def _write_bundle(
    where: Places, examination: Examination, bundle: Path | None, *, force: bool
) -> Path | None:
    if bundle is None:
        return None
    from webvdi.cli.bundle import write_bundle

    return write_bundle(bundle.absolute(), where, examination, force=force)


def show(examination: Examination) -> None:
    """The findings as people read them, the worst last."""
    order = ("ok", "note", "warning", "failure")
    for finding in sorted(examination.findings, key=lambda found: order.index(found.level)):
        mark, style = MARKS.get(finding.level, ("✗", "red"))
        console.print(Text(f"{mark} ", style=style).append(safe(finding.text), style="default"))
        if finding.remedy:
            console.print(f"    {safe(finding.remedy)}", markup=False)
    for words in examination.repaired:
        console.print(f"Repaired: {safe(words)}", markup=False)


async def examine(where: Places, *, repair: bool) -> Examination:
    """Find out everything; what fails becomes a finding, not an error."""
    try:
        where.make()
    except (WebvdiError, OSError) as error:
        return Examination((Finding("directories", "failure", str(error)),))
    swept = _sweep(where) if repair else []
    began = time.time()
    holder = holder_of(where.state)
    own = [_directories(where), _service(holder), *_certificate(holder), *_packages()]
    try:
        async with open_client(where, "doctor") as client:
            host = await client.get("host")
            machines = list(await client.get("machines"))
            journals = [(str(m["name"]), await _journal(client, str(m["id"]))) for m in machines]
    except ServiceUnavailable as error:
        broken = Finding("service_answers", "failure", str(error))
        return Examination((*await _host_alone(where), *own, broken))
    except WebvdiError as error:
        broken = Finding("records", "failure", f"the machines' records cannot be used: {error}")
        return Examination((*await _host_alone(where), *own, broken))
    told = [Finding(**{key: found[key] for key in _FIELDS}) for found in host["findings"]]
    repaired = [*swept, *_repairs(journals, began)] if repair else []
    if repair and holder is not None:
        repaired.append("the service repairs what is half done when it starts: restart it for that")
    return Examination(
        (*told, *own, *_machines(machines)), tuple(machines), tuple(journals), tuple(repaired)
    )


_FIELDS = ("name", "level", "text", "remedy")


async def _host_alone(where: Places) -> list[Finding]:
    """About the host, found out with our own rights, where nobody else can be asked."""
    from webvdi.vmm.qemu.doctor import examine_host

    found = await examine_host(where.state)
    return [Finding(each.name, str(each.level), each.text, each.remedy) for each in found]


async def _journal(client: Client, machine: str) -> list[dict[str, Any]]:
    return list(await client.get(machine_path(machine, "journal")))


def _repairs(journals: Sequence[tuple[str, list[dict[str, Any]]]], since: float) -> list[str]:
    """What opening the records mended just now."""
    return [
        f"{name}: {entry['text']}"
        for name, journal in journals
        for entry in journal
        if entry["kind"] == "repaired" and entry["when"] >= since
    ]


def _sweep(where: Places) -> list[str]:
    from webvdi.cli.leftovers import sweep_sockets, sweep_views

    return [
        *(f"removed what a killed `webvdi view` left: {left}" for left in sweep_views(where.run)),
        *(f"removed a dead socket: {left}" for left in sweep_sockets(where)),
    ]


def _directories(where: Places) -> Finding:
    text = f"state is in {where.state}, sockets are in {where.run}"
    return Finding("directories", "ok", text)


def _service(holder: Holder | None) -> Finding:
    if holder is None:
        return Finding(
            "service",
            "note",
            "no webvdi service is running; commands do its work themselves",
            f"{program()} serve starts one; {program()} service install makes it start by itself",
        )
    if holder.serves:
        return Finding("service", "ok", f"the service runs (process {holder.pid}, {holder.url})")
    return Finding("service", "note", f"`webvdi {holder.what}` is at work (process {holder.pid})")


def _certificate(holder: Holder | None) -> list[Finding]:
    """Whether the service's certificate is about to end."""
    if holder is None or not holder.serves:
        return []
    try:
        settings = json_module.loads((Path(holder.run) / "web.json").read_bytes())
        certificate = settings.get("certificate")
    except (OSError, ValueError):
        return []
    if certificate is None:
        return []
    return [certificate_finding(Path(certificate), dt.datetime.now(dt.UTC))]


def certificate_finding(path: Path, now: dt.datetime) -> Finding:
    """How long the certificate at *path* is still good."""
    from cryptography import x509

    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return Finding("certificate", "warning", f"{path} cannot be read: {error}")
    if ends <= now:
        return Finding(
            "certificate",
            "warning",
            f"the certificate {path} ended on {ends:%Y-%m-%d}",
            "renew it, then send the service SIGHUP (systemctl reload webvdi)",
        )
    if ends - now < EXPIRES_SOON:
        return Finding(
            "certificate",
            "warning",
            f"the certificate {path} ends on {ends:%Y-%m-%d}",
            "renew it, then send the service SIGHUP (systemctl reload webvdi)",
        )
    return Finding("certificate", "ok", f"the certificate is good until {ends:%Y-%m-%d}")


def _packages() -> list[Finding]:
    """Whether guests can be built here."""
    from webvdi.guests import missing_packages

    missing = missing_packages()
    if not missing:
        return [Finding("guest_tools", "ok", "all that building guests needs is here")]
    names = " ".join(package.name for package in missing)
    return [
        Finding(
            "guest_tools",
            "warning",
            "webvdi's own guests cannot be built here; ISO and disk files of your own work",
            f"apt-get install {names}",
        )
    ]


def _machines(machines: Sequence[dict[str, Any]]) -> list[Finding]:
    running = sum(machine["state"] == "running" for machine in machines)
    found = [Finding("machines", "ok", f"{len(machines)} machines, {running} running")]
    for machine in machines:
        if machine["phase"] == "failed":
            found.append(
                Finding(
                    "machine_failed",
                    "warning",
                    f"{machine['name']} could not be made: {machine['detail']}",
                    f"{program()} machine delete {machine['name']}",
                )
            )
        elif machine["state"] == "crashed":
            found.append(
                Finding(
                    "machine_crashed",
                    "warning",
                    f"{machine['name']} ended against its will: {machine['detail']}",
                    f"{program()} logs {machine['name']} tells more",
                )
            )
    return found
