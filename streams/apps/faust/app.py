"""A Faust app that loses nothing: its settings, and the topics behind its tables."""

from __future__ import annotations

from typing import Any

import faust

from runtime.bus.clients import REQUEST_BYTES, client_id, ssl_context
from runtime.settings import Settings
from schemas.topics import Topic
from streams.apps.faust.consumer import StageConsumer
from streams.apps.faust.lease import Lease
from streams.apps.faust.progress import Progress
from streams.apps.faust.recovery import PatientTableManager
from streams.apps.faust.tables import ConfirmedTable


class StageApp(faust.App):  # type: ignore[misc, unused-ignore]
    """A Faust app that commits what its stage says it has handled."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.progress = Progress()
        # Well before the broker may give the partitions to somebody else.
        self.lease = Lease(self.conf.broker_session_timeout * 2 / 3)

    def _new_consumer(self) -> Any:
        self.transport.Consumer = StageConsumer  # type: ignore[misc]
        return super()._new_consumer()


def changelog(stage: str, table: str, partitions: int) -> Topic:
    """The topic behind a Faust table, as it must be created: compacted, and as many partitions as the source."""
    return Topic(
        f"polywire-{stage}-{table}-changelog", "as the table's", partitions, "compact", None,
        f"State of {stage}.", (stage,), (stage,),
    )  # fmt: skip


def make_app(name: str, settings: Settings) -> StageApp:
    """The app of a stage, which reads from where its group left off and creates no topic by itself."""
    credentials: Any = None
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_password
        credentials = faust.SASLCredentials(
            username=settings.kafka_username,
            password=password.get_secret_value() if password else None,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    elif context is not None:
        credentials = faust.SSLCredentials(context)
    return StageApp(
        f"polywire-{name}",
        broker=[f"aiokafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=credentials,
        broker_client_id=client_id(name),
        broker_commit_interval=1.0,
        # A worker killed without a goodbye is replaced after this long.
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=REQUEST_BYTES,
        producer_max_request_size=REQUEST_BYTES,
        producer_linger=0.0,
        store="memory://",
        Table=ConfirmedTable,
        TableManager=PatientTableManager,
        datadir=str(settings.state_dir.absolute() / "faust" / name),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        loghandlers=[],
    )
