"""Settings: the environment (`POLYWIRE_…`), then `polywire.toml`, then the engines that are up, then defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from runtime.runfile import read_run_file
from schemas.base import without_user


def default_cache_dir() -> Path:
    """Where models and engines are kept between clones: outside root's home where root runs it.

    Elasticsearch refuses to run as root, so the supervisor starts it as another user, who must be able to read it.
    """
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/cache/polywire")
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "polywire"


class FeedSettings(BaseModel):
    """One feed to poll."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://")
    full_text: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether to read the linked page: `auto` does where the feed holds only a summary.",
    )
    interval: float | None = Field(default=None, gt=0, description="Seconds between two polls, where not the default.")
    source: str | None = Field(default=None, max_length=200, description="Who publishes it, where the feed is wrong.")

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        if without_user(url) != url:
            raise ValueError("a feed's address may hold no user name and no password: it is shown with every article")
        return url


class Settings(BaseSettings):
    """Every setting there is. Each can be given as `POLYWIRE_NAME` or as `name = …` in `polywire.toml`."""

    model_config = SettingsConfigDict(env_prefix="POLYWIRE_", toml_file="polywire.toml", extra="forbid")

    engines: Literal["embedded", "jvm", "external"] = Field(
        default="embedded",
        description="What `polywire up` starts: embedded (not durable), jvm (needs JDK 17 and Maven), or external: "
        "nothing, the addresses below are used.",
    )
    kafka_bootstrap: str = Field(default="127.0.0.1:9092", description="host:port, comma separated.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to speak to the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="With a SASL protocol: how to be let in."
    )
    kafka_username: str | None = Field(default=None, description="With a SASL protocol.")
    kafka_password: SecretStr | None = Field(default=None, description="With a SASL protocol.")
    kafka_ca_file: Path | None = Field(default=None, description="Certificates to trust, PEM; else the system's.")
    topic_replication: int = Field(default=1, ge=1, description="Replicas of each topic; 3 in production.")

    elasticsearch_url: str = Field(default="http://127.0.0.1:9200", description="Where Elasticsearch is.")
    elasticsearch_username: str | None = Field(default=None, description="Where security is on.")
    elasticsearch_password: SecretStr | None = Field(default=None, description="Where security is on.")
    elasticsearch_api_key: SecretStr | None = Field(default=None, description="Instead of user and password.")
    elasticsearch_ca_file: Path | None = Field(default=None, description="Certificates to trust, PEM.")
    index_prefix: str = Field(default="polywire", description="Indices are PREFIX-articles, -stories, -alerts.")

    state_dir: Path = Field(default=Path(".polywire"), description="What a run keeps: engine data, feed states, logs.")
    cache_dir: Path = Field(
        default_factory=default_cache_dir,
        description="Models and engines, shared by clones: ~/.cache/polywire; /var/cache/polywire for root.",
    )

    embedding_model: str | None = Field(
        default=None,
        description="A sentence-transformers model (name or folder) to embed with, on a GPU where there is one, "
        "instead of the built-in engine; it must be multilingual-e5-small or share its space. Needs "
        "`sentence-transformers`.",
    )

    name_models: bool = Field(
        default=False,
        description="Read names in English and French articles with spaCy's models too: persons, bodies and places in "
        "passing that no table knows, for 20 to 30 ms of processor time more for such an article. Needs `pip install "
        "'polywire[names]'`.",
    )

    web_host: str = Field(default="127.0.0.1", description="Address the web page is served on; 0.0.0.0 for all.")
    web_port: int = Field(default=8080, ge=0, le=65535, description="Port of the web page and of `POST /articles`.")
    web_names: list[str] = Field(
        default_factory=list,
        description="Names under which the web page may be asked for, `*.example.org` and `*` for any among them. Left "
        "empty: where it is served to this machine alone, localhost and its addresses, else any name. Behind a proxy "
        "on this machine, the name that people type.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address of /metrics and /healthz.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Of this stage's /metrics and /healthz; 0: off.")

    admin_token: SecretStr | None = Field(
        default=None,
        description="What everything that writes over HTTP asks for, as a bearer token. Without one, only programs of "
        "this machine may write, and only where the page is served to this machine alone (`web_host`). Behind any "
        "proxy, set a token: one that adds no header of its own looks like a program of this machine.",
    )
    push_token: SecretStr | None = Field(
        default=None,
        description="A bearer token for `POST /articles` alone, which takes `admin_token` as well.",
    )

    feeds: list[FeedSettings] = Field(
        default_factory=list,
        description="RSS, Atom and JSON feeds to poll: addresses, or objects with `url` and options of that feed.",
    )
    feed_interval: float = Field(default=300.0, gt=0, description="Seconds between two polls of a feed.")
    allow_hosts: list[str] = Field(
        default_factory=list,
        description="Private addresses (host or host:port) that may be fetched all the same.",
    )

    webhook_secret: SecretStr | None = Field(default=None, description="Signs webhook deliveries (HMAC-SHA256).")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level told.")
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, else JSON lines."
    )
    log_megabytes: float = Field(
        default=10.0, gt=0, description="Under `up` and `demo`, how large the log of a process grows until it is begun "
        "anew. Elsewhere logs go to standard error, and whoever takes them bounds them.",
    )  # fmt: skip
    log_kept: int = Field(default=2, ge=0, description="How many older logs of each process are kept.")

    @property
    def models(self) -> dict[str, Any]:
        """Which models articles are read with, as `Analyzer.load` takes them."""
        return {"embedding_model": self.embedding_model, "name_models": self.name_models}

    @field_validator("admin_token", "push_token")
    @classmethod
    def _empty_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        # `POLYWIRE_ADMIN_TOKEN=` in an environment file: nobody means that the empty token opens the door.
        return value if value and value.get_secret_value().strip() else None

    @field_validator("feeds", mode="before")
    @classmethod
    def _addresses_are_feeds(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{"url": item} if isinstance(item, str) else item for item in value]

    @model_validator(mode="after")
    def _password_out_of_the_address(self) -> Settings:
        """The address is shown in errors, by `status` and in the run file; who may use it is told apart from it."""
        parts = urlsplit(self.elasticsearch_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("elasticsearch_url: an address such as http://127.0.0.1:9200 or https://host:9200")
        if parts.username and not self.elasticsearch_username:
            self.elasticsearch_username = unquote(parts.username)
            self.elasticsearch_password = SecretStr(unquote(parts.password or ""))
        self.elasticsearch_url = without_user(self.elasticsearch_url)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls),
            _RunFileSource(settings_cls),
        )


class _RunFileSource(PydanticBaseSettingsSource):
    """Addresses of the engines that `polywire up` or `demo` has started from this folder."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        run = read_run_file(Path(self.current_state.get("state_dir") or ".polywire")) or {}
        return {k: v for k, v in run.get("settings", {}).items() if k in Settings.model_fields}
