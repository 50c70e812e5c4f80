"""Which CPUs of a server are shared, dedicated or realtime, and how their threads are placed
(docs/contract/create-flow.md I3).
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Mapping

from servers.hardware.errors import WrongCpuDemand
from servers.hardware.properties import CPU_POLICIES, THREAD_POLICIES, ImageProperties
from servers.hardware.sources import (
    FlavorHardware,
    clash,
    read_property,
    read_spec,
    read_word,
)
from servers.hardware.values import cpu_list, flag, format_cpu_list, number

POLICY = "hw:cpu_policy"
THREAD_POLICY = "hw:cpu_thread_policy"
REALTIME = "hw:cpu_realtime"
REALTIME_MASK = "hw:cpu_realtime_mask"
DEDICATED_MASK = "hw:cpu_dedicated_mask"
EMULATOR_POLICY = "hw:emulator_threads_policy"
HYPERTHREADING = "HW_CPU_HYPERTHREADING"

POLICY_CLASHES = {("mixed", "dedicated"), ("shared", "dedicated"), ("shared", "mixed")}
"""Pairs of flavor and image; in all others the flavor wins."""

THREAD_POLICY_OF_TRAIT = {"forbidden": "isolate", "required": "require"}

POLICIES_REFUSING = {
    THREAD_POLICY: {None, "shared"},
    EMULATOR_POLICY: {None, "shared"},
    DEDICATED_MASK: {None, "shared", "dedicated"},
    REALTIME: {None, "shared"},
}
"""The CPU policies that a key does not go with; of the emulator policies only ``isolate``."""

_EXPLICIT_CPUS = re.compile(r"resources(?:[1-9][0-9]*)?:(VCPU|PCPU)")
_HYPERTHREADING_TRAIT = re.compile(rf"trait(?:[1-9][0-9]*)?:{HYPERTHREADING}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CpuDemand:
    policy: str | None
    thread_policy: str | None
    emulator_policy: str | None
    dedicated: frozenset[int]
    """The CPUs that get a host CPU of their own."""


def plan_cpus(flavor: FlavorHardware, image: ImageProperties) -> CpuDemand:
    """Every CPU rule of flavor and image, in Nova's order (nova/virt/hardware.py).

    Raises:
        WrongCpuDemand, FlavorImageClash, WrongExtraSpec, WrongImageProperty: 400 all of them.
    """
    policy = choose_policy(flavor, image)
    thread_policy = choose_thread_policy(flavor, image)
    realtime = choose_realtime_cpus(flavor, image)
    mask = choose_dedicated_mask(flavor)
    emulator_policy = choose_emulator_policy(flavor)
    policy = choose_policy_of_resources(flavor, policy, emulator_policy)
    thread_policy = choose_thread_policy_of_trait(flavor, image, thread_policy)
    asked = {
        THREAD_POLICY: bool(thread_policy),
        EMULATOR_POLICY: emulator_policy == "isolate",
        DEDICATED_MASK: mask is not None,
        REALTIME: realtime is not None,
    }
    check_combination(policy, asked)
    dedicated = {"dedicated": flavor.cpus, "mixed": mask or realtime}.get(policy or "shared")
    return CpuDemand(
        policy=policy,
        thread_policy=thread_policy,
        emulator_policy=emulator_policy,
        dedicated=dedicated or frozenset(),
    )


def choose_policy(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    """The flavor's policy, or the image's where the flavor has none; refuses contradictions."""
    asked = read_word(flavor, POLICY, CPU_POLICIES)
    if (asked, image.hw_cpu_policy) in POLICY_CLASHES:
        raise clash(POLICY, asked, image.hw_cpu_policy)
    return asked or image.hw_cpu_policy


def choose_thread_policy(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    """Nova: a flavor's ``prefer`` wins over every policy of the image, and a blank one is kept."""
    read_word(flavor, THREAD_POLICY, THREAD_POLICIES)
    asked = flavor.extra_specs.get(THREAD_POLICY)
    wanted = image.hw_cpu_thread_policy
    if asked is None or asked == "prefer":
        return asked or wanted
    if wanted and wanted != asked:
        raise clash(THREAD_POLICY, asked, wanted)
    return asked


def choose_realtime_cpus(flavor: FlavorHardware, image: ImageProperties) -> frozenset[int] | None:
    """The CPUs with realtime scheduling; ``None`` where the flavor does not switch it on.

    The image's mask is used before the flavor's; without any, all CPUs are realtime.

    Raises:
        WrongCpuDemand: no CPU, one that the flavor does not have, or all of them without a policy
            for the emulator's threads.
    """
    if not read_spec(flavor, REALTIME, flag):
        return None
    chosen = _read_realtime_mask(flavor, image)
    if not chosen:
        raise WrongCpuDemand(f"{REALTIME} is on but its mask leaves no CPU; name at least one.")
    if chosen == flavor.cpus and not choose_emulator_policy(flavor):
        raise WrongCpuDemand(
            f"{REALTIME} takes all CPUs; leave one out by {REALTIME_MASK} or set {EMULATOR_POLICY}."
        )
    _check_within(flavor, chosen, REALTIME_MASK)
    return chosen


