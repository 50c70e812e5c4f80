from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "compute_site.services.network"
    label = "network"
    verbose_name = "Network service"
