"""The jobs of the workers: a class for each task of the queue, whose fields are its arguments.

Jobs are deferred on Django's connection, so that a job is committed together with the rows that it
is about. Inside a worker, procrastinate's own ``defer`` would use another connection, outside of
that transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor, send_later
from compute_site.neighbours.network.protocol import NicRequest
from compute_site.request_id import NOBODY, current_sender
from compute_site.secrets.sealing import unseal

CONDUCTOR = "conductor"
"""The queue of decisions: where servers go, what became of lost jobs."""

COMPUTE = "compute"
"""The queue of work on hosts."""

ORIGIN = "origin"
"""Beside the arguments of a job stands the id of the request that it goes back to, for the lines of
the log.
"""

SECRET_ARGUMENTS = frozenset(("sealed_password", "sealed_token", "files"))
"""Arguments that carry secrets of users, at any depth."""

job_manager = JobManager(DjangoConnector())

# procrastinate's own statement takes an array of rows, which psycopg needs long to write: a
# hundred jobs took it a third of the time of placing a hundred servers.
DEFER = """
    SELECT procrastinate_defer_jobs_v1(ARRAY(
        SELECT ROW(given.job ->> 'queue', given.job ->> 'task', 0, NULL, NULL,
                   given.job -> 'arguments', NULL)::procrastinate_job_to_defer_v1
        FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS given (job, place)
        ORDER BY given.place
    ))
"""


DEFER_LATER = """
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW(%s, %s, 0, NULL, NULL, %s::jsonb, now() + make_interval(secs => %s))
        ::procrastinate_job_to_defer_v1
    ])
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job; the subclass names its task and queue.

    The queue stores the arguments as JSON. Those with their default value are left out, so that
    workers of the previous version can still read a job after a field was added.
    """

    task_name: ClassVar[str]
    queue: ClassVar[str] = COMPUTE

    @property
    def origin(self) -> str:
        """The id of the request that it goes back to: the one that is being done."""
        return current_sender.get().request_id.partition(" ")[0]

    def defer(self) -> None:
        """Put the job into the queue, in the current transaction."""
        defer_all([self])

    def defer_in(self, *, seconds: int) -> None:
        """As ``defer``; the job is to be done after so many seconds."""
        arguments = orjson.dumps(_as_row(self)["arguments"]).decode()
        with prepared_cursor() as cursor:
            cursor.execute(DEFER_LATER, [self.queue, self.task_name, arguments, seconds])

    def defer_apart(self, *, seconds: int) -> int:
        """Put the job into the queue, to be done after so many seconds, whatever becomes of the
        current transaction; its key.
        """
        arguments = orjson.dumps(self.as_arguments()).decode()
        apart = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            with apart.cursor() as cursor:
                cursor.execute(DEFER_LATER, [self.queue, self.task_name, arguments, seconds])
                return int(cursor.fetchone()[0][0])
        finally:
            apart.close()

    def as_arguments(self) -> dict[str, Any]:
        """The arguments as the queue stores them, but for those that are dataclasses themselves."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """The job from the stored arguments."""
        return cls(**_with_tuples(arguments))


def defer_all(jobs: Sequence[Job], *, queue: str | None = None) -> None:
    """Put all of these jobs into their queues, or into this one, in one statement."""
    if not jobs:
        return
    given = [_as_row(job, queue) for job in jobs]
    send_later(DEFER, [orjson.dumps(given).decode()])


def _as_row(job: Job, queue: str | None = None) -> dict[str, Any]:
    request_id = job.origin
    origin = {} if request_id == NOBODY.request_id else {ORIGIN: request_id}
    return {
        "queue": queue or job.queue,
        "task": job.task_name,
        "arguments": job.as_arguments() | origin,
    }


# The job is found by key: of a join PostgreSQL may think that it is best to read all.
TURN = """
    UPDATE procrastinate_jobs AS job
    SET queue_name = given.job ->> 'queue', task_name = given.job ->> 'task',
        args = given.job -> 'arguments'
    FROM jsonb_array_elements(%(jobs)s::jsonb) AS given (job)
    WHERE job.id = ANY(%(ids)s::bigint[]) AND job.id = (given.job ->> 'id')::bigint
    RETURNING job.id
