"""Serial ports, queues, CPU topology, sound, encryption of local disks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.hardware import EphemeralEncryption, FlavorHardware, ImageProperties, devices
from servers.hardware.errors import FlavorImageClash, WrongCpuDemand, WrongExtraSpec
from tests.servers.hardware.factories import make_flavor, make_image

Texts = Mapping[str, str]
Choose = Callable[[FlavorHardware, ImageProperties], bool | None]

FLAGS = [
    (devices.choose_packed_ring, "virtio_packed_ring", False),
    (devices.choose_pmu, "pmu", None),
    (devices.choose_multiqueue, "vif_multiqueue_enabled", False),
]


@pytest.mark.parametrize(("choose", "key", "default"), FLAGS)
def test_a_flag_is_what_flavor_or_image_say(choose: Choose, key: str, default: bool | None) -> None:
    silent_flavor, silent_image = make_flavor(), make_image()
    assert choose(silent_flavor, silent_image) is default
    for text, value in (("true", True), ("maybe", False), ("", False)):
        flavor, image = make_flavor({key: text}), make_image({f"hw_{key}": text})
        assert choose(flavor, silent_image) is value
        assert choose(silent_flavor, image) is value
        assert choose(flavor, image) is value


@pytest.mark.parametrize(("choose", "key", "default"), FLAGS)
def test_flavor_and_image_must_agree_on_a_flag(
    choose: Choose, key: str, default: bool | None
) -> None:
    for asked, wanted in (("yes", "no"), ("maybe", "1"), ("", "on")):
        with pytest.raises(FlavorImageClash, match=f"hw:{key}"):
            choose(make_flavor({key: asked}), make_image({f"hw_{key}": wanted}))


def test_one_cpu_has_no_use_for_several_queues() -> None:
    flavor = make_flavor({"vif_multiqueue_enabled": "true"}, vcpus=1)
    image = make_image({"hw_vif_multiqueue_enabled": "false"})
    assert devices.choose_multiqueue(flavor, image) is False


@pytest.mark.parametrize(
    ("asked", "wanted", "model"),
    [
        (None, None, None),
        ("ich9", None, "ich9"),
        (None, "usb", "usb"),
        ("usb", "usb", "usb"),
        ("", "usb", "usb"),
        ("", None, None),
    ],
)
def test_the_sound_model_is_what_flavor_or_image_say(
    asked: str | None, wanted: str | None, model: str | None
) -> None:
    flavor = make_flavor({} if asked is None else {"sound_model": asked})
    image = make_image({} if wanted is None else {"hw_sound_model": wanted})
    assert devices.choose_sound_model(flavor, image) == model


def test_an_unknown_or_different_sound_model_is_refused() -> None:
    with pytest.raises(WrongExtraSpec, match="hw:sound_model is 'gramophone'"):
        devices.choose_sound_model(make_flavor({"sound_model": "gramophone"}), make_image())
    with pytest.raises(FlavorImageClash, match="hw:sound_model"):
        devices.choose_sound_model(
            make_flavor({"sound_model": "gramophone"}), make_image({"hw_sound_model": "usb"})
        )


@pytest.mark.parametrize(
    ("asked", "wanted", "ports"),
    [
        (None, None, 1),
        ("2", None, 2),
        ("2", "1", 1),
        ("2", "2", 2),
        (None, "9", 9),
        ("", "9", 9),
        ("0", "9", 9),
        ("2", "0", 2),
        (" 3 ", None, 3),
        ("2", "-1", -1),
    ],
)
def test_an_image_may_lower_the_number_of_serial_ports(
    asked: str | None, wanted: str | None, ports: int
) -> None:
    flavor = make_flavor({} if asked is None else {"serial_port_count": asked})
    image = make_image({} if wanted is None else {"hw_serial_port_count": wanted})
    assert devices.choose_serial_ports(flavor, image) == ports


def test_an_image_may_not_raise_the_number_of_serial_ports() -> None:
    flavor = make_flavor({"serial_port_count": "2"})
    with pytest.raises(FlavorImageClash, match="hw_serial_port_count is 3; the flavor allows 2"):
        devices.choose_serial_ports(flavor, make_image({"hw_serial_port_count": "3"}))


def test_a_number_of_serial_ports_is_a_number() -> None:
    with pytest.raises(WrongExtraSpec, match="hw:serial_port_count is 'two'"):
        devices.choose_serial_ports(make_flavor({"serial_port_count": "two"}), make_image())


NONE = (0, 0, 0)
NO_LIMIT = (65536, 65536, 65536)


@pytest.mark.parametrize(
    ("specs", "properties", "preferred", "maximum"),
    [
        ({}, {}, NONE, NO_LIMIT),
        ({"cpu_sockets": "2", "cpu_cores": "0"}, {}, (2, 0, 0), NO_LIMIT),
        ({"cpu_sockets": "2", "cpu_threads": "2"}, {"hw_cpu_cores": "4"}, (0, 4, 0), NO_LIMIT),
        ({"cpu_max_sockets": "2"}, {"hw_cpu_max_cores": "9"}, NONE, (2, 9, 65536)),
        ({"cpu_max_sockets": "4"}, {"hw_cpu_max_sockets": "2"}, NONE, (2, 65536, 65536)),
        ({"cpu_max_sockets": "0"}, {"hw_cpu_max_sockets": "9"}, NONE, (9, 65536, 65536)),
        ({"cpu_sockets": "4", "cpu_max_sockets": "2"}, {}, NONE, (2, 65536, 65536)),
        ({"cpu_sockets": "4"}, {"hw_cpu_max_sockets": "2"}, NONE, (2, 65536, 65536)),
        (
            {"cpu_cores": "4", "cpu_max_sockets": "2"},
            {"hw_cpu_sockets": "2"},
            (2, 0, 0),
            (2, 65536, 65536),
        ),
    ],
)
def test_an_image_narrows_the_topology_of_the_flavor(
    specs: Texts, properties: Texts, preferred: object, maximum: object
) -> None:
    chosen = devices.choose_cpu_topology(make_flavor(specs), make_image(properties))
    assert chosen == (preferred, maximum)


@pytest.mark.parametrize("part", ["sockets", "cores", "threads"])
def test_an_image_may_not_exceed_the_topology_of_the_flavor(part: str) -> None:
    flavor = make_flavor({f"cpu_max_{part}": "2"})
    with pytest.raises(FlavorImageClash, match="than the flavor"):
        devices.choose_cpu_topology(flavor, make_image({f"hw_cpu_max_{part}": "3"}))
    with pytest.raises(WrongCpuDemand, match="are allowed"):
        devices.choose_cpu_topology(flavor, make_image({f"hw_cpu_{part}": "3"}))
    own_limit = make_image({f"hw_cpu_{part}": "3", f"hw_cpu_max_{part}": "2"})
    with pytest.raises(WrongCpuDemand, match="are allowed"):
        devices.choose_cpu_topology(make_flavor(), own_limit)


@pytest.mark.parametrize("kind", ["cpu_", "cpu_max_"])
@pytest.mark.parametrize("part", ["sockets", "cores", "threads"])
@pytest.mark.parametrize("value", ["x", "", "1.5"])
def test_a_topology_is_given_in_numbers(kind: str, part: str, value: str) -> None:
    with pytest.raises(WrongExtraSpec, match=f"hw:{kind}{part} is '{value}'"):
        devices.choose_cpu_topology(make_flavor({kind + part: value}), make_image())


@given(
    limits=st.tuples(*[st.integers(0, 9)] * 3),
    wishes=st.tuples(*[st.integers(0, 9)] * 3),
    image_limits=st.tuples(*[st.integers(0, 9)] * 3),
    image_wishes=st.tuples(*[st.integers(0, 9)] * 3),
)
def test_a_chosen_topology_is_within_every_limit(
    limits: tuple[int, ...],
    wishes: tuple[int, ...],
    image_limits: tuple[int, ...],
    image_wishes: tuple[int, ...],
) -> None:
    parts = devices.CpuTopology._fields
    specs = {f"cpu_max_{part}": str(n) for part, n in zip(parts, limits, strict=True)}
    specs |= {f"cpu_{part}": str(n) for part, n in zip(parts, wishes, strict=True)}
    given_ = {f"hw_cpu_max_{part}": str(n) for part, n in zip(parts, image_limits, strict=True)}
    given_ |= {f"hw_cpu_{part}": str(n) for part, n in zip(parts, image_wishes, strict=True)}
    try:
        preferred, maximum = devices.choose_cpu_topology(make_flavor(specs), make_image(given_))
    except (FlavorImageClash, WrongCpuDemand):
        return
    assert preferred in {image_wishes, wishes, NONE}
    for chosen, most, limit, image_limit in zip(
        preferred, maximum, limits, image_limits, strict=True
    ):
        assert chosen <= most
        assert most <= (limit or 65536)
        assert most <= (image_limit or 65536)


@pytest.mark.parametrize(
    ("specs", "properties", "enabled", "chosen"),
    [
        ({}, {}, False, None),
        ({"ephemeral_encryption": "false"}, {}, False, None),
        ({"ephemeral_encryption_format": "rot13"}, {}, False, None),
        ({}, {"hw_ephemeral_encryption_format": "luks"}, False, None),
        ({"ephemeral_encryption": "true"}, {}, True, None),
        ({}, {"hw_ephemeral_encryption": "yes"}, True, None),
        (
            {"ephemeral_encryption": "1", "ephemeral_encryption_format": "luksv2"},
            {"hw_ephemeral_encryption": "1"},
            True,
            "luksv2",
        ),
        (
            {"ephemeral_encryption": "1"},
            {"hw_ephemeral_encryption_format": "plain"},
            True,
            "plain",
        ),
    ],
)
def test_local_disks_are_encrypted_when_flavor_or_image_say_so(
    specs: Texts, properties: Texts, enabled: bool, chosen: str | None
) -> None:
    decision = devices.ephemeral_encryption(make_flavor(specs), make_image(properties))
    assert decision == EphemeralEncryption(enabled=enabled, format=chosen)


@pytest.mark.parametrize(
    ("specs", "properties", "error"),
    [
        ({"ephemeral_encryption": "1"}, {"hw_ephemeral_encryption": "0"}, FlavorImageClash),
        ({"ephemeral_encryption": "x"}, {"hw_ephemeral_encryption": "1"}, FlavorImageClash),
        (
            {"ephemeral_encryption": "1", "ephemeral_encryption_format": "luks"},
            {"hw_ephemeral_encryption_format": "plain"},
            FlavorImageClash,
        ),
        (
            {"ephemeral_encryption": "1", "ephemeral_encryption_format": "rot13"},
            {},
            WrongExtraSpec,
        ),
    ],
)
def test_encryption_of_local_disks_must_be_agreed_upon(
    specs: Texts, properties: Texts, error: type[Exception]
) -> None:
    with pytest.raises(error, match="hw:ephemeral_encryption"):
        devices.ephemeral_encryption(make_flavor(specs), make_image(properties))
