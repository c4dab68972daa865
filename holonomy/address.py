"""Where the service is: HOLONOMY_URL and HOLONOMY_TOKEN, or the embedded stack of this machine."""

from holonomy.config import ClientSettings
from holonomy.errors import Unconfigured
from holonomy.local import find_or_start
from holonomy.transport import HttpTransport


def connect(url: str | None = None, token: str | None = None) -> HttpTransport:
    """A transport to the service named by the arguments, else by the environment, else to the embedded stack.

    Raises:
        Unconfigured: there is no address, and the embedded stack is not installed or does not start.
    """
    settings = ClientSettings()
    address = url or settings.url
    if address is not None:
        secret = settings.token.get_secret_value() if settings.token is not None else None
        return HttpTransport(address, token or secret)
    if token is not None:
        raise Unconfigured("a token was given without an address: give `url`, or set HOLONOMY_URL")
    stack = find_or_start()
    return HttpTransport(stack.url, stack.token)
