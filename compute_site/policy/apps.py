from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PolicyConfig(AppConfig):
    name = "compute_site.policy"
    label = "policy"
    verbose_name = "Policy"

    def ready(self) -> None:
        from compute_site.policy.grants import synchronise  # noqa: PLC0415 - models load first

        post_migrate.connect(synchronise, sender=self)
