"""A node's whole life with Apache Libcloud."""

import os
import time
from collections.abc import Callable

from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider


def wait(is_done: Callable[[], bool]) -> None:
    for _ in range(120):
        if is_done():
            return
        time.sleep(1)
    raise SystemExit("it takes too long")


driver = get_driver(Provider.OPENSTACK)(
    os.environ["OS_USERNAME"],
    os.environ["OS_PASSWORD"],
    ex_force_auth_url=os.environ["ROOT"] + "/identity",
    ex_force_auth_version="3.x_password",
    ex_tenant_name=os.environ["OS_PROJECT_NAME"],
    ex_force_service_region="RegionOne",
    api_version="2.2",
)
image = next(one for one in driver.list_images() if one.name == "tempest-image")
tiny, small = (
    next(one for one in driver.list_sizes() if one.name == name) for name in ("m1.tiny", "m1.small")
)
network = next(one for one in driver.ex_list_networks() if one.name == "private")
node = driver.create_node("life", tiny, image=image, networks=[network])
[(node, addresses)] = driver.wait_until_running([node], ssh_interface="private_ips")
assert addresses, node
driver.reboot_node(node)
[(node, _)] = driver.wait_until_running([node], ssh_interface="private_ips")
volume = driver.create_volume(1, "life")
assert driver.attach_volume(node, volume, "/dev/vdb")
driver.ex_resize(node, small)
wait(lambda: driver.ex_get_node_details(node.id).extra["vm_state"] == "resized")
driver.ex_confirm_resize(node)
wait(lambda: driver.ex_get_node_details(node.id).extra["vm_state"] == "active")
snapshot = driver.create_image(node, "life")
wait(lambda: driver.ex_get_node_details(node.id).extra["task_state"] is None)
driver.detach_volume(driver.ex_get_volume(volume.id))
driver.ex_stop_node(node)
driver.destroy_node(node)
wait(lambda: all(one.id != node.id for one in driver.list_nodes()))
driver.delete_image(snapshot)
driver.destroy_volume(driver.ex_get_volume(volume.id))
print("lived and died")
