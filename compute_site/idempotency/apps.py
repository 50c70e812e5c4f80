from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "compute_site.idempotency"
    label = "idempotency"
    verbose_name = "Repeated requests"
