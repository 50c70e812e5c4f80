"""Rules of ``POST /servers/{id}/action``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

START = "os_compute_api:servers:start"
STOP = "os_compute_api:servers:stop"
REBOOT = "os_compute_api:servers:reboot"
RESIZE = "os_compute_api:servers:resize"
CONFIRM_RESIZE = "os_compute_api:servers:confirm_resize"
REVERT_RESIZE = "os_compute_api:servers:revert_resize"
REBUILD = "os_compute_api:servers:rebuild"
REBUILD_TRUSTED_CERTS = "os_compute_api:servers:rebuild:trusted_certs"
CREATE_IMAGE = "os_compute_api:servers:create_image"
CREATE_IMAGE_VOLUME_BACKED = "os_compute_api:servers:create_image:allow_volume_backed"
TRIGGER_CRASH_DUMP = "os_compute_api:servers:trigger_crash_dump"
LOCK = "os_compute_api:os-lock-server:lock"
UNLOCK = "os_compute_api:os-lock-server:unlock"
UNLOCK_OVERRIDE = "os_compute_api:os-lock-server:unlock:unlock_override"
RESET_STATE = "os_compute_api:os-admin-actions:reset_state"
INJECT_NETWORK_INFO = "os_compute_api:os-admin-actions:inject_network_info"
CHANGE_PASSWORD = "os_compute_api:os-admin-password"  # noqa: S105 - the name of a rule
CONSOLE_OUTPUT = "os_compute_api:os-console-output"
REMOTE_CONSOLES = "os_compute_api:os-remote-consoles"
PAUSE = "os_compute_api:os-pause-server:pause"
UNPAUSE = "os_compute_api:os-pause-server:unpause"
SUSPEND = "os_compute_api:os-suspend-server:suspend"
RESUME = "os_compute_api:os-suspend-server:resume"
RESCUE = "os_compute_api:os-rescue"
UNRESCUE = "os_compute_api:os-unrescue"
SHELVE = "os_compute_api:os-shelve:shelve"
UNSHELVE = "os_compute_api:os-shelve:unshelve"
UNSHELVE_TO_HOST = "os_compute_api:os-shelve:unshelve_to_host"
SHELVE_OFFLOAD = "os_compute_api:os-shelve:shelve_offload"
CREATE_BACKUP = "os_compute_api:os-create-backup"
RESTORE = "os_compute_api:os-deferred-delete:restore"
FORCE_DELETE = "os_compute_api:os-deferred-delete:force"
MIGRATE = "os_compute_api:os-migrate-server:migrate"
MIGRATE_HOST = "os_compute_api:os-migrate-server:migrate:host"
MIGRATE_LIVE = "os_compute_api:os-migrate-server:migrate_live"
MIGRATE_LIVE_HOST = "os_compute_api:os-migrate-server:migrate_live:host"
EVACUATE = "os_compute_api:os-evacuate"

declare(
    Rule(
        START,
        Role.MEMBER,
        "Start a server.",
        ("POST /servers/{server_id}/action (os-start)",),
        on_instance=True,
    ),
    Rule(
        STOP,
        Role.MEMBER,
        "Stop a server.",
        ("POST /servers/{server_id}/action (os-stop)",),
        on_instance=True,
    ),
    Rule(
        REBOOT,
        Role.MEMBER,
        "Reboot a server.",
        ("POST /servers/{server_id}/action (reboot)",),
        on_instance=True,
    ),
    Rule(
        RESIZE,
        Role.MEMBER,
        "Give a server another flavor.",
        ("POST /servers/{server_id}/action (resize)",),
        on_instance=True,
    ),
    Rule(
        CONFIRM_RESIZE,
        Role.MEMBER,
        "Keep the new flavor of a server.",
        ("POST /servers/{server_id}/action (confirmResize)",),
        on_instance=True,
    ),
    Rule(
        REVERT_RESIZE,
        Role.MEMBER,
        "Go back to the old flavor of a server.",
        ("POST /servers/{server_id}/action (revertResize)",),
        on_instance=True,
    ),
    Rule(
        REBUILD,
        Role.MEMBER,
        "Build a server anew from an image.",
        ("POST /servers/{server_id}/action (rebuild)",),
        on_instance=True,
    ),
    Rule(
        REBUILD_TRUSTED_CERTS,
        Role.MEMBER,
        "Build a server anew with trusted image certificates.",
        ("POST /servers/{server_id}/action (rebuild)",),
        on_instance=True,
    ),
    Rule(
        CREATE_IMAGE,
        Role.MEMBER,
        "Make an image of a server.",
        ("POST /servers/{server_id}/action (createImage)",),
        on_instance=True,
    ),
    Rule(
        CREATE_IMAGE_VOLUME_BACKED,
        Role.MEMBER,
        "Make an image of a server that was booted from a volume.",
        ("POST /servers/{server_id}/action (createImage)",),
        on_instance=True,
    ),
    Rule(
        TRIGGER_CRASH_DUMP,
        Role.MEMBER,
        "Make a server write a crash dump.",
        ("POST /servers/{server_id}/action (trigger_crash_dump)",),
        on_instance=True,
    ),
    Rule(
        LOCK,
        Role.MEMBER,
        "Lock a server.",
        ("POST /servers/{server_id}/action (lock)",),
        on_instance=True,
    ),
    Rule(
        UNLOCK,
        Role.MEMBER,
        "Unlock a server.",
        ("POST /servers/{server_id}/action (unlock)",),
        on_instance=True,
    ),
    Rule(
        UNLOCK_OVERRIDE,
        Role.ADMIN,
        "Unlock a server that somebody else locked.",
        ("POST /servers/{server_id}/action (unlock)",),
        on_instance=True,
    ),
    Rule(
        RESET_STATE,
        Role.ADMIN,
        "Say what state a server is in.",
        ("POST /servers/{server_id}/action (os-resetState)",),
        on_instance=True,
    ),
    Rule(
        INJECT_NETWORK_INFO,
        Role.ADMIN,
        "Write the network configuration into a server.",
        ("POST /servers/{server_id}/action (injectNetworkInfo)",),
        on_instance=True,
    ),
    Rule(
        CHANGE_PASSWORD,
        Role.MEMBER,
        "Change the admin password of a server.",
        ("POST /servers/{server_id}/action (changePassword)",),
        on_instance=True,
    ),
    Rule(
        CONSOLE_OUTPUT,
        Role.MEMBER,
        "Read the console of a server.",
        ("POST /servers/{server_id}/action (os-getConsoleOutput)",),
        on_instance=True,
    ),
    Rule(
        REMOTE_CONSOLES,
        Role.MEMBER,
        "Open a console of a server.",
        (
            "POST /servers/{server_id}/remote-consoles",
            "POST /servers/{server_id}/action (os-getVNCConsole)",
            "POST /servers/{server_id}/action (os-getSPICEConsole)",
            "POST /servers/{server_id}/action (os-getSerialConsole)",
        ),
        on_instance=True,
    ),
    Rule(
        PAUSE,
        Role.MEMBER,
        "Pause a server.",
        ("POST /servers/{server_id}/action (pause)",),
        on_instance=True,
    ),
    Rule(
        UNPAUSE,
        Role.MEMBER,
        "Let a paused server go on.",
        ("POST /servers/{server_id}/action (unpause)",),
        on_instance=True,
    ),
    Rule(
        SUSPEND,
        Role.MEMBER,
        "Suspend a server.",
        ("POST /servers/{server_id}/action (suspend)",),
        on_instance=True,
    ),
    Rule(
        RESUME,
        Role.MEMBER,
        "Resume a suspended server.",
        ("POST /servers/{server_id}/action (resume)",),
        on_instance=True,
    ),
    Rule(
        RESCUE,
        Role.MEMBER,
        "Boot a server from a rescue image.",
        ("POST /servers/{server_id}/action (rescue)",),
        on_instance=True,
    ),
    Rule(
        UNRESCUE,
        Role.MEMBER,
        "End the rescue of a server.",
        ("POST /servers/{server_id}/action (unrescue)",),
        on_instance=True,
    ),
    Rule(
        SHELVE,
        Role.MEMBER,
        "Shelve a server.",
        ("POST /servers/{server_id}/action (shelve)",),
        on_instance=True,
    ),
    Rule(
        UNSHELVE,
        Role.MEMBER,
        "Bring a shelved server back.",
        ("POST /servers/{server_id}/action (unshelve)",),
        on_instance=True,
    ),
    Rule(
        UNSHELVE_TO_HOST,
        Role.ADMIN,
        "Bring a shelved server back on a host of one's choice.",
        ("POST /servers/{server_id}/action (unshelve)",),
        on_instance=True,
    ),
    Rule(
        SHELVE_OFFLOAD,
        Role.ADMIN,
        "Take a shelved server off its host.",
        ("POST /servers/{server_id}/action (shelveOffload)",),
        on_instance=True,
    ),
    Rule(
        CREATE_BACKUP,
        Role.MEMBER,
        "Make a backup image of a server.",
        ("POST /servers/{server_id}/action (createBackup)",),
        on_instance=True,
    ),
    Rule(
        RESTORE,
        Role.MEMBER,
        "Restore a deleted server.",
        ("POST /servers/{server_id}/action (restore)",),
        on_instance=True,
    ),
    Rule(
        FORCE_DELETE,
        Role.MEMBER,
        "Delete a server at once.",
        ("POST /servers/{server_id}/action (forceDelete)",),
        on_instance=True,
    ),
    Rule(
        MIGRATE,
        Role.MANAGER,
        "Move a server to another host.",
        ("POST /servers/{server_id}/action (migrate)",),
        on_instance=True,
    ),
    Rule(
        MIGRATE_HOST,
        Role.ADMIN,
        "Move a server to a host of one's choice.",
        ("POST /servers/{server_id}/action (migrate)",),
        on_instance=True,
    ),
    Rule(
        MIGRATE_LIVE,
        Role.MANAGER,
        "Move a running server to another host.",
        ("POST /servers/{server_id}/action (os-migrateLive)",),
        on_instance=True,
    ),
    Rule(
        MIGRATE_LIVE_HOST,
        Role.ADMIN,
        "Move a running server to a host of one's choice.",
        ("POST /servers/{server_id}/action (os-migrateLive)",),
        on_instance=True,
    ),
    Rule(
        EVACUATE,
        Role.ADMIN,
        "Build a server of a failed host elsewhere.",
        ("POST /servers/{server_id}/action (evacuate)",),
        on_instance=True,
    ),
)
