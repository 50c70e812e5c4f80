"""Log lines as JSON: an object a line, for programs that gather logs."""

from __future__ import annotations

import datetime as dt
import json
import logging


class JsonFormatter(logging.Formatter):
    """The keys are ``time`` (UTC), ``level``, ``logger``, ``message``, and where they are known
    ``request_id``, ``user``, ``address``, ``status`` and ``exception``.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key, name in (
            *(("request_id", "request_id"), ("user", "user"), ("address", "address")),
            ("status", "status_code"),
        ):
            value = getattr(record, name, None)
            if value not in (None, "-", ""):
                line[key] = value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
