"""The policy rules of the Placement API, named and granted by default as in Placement."""

from __future__ import annotations

import functools

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

placement_rule = functools.partial(rule, noun="placement", of_services=True)
ROOT = "/placement"
PROVIDERS = f"{ROOT}/resource_providers"
ONE = f"{PROVIDERS}/{{provider_id}}"

LIST_PROVIDERS = placement_rule(
    "placement:resource_providers:list",
    Role.ADMIN,
    "List resource providers.",
    (f"GET {PROVIDERS}",),
)
CREATE_PROVIDER = placement_rule(
    "placement:resource_providers:create",
    Role.ADMIN,
    "Create a resource provider.",
    (f"POST {PROVIDERS}",),
)
SHOW_PROVIDER = placement_rule(
    "placement:resource_providers:show",
    Role.ADMIN,
    "Show a resource provider.",
    (f"GET {ONE}",),
)
UPDATE_PROVIDER = placement_rule(
    "placement:resource_providers:update",
    Role.ADMIN,
    "Rename a resource provider, or give it a parent.",
    (f"PUT {ONE}",),
)
DELETE_PROVIDER = placement_rule(
    "placement:resource_providers:delete",
    Role.ADMIN,
    "Delete a resource provider.",
    (f"DELETE {ONE}",),
)
LIST_INVENTORIES = placement_rule(
    "placement:resource_providers:inventories:list",
    Role.ADMIN,
    "List the inventories of a resource provider.",
    (f"GET {ONE}/inventories",),
)
CREATE_INVENTORY = placement_rule(
    "placement:resource_providers:inventories:create",
    Role.ADMIN,
    "Create an inventory of a resource provider.",
    (f"POST {ONE}/inventories",),
)
SHOW_INVENTORY = placement_rule(
    "placement:resource_providers:inventories:show",
    Role.ADMIN,
    "Show an inventory of a resource provider.",
    (f"GET {ONE}/inventories/{{resource_class}}",),
)
UPDATE_INVENTORIES = placement_rule(
    "placement:resource_providers:inventories:update",
    Role.ADMIN,
    "Change the inventories of a resource provider.",
    (
        f"PUT {ONE}/inventories",
        f"PUT {ONE}/inventories/{{resource_class}}",
    ),
)
DELETE_INVENTORIES = placement_rule(
    "placement:resource_providers:inventories:delete",
    Role.ADMIN,
    "Delete inventories of a resource provider.",
    (
        f"DELETE {ONE}/inventories",
        f"DELETE {ONE}/inventories/{{resource_class}}",
    ),
)
LIST_AGGREGATES = placement_rule(
    "placement:resource_providers:aggregates:list",
    Role.ADMIN,
    "List the aggregates of a resource provider.",
    (f"GET {ONE}/aggregates",),
)
UPDATE_AGGREGATES = placement_rule(
    "placement:resource_providers:aggregates:update",
    Role.ADMIN,
    "Change the aggregates of a resource provider.",
    (f"PUT {ONE}/aggregates",),
)
PROVIDER_USAGES = placement_rule(
    "placement:resource_providers:usages",
    Role.ADMIN,
    "See what is held of a resource provider.",
    (f"GET {ONE}/usages",),
)
PROVIDER_ALLOCATIONS = placement_rule(
    "placement:resource_providers:allocations:list",
    Role.ADMIN,
    "See who holds something of a resource provider.",
    (f"GET {ONE}/allocations",),
)
LIST_PROVIDER_TRAITS = placement_rule(
    "placement:resource_providers:traits:list",
    Role.ADMIN,
    "List the traits of a resource provider.",
    (f"GET {ONE}/traits",),
)
UPDATE_PROVIDER_TRAITS = placement_rule(
    "placement:resource_providers:traits:update",
    Role.ADMIN,
    "Change the traits of a resource provider.",
    (f"PUT {ONE}/traits",),
)
DELETE_PROVIDER_TRAITS = placement_rule(
    "placement:resource_providers:traits:delete",
    Role.ADMIN,
    "Take all traits from a resource provider.",
    (f"DELETE {ONE}/traits",),
)
LIST_CLASSES = placement_rule(
    "placement:resource_classes:list",
    Role.ADMIN,
    "List resource classes.",
    (f"GET {ROOT}/resource_classes",),
)
CREATE_CLASS = placement_rule(
    "placement:resource_classes:create",
    Role.ADMIN,
    "Create a resource class.",
    (f"POST {ROOT}/resource_classes",),
)
SHOW_CLASS = placement_rule(
    "placement:resource_classes:show",
    Role.ADMIN,
    "Show a resource class.",
    (f"GET {ROOT}/resource_classes/{{name}}",),
)
UPDATE_CLASS = placement_rule(
    "placement:resource_classes:update",
    Role.ADMIN,
    "Create or rename a resource class.",
    (f"PUT {ROOT}/resource_classes/{{name}}",),
)
DELETE_CLASS = placement_rule(
    "placement:resource_classes:delete",
    Role.ADMIN,
    "Delete a resource class.",
    (f"DELETE {ROOT}/resource_classes/{{name}}",),
)
LIST_TRAITS = placement_rule(
    "placement:traits:list", Role.ADMIN, "List traits.", (f"GET {ROOT}/traits",)
)
SHOW_TRAIT = placement_rule(
    "placement:traits:show",
    Role.ADMIN,
    "Show a trait.",
    (f"GET {ROOT}/traits/{{name}}",),
)
UPDATE_TRAIT = placement_rule(
    "placement:traits:update",
    Role.ADMIN,
    "Create a trait.",
    (f"PUT {ROOT}/traits/{{name}}",),
)
DELETE_TRAIT = placement_rule(
    "placement:traits:delete",
    Role.ADMIN,
    "Delete a trait.",
    (f"DELETE {ROOT}/traits/{{name}}",),
)
LIST_ALLOCATIONS = placement_rule(
    "placement:allocations:list",
    Role.ADMIN,
    "See what a consumer holds.",
    (f"GET {ROOT}/allocations/{{consumer_id}}",),
)
MANAGE_ALLOCATIONS = placement_rule(
    "placement:allocations:manage",
    Role.ADMIN,
    "Change what several consumers hold.",
    (f"POST {ROOT}/allocations",),
)
UPDATE_ALLOCATIONS = placement_rule(
    "placement:allocations:update",
    Role.ADMIN,
    "Change what a consumer holds.",
    (f"PUT {ROOT}/allocations/{{consumer_id}}",),
)
DELETE_ALLOCATIONS = placement_rule(
    "placement:allocations:delete",
    Role.ADMIN,
    "Give back what a consumer holds.",
    (f"DELETE {ROOT}/allocations/{{consumer_id}}",),
)
LIST_CANDIDATES = placement_rule(
    "placement:allocation_candidates:list",
    Role.ADMIN,
    "Ask which providers can give something.",
    (f"GET {ROOT}/allocation_candidates",),
)
USAGES = placement_rule(
    "placement:usages",
    Role.READER,
    "See what the consumers of a project hold.",
    (f"GET {ROOT}/usages",),
)
RESHAPE = placement_rule(
    "placement:reshaper:reshape",
    Role.ADMIN,
    "Move inventories between resource providers, with what is held of them.",
    (f"POST {ROOT}/reshaper",),
)
