"""The policy rules of the Placement API, named and granted by default as in Placement. What is for
its role ``service`` is for admins here.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

NOUN = "placement"
ROOT = "/placement"
PROVIDERS = f"{ROOT}/resource_providers"
ONE = f"{PROVIDERS}/{{provider_id}}"

LIST_PROVIDERS = rule(
    "placement:resource_providers:list",
    Role.ADMIN,
    "List resource providers.",
    (f"GET {PROVIDERS}",),
    noun=NOUN,
)
CREATE_PROVIDER = rule(
    "placement:resource_providers:create",
    Role.ADMIN,
    "Create a resource provider.",
    (f"POST {PROVIDERS}",),
    noun=NOUN,
)
SHOW_PROVIDER = rule(
    "placement:resource_providers:show",
    Role.ADMIN,
    "Show a resource provider.",
    (f"GET {ONE}",),
    noun=NOUN,
)
UPDATE_PROVIDER = rule(
    "placement:resource_providers:update",
    Role.ADMIN,
    "Rename a resource provider, or give it a parent.",
    (f"PUT {ONE}",),
    noun=NOUN,
)
DELETE_PROVIDER = rule(
    "placement:resource_providers:delete",
    Role.ADMIN,
    "Delete a resource provider.",
    (f"DELETE {ONE}",),
    noun=NOUN,
)
LIST_INVENTORIES = rule(
    "placement:resource_providers:inventories:list",
    Role.ADMIN,
    "List the inventories of a resource provider.",
    (f"GET {ONE}/inventories",),
    noun=NOUN,
)
CREATE_INVENTORY = rule(
    "placement:resource_providers:inventories:create",
    Role.ADMIN,
    "Create an inventory of a resource provider.",
    (f"POST {ONE}/inventories",),
    noun=NOUN,
)
SHOW_INVENTORY = rule(
    "placement:resource_providers:inventories:show",
    Role.ADMIN,
    "Show an inventory of a resource provider.",
    (f"GET {ONE}/inventories/{{resource_class}}",),
    noun=NOUN,
)
UPDATE_INVENTORIES = rule(
    "placement:resource_providers:inventories:update",
    Role.ADMIN,
    "Change the inventories of a resource provider.",
    (
        f"PUT {ONE}/inventories",
        f"PUT {ONE}/inventories/{{resource_class}}",
    ),
    noun=NOUN,
)
DELETE_INVENTORIES = rule(
    "placement:resource_providers:inventories:delete",
    Role.ADMIN,
    "Delete inventories of a resource provider.",
    (
        f"DELETE {ONE}/inventories",
        f"DELETE {ONE}/inventories/{{resource_class}}",
    ),
    noun=NOUN,
)
LIST_AGGREGATES = rule(
    "placement:resource_providers:aggregates:list",
    Role.ADMIN,
    "List the aggregates of a resource provider.",
    (f"GET {ONE}/aggregates",),
    noun=NOUN,
)
UPDATE_AGGREGATES = rule(
    "placement:resource_providers:aggregates:update",
    Role.ADMIN,
    "Change the aggregates of a resource provider.",
    (f"PUT {ONE}/aggregates",),
    noun=NOUN,
)
PROVIDER_USAGES = rule(
    "placement:resource_providers:usages",
    Role.ADMIN,
    "See what is held of a resource provider.",
    (f"GET {ONE}/usages",),
    noun=NOUN,
)
PROVIDER_ALLOCATIONS = rule(
    "placement:resource_providers:allocations:list",
    Role.ADMIN,
    "See who holds something of a resource provider.",
    (f"GET {ONE}/allocations",),
    noun=NOUN,
)
LIST_PROVIDER_TRAITS = rule(
    "placement:resource_providers:traits:list",
    Role.ADMIN,
    "List the traits of a resource provider.",
    (f"GET {ONE}/traits",),
    noun=NOUN,
)
UPDATE_PROVIDER_TRAITS = rule(
    "placement:resource_providers:traits:update",
    Role.ADMIN,
    "Change the traits of a resource provider.",
    (f"PUT {ONE}/traits",),
    noun=NOUN,
)
DELETE_PROVIDER_TRAITS = rule(
    "placement:resource_providers:traits:delete",
    Role.ADMIN,
    "Take all traits from a resource provider.",
    (f"DELETE {ONE}/traits",),
    noun=NOUN,
)
LIST_CLASSES = rule(
    "placement:resource_classes:list",
    Role.ADMIN,
    "List resource classes.",
    (f"GET {ROOT}/resource_classes",),
    noun=NOUN,
)
CREATE_CLASS = rule(
    "placement:resource_classes:create",
    Role.ADMIN,
    "Create a resource class.",
    (f"POST {ROOT}/resource_classes",),
    noun=NOUN,
)
SHOW_CLASS = rule(
    "placement:resource_classes:show",
    Role.ADMIN,
    "Show a resource class.",
    (f"GET {ROOT}/resource_classes/{{name}}",),
    noun=NOUN,
)
UPDATE_CLASS = rule(
    "placement:resource_classes:update",
    Role.ADMIN,
    "Create or rename a resource class.",
    (f"PUT {ROOT}/resource_classes/{{name}}",),
    noun=NOUN,
)
DELETE_CLASS = rule(
    "placement:resource_classes:delete",
    Role.ADMIN,
    "Delete a resource class.",
    (f"DELETE {ROOT}/resource_classes/{{name}}",),
    noun=NOUN,
)
LIST_TRAITS = rule(
    "placement:traits:list", Role.ADMIN, "List traits.", (f"GET {ROOT}/traits",), noun=NOUN
)
SHOW_TRAIT = rule(
    "placement:traits:show",
    Role.ADMIN,
    "Show a trait.",
    (f"GET {ROOT}/traits/{{name}}",),
    noun=NOUN,
)
UPDATE_TRAIT = rule(
    "placement:traits:update",
    Role.ADMIN,
    "Create a trait.",
    (f"PUT {ROOT}/traits/{{name}}",),
    noun=NOUN,
)
DELETE_TRAIT = rule(
    "placement:traits:delete",
    Role.ADMIN,
    "Delete a trait.",
    (f"DELETE {ROOT}/traits/{{name}}",),
    noun=NOUN,
)
LIST_ALLOCATIONS = rule(
    "placement:allocations:list",
    Role.ADMIN,
    "See what a consumer holds.",
    (f"GET {ROOT}/allocations/{{consumer_id}}",),
    noun=NOUN,
)
MANAGE_ALLOCATIONS = rule(
    "placement:allocations:manage",
    Role.ADMIN,
    "Change what several consumers hold.",
    (f"POST {ROOT}/allocations",),
    noun=NOUN,
)
UPDATE_ALLOCATIONS = rule(
    "placement:allocations:update",
    Role.ADMIN,
    "Change what a consumer holds.",
    (f"PUT {ROOT}/allocations/{{consumer_id}}",),
    noun=NOUN,
)
DELETE_ALLOCATIONS = rule(
    "placement:allocations:delete",
    Role.ADMIN,
    "Give back what a consumer holds.",
    (f"DELETE {ROOT}/allocations/{{consumer_id}}",),
    noun=NOUN,
)
LIST_CANDIDATES = rule(
    "placement:allocation_candidates:list",
    Role.ADMIN,
    "Ask which providers can give something.",
    (f"GET {ROOT}/allocation_candidates",),
    noun=NOUN,
)
USAGES = rule(
    "placement:usages",
    Role.READER,
    "See what the consumers of a project hold.",
    (f"GET {ROOT}/usages",),
    noun=NOUN,
)
RESHAPE = rule(
    "placement:reshaper:reshape",
    Role.ADMIN,
    "Move inventories between resource providers, with what is held of them.",
    (f"POST {ROOT}/reshaper",),
    noun=NOUN,
)
