"""Lists the datasets a publisher has, without fetching any."""

from __future__ import annotations

import time
from collections import deque
from functools import partial

from dagster_project.fetch.client import Client, RetryPolicy, gateway_of
from dagster_project.fetch.keys import key_of
from dagster_project.fetch.quota import Quota
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import Available, Refused, Selection

# Lists of datasets are short; more pages than this are a publisher's mistake.
_MOST_REQUESTS = 200


def ask_available(
    settings: Settings,
    source_id: str,
    selection: Selection,
    *,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 (it is frozen)
) -> tuple[Available, ...]:
    """The datasets a publisher has for a selection; none where it keeps no list.

    Raises:
        SelectionError: the source is not fetched, or has no such data.
        SettingsError: the key, the keys file or the gateway cannot be used.
        ReplyError: the publisher does not answer, or refuses the request.
    """
    connector = catalog.connector_of(source_id)
    key, gateway = key_of(settings, source_id), gateway_of(settings, source_id)
    quota = Quota(
        settings.fetching / "quota",
        source_id,
        connector.about.limits,
        has_key=key is not None,
        sleep=lambda seconds: time.sleep(seconds * retry.scale),
    )
    waiting = deque(connector.survey(selection, settings.seeds))
    replies: dict[str, bytes] = {}
    with Client(connector.about, key, gateway, quota, retry=retry) as client:
        while waiting:
            if len(replies) == _MOST_REQUESTS:
                raise Refused(
                    f"{source_id}: listing the datasets takes more than {_MOST_REQUESTS} requests."
                    " Select fewer reporters or periods."
                )
            chunk = waiting.popleft()
            examined = client.fetch(chunk.request, partial(connector.classify_reply, chunk))
            if examined.is_whole:
                replies[chunk.name] = examined.content
            waiting.extend(one for one in examined.more if one.name not in replies)
    return connector.available(replies) if replies else ()
