from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "compute_site.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415 - models load first
        from django.db.models.signals import post_migrate  # noqa: PLC0415 - as above

        from compute_site.identity.seed import seed_after_flush  # noqa: PLC0415 - models load first
        from compute_site.identity.sign_ins import note_sign_in  # noqa: PLC0415 - models load first

        user_logged_in.connect(note_sign_in)
        post_migrate.connect(seed_after_flush, sender=self)
