from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "compute_site.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415 - models load first

        from compute_site.identity.sign_ins import note_sign_in  # noqa: PLC0415 - models load first

        user_logged_in.connect(note_sign_in)
