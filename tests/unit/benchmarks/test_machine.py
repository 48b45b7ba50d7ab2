"""What a host says of itself."""

from benchmarks.machine import Machine, cpu_model, version_of


def test_the_processors_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: x\n") == (
        "Some CPU @ 2 GHz"
    )


def test_a_processor_without_a_name_is_its_architecture() -> None:
    assert cpu_model("processor : 0\n")


def test_a_version_is_the_first_number_printed() -> None:
    assert version_of("echo", "Tool 1.12.0, of 2022.1") == "1.12.0"
    assert version_of("echo", "no number") == "?"


def test_a_machine_in_words() -> None:
    machine = Machine("Some CPU", 2, 4.0, "6.1", "3.11")
    assert str(machine) == "2 × Some CPU, 4.0 GiB, Linux 6.1, Python 3.11"
