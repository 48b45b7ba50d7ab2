"""A spec survives being written down."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.vmm.qemu.argv_cases import SPECS
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import (
    Accelerator,
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    MachineSpec,
    Network,
    Profile,
)
from webvdi.vmm.spec_record import spec_from_record, spec_to_record

paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(
    lambda text: Path("/", text.lstrip("/"))
)
orders = st.none() | st.integers(0, 9)
specs = st.builds(
    MachineSpec,
    name=st.sampled_from(["a", "b.c"]),
    cpus=st.integers(1, 255),
    memory_mib=st.integers(16, 1 << 20),
    kernel=st.builds(DirectKernel, paths, st.none() | paths, st.just("quiet")),
    disks=st.lists(
        st.builds(Disk, paths, st.sampled_from(DiskFormat), st.just(False), orders), max_size=1
    ).map(tuple),
    cdroms=st.lists(st.builds(Cdrom, paths, st.none()), max_size=3).map(tuple),
    profile=st.sampled_from(Profile),
    network=st.sampled_from(Network),
    accelerator=st.sampled_from(Accelerator),
)


@given(specs)
def test_a_spec_survives_json(spec: MachineSpec) -> None:
    assert spec_from_record(json.loads(json.dumps(spec_to_record(spec)))) == spec


@pytest.mark.parametrize("name", SPECS)
def test_the_golden_specs_survive_json(name: str) -> None:
    assert spec_from_record(json.loads(json.dumps(spec_to_record(SPECS[name])))) == SPECS[name]


def test_a_record_edited_into_nonsense_is_refused() -> None:
    record = dict(spec_to_record(SPECS["linux"]))
    with pytest.raises(InvalidSpec):
        spec_from_record({**record, "cpus": 0})
    with pytest.raises(ValueError, match="moon"):
        spec_from_record({**record, "network": "moon"})
