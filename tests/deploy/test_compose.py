"""docker-compose.yml: valid by the Compose specification, and true of polywire: its commands, settings and variables.

No Docker engine is at hand where the tests run. The schema is that of the Compose specification
(https://github.com/compose-spec/compose-spec, Apache-2.0), as the package check-jsonschema ships it.
"""

from __future__ import annotations

import base64
import json
import re
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer._click.exceptions import UsageError
from typer.core import TyperGroup
from typer.main import get_command

from polywire.cli import _COMMANDS
from polywire.supervision.stages import BACKBONE, FEEDS
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("polywire:")}
ONE_SHOT = {"elasticsearch-setup", "kibana-import", "topics", "cli"}
STAGES = {name: service for name, service in OURS.items() if name not in ONE_SHOT}

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rest>:?[-?][^}]*)?\}")
"""A variable as Compose fills it in; `$$` stays for the shell."""


def example_variables() -> dict[str, bool]:
    """Variables that .env.example names, and whether each is commented out there (has a default)."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    matches = [re.fullmatch(r"(#?)([A-Z][A-Z_]+)=(.*)", line) for line in lines]
    return {match[2]: bool(match[1]) for match in matches if match}


def parse(arguments: list[str]) -> None:
    """Take the arguments as polywire's command line would, without running anything.

    Raises:
        typer's UsageError: they are not right.
    """
    name: str | None
    name, *rest = arguments
    assert name in _COMMANDS, f"polywire has no command {name}"
    command: Any = get_command(import_module(f"polywire.commands.{_COMMANDS[name].module}").app)
    context = command.make_context(name, list(rest))
    while isinstance(command, TyperGroup):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, list(rest), parent=context)


def test_valid_by_the_compose_specification() -> None:
    vendored = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(COMPOSE)] == []
    # The schema is the strict one: what it does not know, it refuses.
    broken = {**COMPOSE, "services": {**SERVICES, "web": {**SERVICES["web"], "mem_limt": "1g"}}}
    assert list(validator.iter_errors(broken))


def test_every_stage_of_polywire_up_is_here_with_its_command() -> None:
    commands = {name: service["command"] for name, service in STAGES.items()}
    assert commands == {spec.name: list(spec.arguments) for spec in (*BACKBONE, FEEDS)}


@pytest.mark.parametrize("name", [name for name in OURS if "entrypoint" not in OURS[name] and name != "cli"])
def test_command_is_one_that_polywire_takes(name: str) -> None:
    parse(OURS[name]["command"])


@pytest.mark.parametrize("wrong", [["stream", "analyse"], ["topics", "create", "--force"], ["consume", "mailer"]])
def test_a_wrong_command_would_be_seen(wrong: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(wrong)


@pytest.mark.parametrize("name", OURS)
def test_entrypoints_and_checks_are_files_of_the_image(name: str) -> None:
    check = OURS[name]["healthcheck"].get("test", [])
    for argument in [*OURS[name].get("entrypoint", []), *OURS[name]["command"], *check]:
        if argument.startswith("/opt/polywire/"):
            assert (ROOT / argument.removeprefix("/opt/polywire/")).is_file(), argument


@pytest.mark.parametrize("name", OURS)
def test_environment_is_settings_there_are_with_values_they_take(name: str) -> None:
    given = {k: v for k, v in OURS[name].get("environment", {}).items() if k.startswith("POLYWIRE_")}
    fields = {key.removeprefix("POLYWIRE_").lower() for key in given}
    assert fields <= set(Settings.model_fields)
    filled = {key: fill(str(value)) for key, value in given.items()}
    values = {
        key.removeprefix("POLYWIRE_").lower(): json.loads(value) if value.startswith("[") else value
        for key, value in filled.items()
    }
    Settings.model_validate(values)


def fill(value: str) -> str:
    """With each variable's default, or a stand-in where it has none."""
    return VARIABLE.sub(lambda m: m["rest"][2:] if (m["rest"] or "").startswith(":-") else "stand-in", value)


def test_every_variable_is_in_the_example_and_the_other_way_round() -> None:
    used: dict[str, set[str]] = {}
    code = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    for match in VARIABLE.finditer(code):
        used.setdefault(match["name"], set()).add(match["rest"] or "")
    example = example_variables()
    assert set(used) == set(example) - {"COMPOSE_PROFILES"}
    for name, rests in used.items():
        assert len(rests) == 1, f"{name} has two defaults: {rests}"
        (rest,) = rests
        if example[name]:
            assert rest.startswith(":-"), f"{name} is optional in .env.example, but has no default"
        else:
            assert rest.startswith(":?"), f"{name} must be set, and compose should say so"


