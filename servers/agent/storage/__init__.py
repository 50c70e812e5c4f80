"""The disks of guests on this host: files that ``qemu-img`` makes, and config drives."""