def _read_realtime_mask(flavor: FlavorHardware, image: ImageProperties) -> frozenset[int]:
    wanted = image.hw_cpu_realtime_mask
    if wanted:
        return read_property("hw_cpu_realtime_mask", wanted, _mask_reader(flavor))
    if flavor.extra_specs.get(REALTIME_MASK):
        return read_spec(flavor, REALTIME_MASK, _mask_reader(flavor)) or frozenset()
    return flavor.cpus


def choose_dedicated_mask(flavor: FlavorHardware) -> frozenset[int] | None:
    """The CPUs that the flavor dedicates one by one; ``None`` where it has no mask.

    Raises:
        WrongCpuDemand: no CPU, all of them, or one that the flavor does not have.
    """
    if not flavor.extra_specs.get(DEDICATED_MASK):
        return None
    chosen = read_spec(flavor, DEDICATED_MASK, _mask_reader(flavor))
    if not chosen or chosen >= flavor.cpus:
        raise WrongCpuDemand(f"{DEDICATED_MASK} must name some CPUs of the flavor but not all.")
    _check_within(flavor, chosen, DEDICATED_MASK)
    return chosen


def _mask_reader(flavor: FlavorHardware) -> Callable[[str], frozenset[int]]:
    return lambda text: cpu_list(text, among=flavor.cpus)


def _check_within(flavor: FlavorHardware, chosen: frozenset[int], key: str) -> None:
    outside = chosen - flavor.cpus
    if outside:
        raise WrongCpuDemand(
            f"{key} names the CPUs {format_cpu_list(outside)}; the flavor has {flavor.vcpus}"
            " CPUs, counted from 0."
        )


def choose_emulator_policy(flavor: FlavorHardware) -> str | None:
    return read_word(flavor, EMULATOR_POLICY, "share isolate")


def choose_policy_of_resources(
    flavor: FlavorHardware, policy: str | None, emulator_policy: str | None
) -> str | None:
    """The CPU policy; explicit CPU resources imply one: PCPU dedicated, VCPU shared.

    Raises:
        WrongCpuDemand: resources beside a policy, of both kinds, or not as many as the CPUs.
    """
    amounts = count_explicit_cpus(flavor)
    if not any(amounts.values()):
        return policy
    if policy:
        raise WrongCpuDemand(
            "The flavor sets resources:VCPU or resources:PCPU beside a CPU policy; use one of"
            " the two ways."
        )
    if all(amounts.values()):
        raise WrongCpuDemand("The flavor sets both resources:VCPU and resources:PCPU; use one.")
    if not amounts["PCPU"]:
        return "shared"
    needed = flavor.vcpus + (emulator_policy == "isolate")
    if amounts["PCPU"] != needed:
        raise WrongCpuDemand(
            f"The flavor sets resources:PCPU to {amounts['PCPU']}; its CPUs"
            f" and isolated emulator threads need exactly {needed}."
        )
    return "dedicated"


def count_explicit_cpus(flavor: FlavorHardware) -> dict[str, int]:
    """The CPUs asked for as resources, over all numbered groups.

    Nova: an amount that is no number is left to the scheduler, and counts as 0 here.
    """
    amounts = {"VCPU": 0, "PCPU": 0}
    for key, value in flavor.extra_specs.items():
        match = _EXPLICIT_CPUS.fullmatch(key)
        if match:
            with contextlib.suppress(ValueError):
                amounts[match[1]] += number(value)
    return amounts


def choose_thread_policy_of_trait(
    flavor: FlavorHardware, image: ImageProperties, thread_policy: str | None
) -> str | None:
    """The thread policy, which the hyper-threading trait can also imply.

    Raises:
        WrongCpuDemand: both were given.
    """
    trait = find_hyperthreading_trait(flavor, image)
    if trait and thread_policy:
        raise WrongCpuDemand(
            f"The trait {HYPERTHREADING} and a CPU thread policy are both set; use one."
        )
    return THREAD_POLICY_OF_TRAIT.get(trait or "", thread_policy)


def find_hyperthreading_trait(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    for key, value in flavor.extra_specs.items():
        if _HYPERTHREADING_TRAIT.fullmatch(key):
            return value
    return "required" if HYPERTHREADING in image.traits_required else None


def check_combination(policy: str | None, asked: Mapping[str, bool]) -> None:
    """Refuse extra specs that do not go with the CPU policy; ``asked``: is the key wanted?

    Raises:
        WrongCpuDemand: a key that does not go with the policy.
    """
    for key, refusing in POLICIES_REFUSING.items():
        if asked[key] and policy in refusing:
            raise WrongCpuDemand(
                f"{key} does not go with the CPU policy {policy or 'shared (the default)'}."
            )
    if policy == "mixed" and asked[REALTIME] == asked[DEDICATED_MASK]:
        raise WrongCpuDemand(
            f"The CPU policy mixed needs either {REALTIME} or {DEDICATED_MASK}, not both."
        )
