"""Public keys for tests, and what is known of them."""

from __future__ import annotations

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAYW9txNtENzTHq54gYT8buvEWe/5xSGgstpUHMsn3Ti demo"
ED25519_FINGERPRINT = "bf:1a:7a:5b:8d:f7:49:82:30:27:42:5e:f5:d3:37:70"
