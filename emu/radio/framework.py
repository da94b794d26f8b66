"""The OpenFlow framework that the radio application runs on: Ryu, or os-ken, its maintained fork.

The environment variable ``EMU_OPENFLOW`` (``ryu`` or ``os-ken``) chooses; without it the first that
is installed. Everything that the application imports from the framework is named here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

PACKAGES = {"ryu": "ryu", "os-ken": "os_ken"}


def _package() -> str:
    chosen = os.environ.get("EMU_OPENFLOW")
    for name in [chosen] if chosen else PACKAGES:
        if name not in PACKAGES:
            raise ImportError(f"EMU_OPENFLOW={name}: it can be {' or '.join(PACKAGES)}")
        if importlib.util.find_spec(PACKAGES[name]) is not None:
            return PACKAGES[name]
    raise ImportError(f"no OpenFlow framework found; install {' or '.join(PACKAGES)}")


def module(name: str) -> Any:
    """The framework's module with this name below its package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


PACKAGE = _package()
if PACKAGE == "ryu":
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")  # nobody asks for names here
    # Ryu 4.34 imports a name that current versions of eventlet no longer have.
    import eventlet.wsgi

    if not hasattr(eventlet.wsgi, "ALREADY_HANDLED"):
        eventlet.wsgi.ALREADY_HANDLED = object()

hub = module("lib.hub")
app_manager = module("base.app_manager")
controller = module("controller.controller")
handler = module("controller.handler")
ofp_event = module("controller.ofp_event")
ofproto = module("ofproto.ofproto_v1_3")
App: Any = getattr(app_manager, "RyuApp", None) or app_manager.OSKenApp
