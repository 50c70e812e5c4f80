# What a project usually has. With another size some of it is changed where it is.
variable "size" {
  type    = number
  default = 1
}
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
provider "openstack" {}
data "openstack_networking_network_v2" "public" { name = "public" }
data "openstack_images_image_v2" "system" { name = "tempest-image" }
resource "openstack_networking_network_v2" "net" {
  name           = "tf-net"
  description    = "made by terraform, ${var.size}"
  admin_state_up = true
  tags           = ["a", "b"]
}
resource "openstack_networking_subnet_v2" "subnet" {
  name            = "tf-subnet"
  network_id      = openstack_networking_network_v2.net.id
  cidr            = "10.42.0.0/24"
  ip_version      = 4
  dns_nameservers = ["10.42.0.2", "10.42.0.3"]
  allocation_pool {
    start = "10.42.0.10"
    end   = "10.42.0.200"
  }
  tags = ["a"]
}
resource "openstack_networking_subnet_v2" "six" {
  name              = "tf-six"
  network_id        = openstack_networking_network_v2.net.id
  cidr              = "fd00:42::/64"
  ip_version        = 6
  ipv6_address_mode = "slaac"
  ipv6_ra_mode      = "slaac"
}
resource "openstack_networking_router_v2" "router" {
  name                = "tf-router"
  admin_state_up      = true
  external_network_id = data.openstack_networking_network_v2.public.id
  tags                = ["r"]
}
resource "openstack_networking_router_interface_v2" "interface" {
  router_id = openstack_networking_router_v2.router.id
  subnet_id = openstack_networking_subnet_v2.subnet.id
}
resource "openstack_networking_router_route_v2" "route" {
  depends_on       = [openstack_networking_router_interface_v2.interface]
  router_id        = openstack_networking_router_v2.router.id
  destination_cidr = "10.99.0.0/24"
  next_hop         = "10.42.0.250"
}
resource "openstack_networking_secgroup_v2" "group" {
  name        = "tf-group"
  description = "SSH and ping"
  tags        = ["g"]
}
resource "openstack_networking_secgroup_rule_v2" "ssh" {
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 21 + var.size
  remote_ip_prefix  = "0.0.0.0/0"
  security_group_id = openstack_networking_secgroup_v2.group.id
}
resource "openstack_networking_secgroup_rule_v2" "ping" {
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "icmp"
  remote_group_id   = openstack_networking_secgroup_v2.group.id
  security_group_id = openstack_networking_secgroup_v2.group.id
}
resource "openstack_networking_port_v2" "port" {
  name               = "tf-port-${var.size}"
  network_id         = openstack_networking_network_v2.net.id
  security_group_ids = [openstack_networking_secgroup_v2.group.id]
  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.subnet.id
    ip_address = "10.42.0.20"
  }
  allowed_address_pairs {
    ip_address = "10.42.0.77"
  }
  extra_dhcp_option {
    name  = "tftp-server"
    value = "10.42.0.5"
  }
  tags = ["p"]
}
resource "openstack_networking_floatingip_v2" "address" {
  pool        = "public"
  description = "the way in"
}
resource "openstack_networking_floatingip_associate_v2" "way" {
  floating_ip = openstack_networking_floatingip_v2.address.address
  port_id     = openstack_networking_port_v2.port.id
  depends_on  = [openstack_networking_router_interface_v2.interface]
}
resource "openstack_compute_keypair_v2" "key" { name = "tf-key" }
resource "openstack_compute_servergroup_v2" "spread" {
  name     = "tf-spread"
  policies = ["soft-anti-affinity"]
}
resource "openstack_blockstorage_volume_v3" "data" {
  name        = "tf-data"
  description = "kept"
  size        = 1
  metadata    = { purpose = "test" }
}
resource "openstack_blockstorage_volume_v3" "free" {
  name = "tf-free"
  size = var.size
}
resource "openstack_compute_instance_v2" "resized" {
  name        = "tf-resized-${var.size}"
  image_name  = "tempest-image"
  flavor_name = var.size == 1 ? "m1.tiny" : "m1.small"
  network { uuid = openstack_networking_network_v2.net.id }
  depends_on = [openstack_networking_subnet_v2.subnet, openstack_networking_subnet_v2.six]
}
resource "openstack_compute_instance_v2" "one" {
  name        = "tf-one"
  image_id    = data.openstack_images_image_v2.system.id
  flavor_name = "m1.tiny"
  key_pair    = openstack_compute_keypair_v2.key.name
  user_data   = "#!/bin/sh\ntrue\n"
  metadata    = { role = "web-${var.size}" }
  tags        = ["web", "size-${var.size}"]
  network { port = openstack_networking_port_v2.port.id }
  scheduler_hints { group = openstack_compute_servergroup_v2.spread.id }
}
resource "openstack_compute_instance_v2" "many" {
  count           = 1 + var.size
  name            = "tf-many-${count.index}"
  image_name      = "tempest-image"
  flavor_id       = "42"
  security_groups = ["default", openstack_networking_secgroup_v2.group.name]
  network { uuid = openstack_networking_network_v2.net.id }
  depends_on = [openstack_networking_subnet_v2.subnet, openstack_networking_subnet_v2.six]
}
resource "openstack_compute_instance_v2" "from_volume" {
  name        = "tf-from-volume"
  flavor_name = "m1.tiny"
  block_device {
    uuid                  = data.openstack_images_image_v2.system.id
    source_type           = "image"
    destination_type      = "volume"
    volume_size           = 2
    boot_index            = 0
    delete_on_termination = true
  }
  network { uuid = openstack_networking_network_v2.net.id }
  depends_on = [openstack_networking_subnet_v2.subnet, openstack_networking_subnet_v2.six]
}
resource "openstack_compute_volume_attach_v2" "attached" {
  instance_id = openstack_compute_instance_v2.one.id
  volume_id   = openstack_blockstorage_volume_v3.data.id
}
resource "openstack_compute_interface_attach_v2" "second" {
  instance_id = openstack_compute_instance_v2.one.id
  network_id  = openstack_networking_network_v2.net.id
  depends_on  = [openstack_networking_subnet_v2.subnet]
}
output "address" { value = openstack_compute_instance_v2.one.access_ip_v4 }
