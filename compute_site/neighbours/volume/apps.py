from django.apps import AppConfig


class VolumeConfig(AppConfig):
    name = "compute_site.neighbours.volume"
    label = "volume"
    verbose_name = "Volume service"
