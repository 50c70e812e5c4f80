"""A driver of Cinder whose volumes are sparse files."""

import subprocess
from pathlib import Path

from cinder.volume import driver
from oslo_config import cfg

CONF = cfg.CONF
GIB = 1024**3


def copy(source, target):
    """Without the holes, which are nearly all of it."""
    subprocess.run(["/bin/cp", "--sparse=always", str(source), str(target)], check=True)


class FileVolumes(driver.VolumeDriver):
    VERSION = "1"
    CI_WIKI_NAME = "none"

    def _path(self, thing):
        return Path(CONF.state_path, "volumes", thing["name"])

    def check_for_setup_error(self):
        Path(CONF.state_path, "volumes").mkdir(parents=True, exist_ok=True)

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "tests",
            "driver_version": self.VERSION,
            "storage_protocol": "local",
            "total_capacity_gb": 1000,
            "free_capacity_gb": 1000,
            "reserved_percentage": 0,
            "multiattach": True,
            "online_extend_support": True,
        }

    def create_volume(self, volume):
        with self._path(volume).open("wb") as file:
            file.truncate(volume["size"] * GIB)

    def delete_volume(self, volume):
        self._path(volume).unlink(missing_ok=True)

    def extend_volume(self, volume, new_size):
        with self._path(volume).open("r+b") as file:
            file.truncate(new_size * GIB)

    def create_snapshot(self, snapshot):
        copy(self._path(snapshot["volume"]), self._path(snapshot))

    def delete_snapshot(self, snapshot):
        self._path(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume, snapshot):
        copy(self._path(snapshot), self._path(volume))
        self.extend_volume(volume, volume["size"])

    def create_cloned_volume(self, volume, source):
        copy(self._path(source), self._path(volume))
        self.extend_volume(volume, volume["size"])

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        """Only raw images; the others need programs that a whole cloud has."""
        self.create_volume(volume)
        with self._path(volume).open("r+b") as file:
            image_service.download(context, image_meta["id"], file)
        self.extend_volume(volume, volume["size"])
        return {}, True

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        with self._path(volume).open("r+b") as file:
            image_service.download(context, image_id, file)

    def initialize_connection(self, volume, connector):
        return {
            "driver_volume_type": "local",
            "data": {"device_path": str(self._path(volume))},
        }

    def terminate_connection(self, volume, connector, **_more):
        pass

    def create_export(self, context, volume, connector=None):
        pass

    def ensure_export(self, context, volume):
        pass

    def remove_export(self, context, volume):
        pass
