"""Rules of ``POST /servers/{id}/action``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

START = rule(
    "os_compute_api:servers:start",
    Role.MEMBER,
    "Start a server.",
    ("POST /servers/{server_id}/action (os-start)",),
    on_instance=True,
)
STOP = rule(
    "os_compute_api:servers:stop",
    Role.MEMBER,
    "Stop a server.",
    ("POST /servers/{server_id}/action (os-stop)",),
    on_instance=True,
)
REBOOT = rule(
    "os_compute_api:servers:reboot",
    Role.MEMBER,
    "Reboot a server.",
    ("POST /servers/{server_id}/action (reboot)",),
    on_instance=True,
)
RESIZE = rule(
    "os_compute_api:servers:resize",
    Role.MEMBER,
    "Give a server another flavor.",
    ("POST /servers/{server_id}/action (resize)",),
    on_instance=True,
)
CONFIRM_RESIZE = rule(
    "os_compute_api:servers:confirm_resize",
    Role.MEMBER,
    "Keep the new flavor of a server.",
    ("POST /servers/{server_id}/action (confirmResize)",),
    on_instance=True,
)
REVERT_RESIZE = rule(
    "os_compute_api:servers:revert_resize",
    Role.MEMBER,
    "Go back to the old flavor of a server.",
    ("POST /servers/{server_id}/action (revertResize)",),
    on_instance=True,
)
REBUILD = rule(
    "os_compute_api:servers:rebuild",
    Role.MEMBER,
    "Build a server anew from an image.",
    ("POST /servers/{server_id}/action (rebuild)",),
    on_instance=True,
)
REBUILD_TRUSTED_CERTS = rule(
    "os_compute_api:servers:rebuild:trusted_certs",
    Role.MEMBER,
    "Build a server anew with trusted image certificates.",
    ("POST /servers/{server_id}/action (rebuild)",),
    on_instance=True,
)
CREATE_IMAGE = rule(
    "os_compute_api:servers:create_image",
    Role.MEMBER,
    "Make an image of a server.",
    ("POST /servers/{server_id}/action (createImage)",),
    on_instance=True,
)
CREATE_IMAGE_VOLUME_BACKED = rule(
    "os_compute_api:servers:create_image:allow_volume_backed",
    Role.MEMBER,
    "Make an image of a server that was booted from a volume.",
    ("POST /servers/{server_id}/action (createImage)",),
    on_instance=True,
)
TRIGGER_CRASH_DUMP = rule(
    "os_compute_api:servers:trigger_crash_dump",
    Role.MEMBER,
    "Make a server write a crash dump.",
    ("POST /servers/{server_id}/action (trigger_crash_dump)",),
    on_instance=True,
)
LOCK = rule(
    "os_compute_api:os-lock-server:lock",
    Role.MEMBER,
    "Lock a server.",
    ("POST /servers/{server_id}/action (lock)",),
    on_instance=True,
)
UNLOCK = rule(
    "os_compute_api:os-lock-server:unlock",
    Role.MEMBER,
    "Unlock a server.",
    ("POST /servers/{server_id}/action (unlock)",),
    on_instance=True,
)
UNLOCK_OVERRIDE = rule(
    "os_compute_api:os-lock-server:unlock:unlock_override",
    Role.ADMIN,
    "Unlock a server that somebody else locked.",
    ("POST /servers/{server_id}/action (unlock)",),
    on_instance=True,
)
RESET_STATE = rule(
    "os_compute_api:os-admin-actions:reset_state",
    Role.ADMIN,
    "Say what state a server is in.",
    ("POST /servers/{server_id}/action (os-resetState)",),
    on_instance=True,
)
INJECT_NETWORK_INFO = rule(
    "os_compute_api:os-admin-actions:inject_network_info",
    Role.ADMIN,
    "Write the network configuration into a server.",
    ("POST /servers/{server_id}/action (injectNetworkInfo)",),
    on_instance=True,
)
CHANGE_PASSWORD = rule(
    "os_compute_api:os-admin-password",
    Role.MEMBER,
    "Change the admin password of a server.",
    ("POST /servers/{server_id}/action (changePassword)",),
    on_instance=True,
)
CONSOLE_OUTPUT = rule(
    "os_compute_api:os-console-output",
    Role.MEMBER,
    "Read the console of a server.",
    ("POST /servers/{server_id}/action (os-getConsoleOutput)",),
    on_instance=True,
)
REMOTE_CONSOLES = rule(
    "os_compute_api:os-remote-consoles",
    Role.MEMBER,
    "Open a console of a server.",
    (
        "POST /servers/{server_id}/remote-consoles",
        "POST /servers/{server_id}/action (os-getVNCConsole)",
        "POST /servers/{server_id}/action (os-getSPICEConsole)",
        "POST /servers/{server_id}/action (os-getSerialConsole)",
    ),
    on_instance=True,
)
PAUSE = rule(
    "os_compute_api:os-pause-server:pause",
    Role.MEMBER,
    "Pause a server.",
    ("POST /servers/{server_id}/action (pause)",),
    on_instance=True,
)
UNPAUSE = rule(
    "os_compute_api:os-pause-server:unpause",
    Role.MEMBER,
    "Let a paused server go on.",
    ("POST /servers/{server_id}/action (unpause)",),
    on_instance=True,
)
SUSPEND = rule(
    "os_compute_api:os-suspend-server:suspend",
    Role.MEMBER,
    "Suspend a server.",
    ("POST /servers/{server_id}/action (suspend)",),
    on_instance=True,
)
RESUME = rule(
    "os_compute_api:os-suspend-server:resume",
    Role.MEMBER,
    "Resume a suspended server.",
    ("POST /servers/{server_id}/action (resume)",),
    on_instance=True,
)
RESCUE = rule(
    "os_compute_api:os-rescue",
    Role.MEMBER,
    "Boot a server from a rescue image.",
    ("POST /servers/{server_id}/action (rescue)",),
    on_instance=True,
)
UNRESCUE = rule(
    "os_compute_api:os-unrescue",
    Role.MEMBER,
    "End the rescue of a server.",
    ("POST /servers/{server_id}/action (unrescue)",),
    on_instance=True,
)
SHELVE = rule(
    "os_compute_api:os-shelve:shelve",
    Role.MEMBER,
    "Shelve a server.",
    ("POST /servers/{server_id}/action (shelve)",),
    on_instance=True,
)
UNSHELVE = rule(
    "os_compute_api:os-shelve:unshelve",
    Role.MEMBER,
    "Bring a shelved server back.",
    ("POST /servers/{server_id}/action (unshelve)",),
    on_instance=True,
)
UNSHELVE_TO_HOST = rule(
    "os_compute_api:os-shelve:unshelve_to_host",
    Role.ADMIN,
    "Bring a shelved server back on a host of one's choice.",
    ("POST /servers/{server_id}/action (unshelve)",),
    on_instance=True,
)
SHELVE_OFFLOAD = rule(
    "os_compute_api:os-shelve:shelve_offload",
    Role.ADMIN,
    "Take a shelved server off its host.",
    ("POST /servers/{server_id}/action (shelveOffload)",),
    on_instance=True,
)
CREATE_BACKUP = rule(
    "os_compute_api:os-create-backup",
    Role.MEMBER,
    "Make a backup image of a server.",
    ("POST /servers/{server_id}/action (createBackup)",),
    on_instance=True,
)
RESTORE = rule(
    "os_compute_api:os-deferred-delete:restore",
    Role.MEMBER,
    "Restore a deleted server.",
    ("POST /servers/{server_id}/action (restore)",),
    on_instance=True,
)
FORCE_DELETE = rule(
    "os_compute_api:os-deferred-delete:force",
    Role.MEMBER,
    "Delete a server at once.",
    ("POST /servers/{server_id}/action (forceDelete)",),
    on_instance=True,
)
MIGRATE = rule(
    "os_compute_api:os-migrate-server:migrate",
    Role.MANAGER,
    "Move a server to another host.",
    ("POST /servers/{server_id}/action (migrate)",),
    on_instance=True,
)
MIGRATE_HOST = rule(
    "os_compute_api:os-migrate-server:migrate:host",
    Role.ADMIN,
    "Move a server to a host of one's choice.",
    ("POST /servers/{server_id}/action (migrate)",),
    on_instance=True,
)
MIGRATE_LIVE = rule(
    "os_compute_api:os-migrate-server:migrate_live",
    Role.MANAGER,
    "Move a running server to another host.",
    ("POST /servers/{server_id}/action (os-migrateLive)",),
    on_instance=True,
)
MIGRATE_LIVE_HOST = rule(
    "os_compute_api:os-migrate-server:migrate_live:host",
    Role.ADMIN,
    "Move a running server to a host of one's choice.",
    ("POST /servers/{server_id}/action (os-migrateLive)",),
    on_instance=True,
)
EVACUATE = rule(
    "os_compute_api:os-evacuate",
    Role.ADMIN,
    "Build a server of a failed host elsewhere.",
    ("POST /servers/{server_id}/action (evacuate)",),
    on_instance=True,
)
