"""Cinder in one process: API, scheduler and volume service, so that messages between them need no
broker. gunicorn loads it, without forking again.
"""

import os
import sys

from cinder import monkey_patch

monkey_patch.patch(backend="threading")

from cinder import i18n

i18n.enable_lazy()

from cinder import service
from cinder.wsgi.wsgi import initialize_application
from oslo_config import cfg

sys.argv = ["cinder-api", "--config-file", os.environ["CONFIGURATION"]]
application = initialize_application()

SERVICES = [
    service.Service.create(binary="cinder-scheduler"),
    *(
        service.Service.create(
            host=f"{cfg.CONF.host}@{name}", service_name=name, binary="cinder-volume"
        )
        for name in cfg.CONF.enabled_backends
    ),
]
for one in SERVICES:
    one.start()
