"""What a client reads from the environment."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClientSettings(BaseSettings):
    """HOLONOMY_URL and HOLONOMY_TOKEN."""

    model_config = SettingsConfigDict(env_prefix="HOLONOMY_", frozen=True, extra="ignore", env_ignore_empty=True)

    url: str | None = None
    """Address of the service, `http://HOST:PORT`. Without it the embedded stack is used."""
    token: SecretStr | None = None
    """Token for it."""