"""


class JobGone(Exception):
    """Somebody has deleted a job that is being done."""


def turn_into(jobs: Mapping[int, Job]) -> None:
    """Let running jobs (by key) go on as other ones: should their worker be lost, the others are
    found.

    Raises:
        JobGone: one is not there any more.
    """
    if not jobs:
        return
    given = [{"id": key, **_as_row(job)} for key, job in jobs.items()]
    with prepared_cursor() as cursor:
        cursor.execute(TURN, {"jobs": orjson.dumps(given).decode(), "ids": array(jobs)})
        if len(cursor.fetchall()) < len(jobs):
            raise JobGone


def _with_tuples(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in arguments.items()
        if name != ORIGIN
    }


# building servers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAndBuild(Job):
    """Schedule all servers of a reservation, and defer a ``BuildServer`` for each."""

    task_name = "servers.schedule_and_build"
    queue = CONDUCTOR

    reservation_id: str


RIGHTS = ("roles", "rules", "global_rules")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The owner of a server to build. ``rules`` are the owner's rules in the project, as far as
    building needs them; ``global_rules`` are those that hold in every project. ``sealed_token`` is
    what services elsewhere take for the owner; empty where there are none.
    """

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    global_rules: tuple[str, ...] = ()
    request_id: str = "-"
    sealed_token: str = dataclasses.field(default="", repr=False)

    def as_caller(self) -> Caller:
        """The owner as a caller of the other services."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["token"] = unseal(values.pop("sealed_token"))
        values |= {name: frozenset(values[name]) for name in RIGHTS}
        return Caller(**values)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildServer(Job):
    """Build one server on one host. It has what the build needs and what no row stores any more."""

    task_name = "servers.build_server"

    server_id: str
    node_id: int
    owner: Owner
    networks: str | tuple[dict[str, Any], ...] = ()
    """``auto``, ``none``, or a request for each NIC."""
    security_groups: tuple[str, ...] = ()
    files: tuple[dict[str, str], ...] = dataclasses.field(default=(), repr=False)
    sealed_password: str = dataclasses.field(default="", repr=False)
    alternates: tuple[int, ...] = ()
    """Nodes to try when this one fails, the best first."""
    attempt: int = 1
    waited: int = 0
    """How often it has waited for volumes that a service elsewhere makes."""
    retry: bool = True
    """May another host be tried? Not where one was forced."""

    @property
    def origin(self) -> str:
        return self.owner.request_id  # builds of several requests are deferred together

    @property
    def nic_requests(self) -> str | tuple[NicRequest, ...]:
        """The networks in the form that the network service takes."""
        if isinstance(self.networks, str):
            return self.networks
        keys = [field.name for field in dataclasses.fields(NicRequest)]
        return tuple(NicRequest(**{key: nic.get(key) for key in keys}) for nic in self.networks)

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        values = _with_tuples(arguments)
        owner = Owner(**_with_tuples(values.pop("owner")))
        return cls(owner=owner, **values)


# servers that exist


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerJob(Job):
    """A job about one server that exists."""

    server_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeleteServer(ServerJob):
    """Delete a server from its host."""

    task_name = "servers.delete_server"


# what goes back to other services


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Job):
    """Gives something back to another service, after the commit of the change that ends its use.
    The job is done again until the service has answered, however long that takes.
    """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseServices(GiveBack):
    """Release what a deleted server still holds in the other services; ``volumes`` are deleted with
    it in addition to those whose rows say so.
    """

    task_name = "servers.release_services"

    server_id: str
    volumes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseVolume(GiveBack):
    """Delete the server's attachment of one volume; ``delete``: the volume ends with it."""

    task_name = "servers.release_volume"

    server_id: str
    volume_id: str
    delete: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BindPorts(GiveBack):
    """Bind the ports of a server where it lies, or nowhere: it was to come to the host ``left``, or
    has left its host.
    """

    task_name = "servers.bind_ports"

    server_id: str
    left: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ForgetImages(GiveBack):
    """Delete images of the project that were made to shelve servers."""

    task_name = "servers.forget_images"
    queue = CONDUCTOR

    project_id: str
    images: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompleteImage(GiveBack):
    """Make an image active that a service elsewhere has begun, and that no host fills."""

    task_name = "servers.complete_image"
    queue = CONDUCTOR

    image: str
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackReservations(GiveBack):
    """Delete the attachments of these volumes to these servers that no row names."""

    task_name = "servers.take_back_reservations"
    queue = CONDUCTOR

    volumes: tuple[str, ...]
    servers: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackDetaching(GiveBack):
    """Let the server keep a volume that was to be detached, unless a host does it."""

    task_name = "servers.take_back_detaching"
    queue = CONDUCTOR

    server_id: str
    volume_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackNics(GiveBack):
    """Take ports from the server that it is not known to have. ``suspects`` were so when the job
    looked before: a port that is being attached is known a little later.
    """

    task_name = "servers.take_back_nics"
    queue = CONDUCTOR

    server_id: str
    suspects: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadNics(GiveBack):
    """Read the NICs of these servers again from the network service."""

    task_name = "servers.read_nics"
    queue = CONDUCTOR

    servers: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackSnapshots(GiveBack):
    """Delete the snapshots of these volumes that were made for an image which came to nothing."""

    task_name = "servers.take_back_snapshots"
    queue = CONDUCTOR

    volumes: tuple[str, ...]
    mark: str
    """In the metadata of these snapshots."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LetGoOn(Job):
    """Let the file systems of a guest go on once these snapshots of its volumes are copied, or at
    the time ``until`` (seconds since 1970). Where they are ``required`` to stand still so long,
    nothing is made of snapshots of others.
    """

    task_name = "servers.let_go_on"

    server_id: str
    whom: str
    """For whom they stand still."""
    snapshots: tuple[str, ...]
    until: float
    required: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MakeBytes(Job):
    """Make the bytes that a volume or a snapshot (``kind``) awaits."""

    task_name = "servers.make_bytes"

    kind: str
    row_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadVolume(GiveBack):
    """Give an image of the project the bytes of a volume, or let it be forgotten."""

    task_name = "servers.upload_volume"

    volume_id: str
    image_id: str
    project_id: str
    disk_format: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FetchImage(Job):
    """Fetch the data of an image from the web, for a task of the image service."""

    task_name = "servers.fetch_image"

    task_id: str


GIVE_BACKS = (
    ReleaseServices,
    ReleaseVolume,
    BindPorts,
    ForgetImages,
    CompleteImage,
    TakeBackReservations,
    TakeBackDetaching,
    TakeBackNics,
    ReadNics,
    TakeBackSnapshots,
    UploadVolume,
)

# what hosts do with servers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PerformAction(ServerJob):
    """Do the begun action on the server's host. ``task`` is the task_state meanwhile; ``after`` is
    the state afterwards, if it is not that of the table of actions; ``image`` is what a rescue
    boots from, if that is not the server's own image, or what the host fills with the disk.
    """

    task_name = "servers.perform_action"

    task: str
    sealed_password: str = dataclasses.field(default="", repr=False)
    after: str | None = None
    image: str = ""
    image_project: str = ""
    """The project of an image that the host fills."""
    replaces: tuple[str, ...] = ()
    """Images of that project that are deleted when the new one is complete."""
    volume: str = ""
    """The root volume that a rebuild writes ``image`` over first."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnshelveServer(ServerJob):
    """Find a host for a shelved server; with ``host``, only this one."""

    task_name = "servers.unshelve_server"
    queue = CONDUCTOR

    host: str | None = None


