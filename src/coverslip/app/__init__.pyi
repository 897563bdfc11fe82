from .folder import open_folder
from .guard import Guard, Limits, host_names, is_loopback
from .server import Address, guarded, make_app, make_service, make_session, new_token
from .service import Service

__all__ = [
    "Address",
    "Guard",
    "Limits",
    "Service",
    "guarded",
    "host_names",
    "is_loopback",
    "make_app",
    "make_service",
    "make_session",
    "new_token",
    "open_folder",
]
