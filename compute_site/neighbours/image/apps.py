from django.apps import AppConfig


class ImageConfig(AppConfig):
    name = "compute_site.neighbours.image"
    label = "image"
    verbose_name = "Image service"