# what is attached to servers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentJob(ServerJob):
    """A change of a server's volumes or interfaces; has the id of the request."""

    request_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeJob(AttachmentJob):
    """A change of one disk of a server."""

    disk_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachVolume(VolumeJob):
    """Attach the volume that is reserved for the server to its guest."""

    task_name = "servers.attach_volume"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DetachVolume(VolumeJob):
    """Detach a volume from a guest."""

    task_name = "servers.detach_volume"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SwapVolume(VolumeJob):
    """Replace a guest's volume by ``volume_id``, whose attachment is ``claim``."""

    task_name = "servers.swap_volume"

    volume_id: str
    claim: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceJob(AttachmentJob):
    """A change of one NIC of a server."""

    port_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachInterface(InterfaceJob):
    """Plug a NIC, which the server has already, into its guest."""

    task_name = "servers.attach_interface"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DetachInterface(InterfaceJob):
    """Take a NIC from a guest and its server."""

    task_name = "servers.detach_interface"


# moves to other hosts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MoveJob(ServerJob):
    """A job about a move of a server; ``move`` is the key of its record."""

    move: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evacuated:
    """What the new host of an evacuated server must know: whether the server shall be off in the
    end, and the new admin password.
    """

    stopped: bool = False
    sealed_password: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlaceMove(MoveJob):
    """Find the host that a server moves to. ``host``: only this one; ``forced``: check nothing but
    its free resources. ``copies`` is for live migrations (``migrate_live``), ``then`` for
    evacuations.
    """

    task_name = "servers.place_move"
    queue = CONDUCTOR

    host: str | None = None
    forced: bool = False
    copies: bool | None = None
    then: Evacuated | None = None

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        values = _with_tuples(arguments)
        then = values.pop("then", None)
        return cls(then=Evacuated(**then) if then else None, **values)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MoveServer(MoveJob):
    """Move a server to another host, for a resize or cold migration."""

    task_name = "servers.move_server"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmResize(MoveJob):
    """Release what a moved server still has on its old host."""

    task_name = "servers.confirm_resize"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RevertResize(MoveJob):
    """Move a server back to its old host and flavor."""

    task_name = "servers.revert_resize"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MigrateLive(MoveJob):
    """Move a running server to another host."""

    task_name = "servers.migrate_live"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evacuate(MoveJob):
    """Build a server of a failed host on another one; further fields as in ``Evacuated``."""

    task_name = "servers.evacuate"

    stopped: bool = False
    sealed_password: str = dataclasses.field(default="", repr=False)


MOVES = (PlaceMove, MoveServer, ConfirmResize, RevertResize, MigrateLive, Evacuate)
"""What takes servers to other hosts, and back."""
