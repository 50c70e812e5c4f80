from django.apps import AppConfig, apps
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils.module_loading import autodiscover_modules


class PolicyConfig(AppConfig):
    name = "compute_site.policy"
    label = "policy"
    verbose_name = "Policy"

    def ready(self) -> None:
        from compute_site.identity.derived import role_groups_made  # noqa: PLC0415 - as below
        from compute_site.policy import grants  # noqa: PLC0415 - models load first

        autodiscover_modules("policies")
        post_migrate.connect(grants.synchronise, sender=apps.get_app_config("policy"))
        post_save.connect(grants.follow_project, sender="identity.Project")
        role_groups_made.connect(grants.follow_roles)
        post_delete.connect(grants.forget_role, sender="identity.ProjectRole")
        post_delete.connect(grants.forget_place, sender="identity.Project")
        post_save.connect(grants.follow_domain, sender="identity.Domain")
        post_delete.connect(grants.forget_role, sender="identity.WideRole")
        post_delete.connect(grants.forget_place, sender="identity.Domain")
