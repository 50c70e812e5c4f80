"""The actions that a host does, as a table: allowed states, task_state meanwhile, state
afterwards.
"""

from __future__ import annotations

import dataclasses

from servers.lifecycle.begin import Change
from servers.lifecycle.guard import SETTLED
from servers.lifecycle.transitions import ANY, Transition
from servers.models import TaskState, VmState

IDLE = frozenset[str | None]([None])
REBOOTABLE_TASKS = frozenset[str | None](
    (
        None,
        TaskState.REBOOTING,
        TaskState.REBOOT_PENDING,
        TaskState.REBOOT_STARTED,
        TaskState.REBOOTING_HARD,
        TaskState.RESUMING,
        TaskState.UNPAUSING,
        TaskState.PAUSING,
        TaskState.SUSPENDING,
    )
)
"""A hard reboot may cut these short."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostAction(Change):
    """An action of a host. ``step`` sets the task_state; ``end`` is the step when it is done."""

    step: Transition
    end: Transition
    leaves_host: bool = False
    """The server lies on no host afterwards."""
    enters_host: bool = False
    """The server lay on no host before."""
    sets_aside: bool = False
    """The server can only be restored afterwards."""
    takes_back: bool = False
    """The server could only be restored before."""
    launches: bool = False
    """A guest starts for the first time: the server counts as launched from then on."""
    saves_disk: bool = False
    """Its host fills an image with what is on the disk, where the job names one."""

    @property
    def task(self) -> str:
        return str(self.step.to_task)

    @property
    def events(self) -> tuple[str, ...]:
        """Those of its kind, of which one is open at a time."""
        return IMAGE_EVENTS if self.event in IMAGE_EVENTS else (self.event,)


IMAGE_EVENTS = ("compute_snapshot_instance", "compute_backup_instance")
SAVING = (TaskState.IMAGE_PENDING_UPLOAD, TaskState.IMAGE_UPLOADING)
SHELVING = (TaskState.SHELVING_IMAGE_PENDING_UPLOAD, TaskState.SHELVING_IMAGE_UPLOADING)
"""Task_states while a host sends what is on a disk."""


def _action(
    name: str,
    event: str,
    doing: str,
    *,
    states: tuple[str, ...],
    task: str,
    to: str | None,
    tasks: frozenset[str | None] = IDLE,
    leaves_host: bool = False,
    enters_host: bool = False,
    sets_aside: bool = False,
    takes_back: bool = False,
    launches: bool = False,
    later: tuple[str, ...] = (),
    saves_disk: bool = False,
) -> HostAction:
    return HostAction(
        name=name,
        event=f"compute_{event}",
        doing=doing,
        step=Transition(from_vm=frozenset(states), from_task=tasks, to_task=task),
        end=Transition(from_task=frozenset([task, *later]), to_vm=to),
        saves_disk=saves_disk,
        leaves_host=leaves_host,
        enters_host=enters_host,
        sets_aside=sets_aside,
        takes_back=takes_back,
        launches=launches,
    )


_ALL = (
    _action(
        "stop",
        "stop_instance",
        "stop it",
        states=(VmState.ACTIVE, VmState.ERROR),
        task=TaskState.POWERING_OFF,
        to=VmState.STOPPED,
    ),
    _action(
        "start",
        "start_instance",
        "start it",
        states=(VmState.STOPPED,),
        task=TaskState.POWERING_ON,
        to=VmState.ACTIVE,
    ),
    _action(
        "pause",
        "pause_instance",
        "pause it",
        states=(VmState.ACTIVE,),
        task=TaskState.PAUSING,
        to=VmState.PAUSED,
    ),
    _action(
        "unpause",
        "unpause_instance",
        "unpause it",
        states=(VmState.PAUSED,),
        task=TaskState.UNPAUSING,
        to=VmState.ACTIVE,
    ),
    _action(
        "suspend",
        "suspend_instance",
        "suspend it",
        states=(VmState.ACTIVE,),
        task=TaskState.SUSPENDING,
        to=VmState.SUSPENDED,
    ),
    _action(
        "resume",
        "resume_instance",
        "resume it",
        states=(VmState.SUSPENDED,),
        task=TaskState.RESUMING,
        to=VmState.ACTIVE,
    ),
    _action(
        "rescue",
        "rescue_instance",
        "rescue it",
        states=(VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
        task=TaskState.RESCUING,
        to=VmState.RESCUED,
        launches=True,
    ),
    _action(
        "unrescue",
        "unrescue_instance",
        "end its rescue",
        states=(VmState.RESCUED,),
        task=TaskState.UNRESCUING,
        to=VmState.ACTIVE,
    ),
    _action(
        "shelve",
        "shelve_instance",
        "shelve it",
        states=(VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED),
        task=TaskState.SHELVING,
        to=VmState.SHELVED_OFFLOADED,
        leaves_host=True,
        later=SHELVING,
        saves_disk=True,
    ),
    _action(
        "shelveOffload",
        "shelve_offload_instance",
        "offload it",
        states=(VmState.SHELVED,),
        task=TaskState.SHELVING_OFFLOADING,
        to=VmState.SHELVED_OFFLOADED,
        leaves_host=True,
    ),
    _action(
        "unshelve",
        "unshelve_instance",
        "unshelve it",
        states=(VmState.SHELVED_OFFLOADED,),
        task=TaskState.UNSHELVING,
        to=VmState.ACTIVE,
        enters_host=True,
        launches=True,
    ),
    _action(
        "changePassword",
        "set_admin_password",
        "change its password",
        states=(VmState.ACTIVE,),
        task=TaskState.UPDATING_PASSWORD,
        to=None,
    ),
    _action(
        "restore",
        "restore_instance",
        "restore it",
        states=(VmState.SOFT_DELETED,),
        task=TaskState.RESTORING,
        to=VmState.ACTIVE,
        takes_back=True,
    ),
)

HOST_ACTIONS = {action.name: action for action in _ALL}

SOFT_REBOOT = _action(
    "reboot",
    "reboot_instance",
    "reboot it softly",
    states=(VmState.ACTIVE,),
    task=TaskState.REBOOTING,
    to=VmState.ACTIVE,
)
HARD_REBOOT = _action(
    "reboot",
    "reboot_instance",
    "reboot it",
    states=(
        VmState.ACTIVE,
        VmState.STOPPED,
        VmState.PAUSED,
        VmState.SUSPENDED,
        VmState.ERROR,
    ),
    task=TaskState.REBOOTING_HARD,
    tasks=REBOOTABLE_TASKS,
    to=VmState.ACTIVE,
)

REBUILD = _action(
    "rebuild",
    "rebuild_instance",
    "rebuild it",
    states=(VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
    task=TaskState.REBUILDING,
    to=VmState.ACTIVE,
    launches=True,
)

SOFT_DELETE = _action(
    "delete",
    "soft_delete_instance",
    "delete it",
    states=(),
    tasks=ANY,
    task=TaskState.SOFT_DELETING,
    to=VmState.SOFT_DELETED,
    sets_aside=True,
)
"""From every state: whoever begins it has looked at the server, and holds its row."""

UNSHELVE_IN_PLACE = _action(
    "unshelve",
    "start_instance",
    "unshelve it",
    states=(VmState.SHELVED,),
    task=TaskState.POWERING_ON,
    to=VmState.ACTIVE,
)
"""The server still lies on its host, which only has to start it; goes on as ``start`` does."""

SAVE_IMAGE = _action(
    "createImage",
    "snapshot_instance",
    "make an image of it",
    states=tuple(SETTLED),
    task=TaskState.IMAGE_SNAPSHOT,
    later=SAVING,
    to=None,
    saves_disk=True,
)
SAVE_BACKUP = _action(
    "createBackup",
    "backup_instance",
    "make a backup of it",
    states=tuple(SETTLED),
    task=TaskState.IMAGE_BACKUP,
    later=SAVING,
    to=None,
    saves_disk=True,
)

BY_TASK = {
    str(task): action
    for action in (
        *(*_ALL, SOFT_REBOOT, HARD_REBOOT, REBUILD, SOFT_DELETE),
        *(SAVE_BACKUP, SAVE_IMAGE),
    )
    for task in {action.task, *(action.end.from_task if action.saves_disk else ())}
}
"""What goes on in a server with this task_state."""
