from django.apps import AppConfig


class ImageConfig(AppConfig):
    name = "compute_site.services.image"
    label = "image"
    verbose_name = "Image service"