def test_defaults_and_the_example_agree() -> None:
    shown = re.findall(r"^#([A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    examples_only = {"POLYWIRE_FEEDS", "COMPOSE_PROFILES"}
    for name, value in shown:
        if name not in examples_only:
            assert f"${{{name}:-{value}}}" in TEXT, name


def test_no_secret_is_written_down() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, value in re.findall(r"^([A-Z_]*(?:PASSWORD|SECRET|TOKEN|ENCRYPTION_KEY))=(.*)$", example, re.M):
        assert not value, f"{name} has a value that people would keep"
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|ENCRYPTIONKEY", key):
                assert str(value).startswith("${"), f"{name}: {key}"


def test_images_are_pinned_and_the_engines_are_those_supported() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["kafka"] == "apache/kafka:4.3.0"
    assert images["elasticsearch"] == "docker.elastic.co/elasticsearch/elasticsearch:8.19.21"
    assert images["kibana"] == "docker.elastic.co/kibana/kibana:8.19.21"
    assert all(re.search(r":\d+\.\d+\.\d+$", image) for name, image in images.items() if name not in OURS)
    assert {service["image"] for service in OURS.values()} == {"polywire:local"}  # built from what lies here


@pytest.mark.parametrize("name", SERVICES)
def test_service_can_be_left_alone(name: str) -> None:
    """Checked, limited, restarted; what is not, says so."""
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]|\$\{ELASTICSEARCH_MEMORY:-2g\}", service["mem_limit"])
    if name in ONE_SHOT:
        assert service["healthcheck"] == {"disable": True}
        assert service["restart"] in {"on-failure", "no"}
    else:
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", STAGES)
def test_stage_is_ended_when_it_makes_no_progress(name: str) -> None:
    assert STAGES[name]["healthcheck"]["test"] == [
        "CMD", "python", "/opt/polywire/deploy/healthcheck.py", "--end-stalled",
    ]  # fmt: skip
    # The health check looks for the stage among the children of the first process.
    assert STAGES[name]["init"] is True


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_to_spare(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_dependencies_are_met_in_a_way_that_can_come_true() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert SERVICES[other]["healthcheck"].get("test")
            else:
                assert other in ONE_SHOT
    for name in STAGES:
        assert "topics" in STAGES[name]["depends_on"], f"{name} would create no topic and find none"
        if "POLYWIRE_ELASTICSEARCH_URL" in STAGES[name]["environment"]:
            assert "elasticsearch-setup" in STAGES[name]["depends_on"]


def test_no_stage_can_make_an_index_under_an_aliass_name() -> None:
    prefix = Settings.model_fields["index_prefix"].default
    assert SERVICES["elasticsearch"]["environment"]["action.auto_create_index"] == f"-{prefix}-*,+*"


def test_ports_are_open_to_this_machine_only() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_the_web_page_is_for_this_machine_by_name_too() -> None:
    """A page on the web that gives its own name the address of this machine is refused for the name."""
    names = json.loads(fill(SERVICES["web"]["environment"]["POLYWIRE_WEB_NAMES"]))
    assert set(names) == {"localhost", "127.0.0.1"}


def test_data_is_in_volumes_that_are_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])
    assert {"kafka", "elasticsearch", "kibana", "feeds"} == {n for n, s in SERVICES.items() if s.get("volumes")}


def test_kafka_listens_where_the_stages_look() -> None:
    kafka = SERVICES["kafka"]["environment"]
    listeners = dict(item.split("://") for item in kafka["KAFKA_LISTENERS"].split(","))
    advertised = dict(item.split("://") for item in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert set(advertised) == set(listeners) - {"CONTROLLER"}
    assert advertised[kafka["KAFKA_INTER_BROKER_LISTENER_NAME"]] == COMPOSE["x-bus"]["POLYWIRE_KAFKA_BOOTSTRAP"]
    protocols = dict(item.split(":") for item in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(protocols) == set(listeners)
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    cluster_id = fill(kafka["CLUSTER_ID"])
    assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
    assert SERVICES["kafka"]["volumes"] == [f"kafka-data:{kafka['KAFKA_LOG_DIRS']}"]
