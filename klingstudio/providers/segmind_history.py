"""Segmind's request history, which only its own client documents: read by what the rows hold, not by how they are wrapped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from klingstudio.domain.errors import UnexpectedReply
from klingstudio.domain.job import Remote
from klingstudio.net.reply import Reply, moment
from klingstudio.providers.base import RemoteJob


def row_of(reply: Reply, remote: Remote) -> Mapping[str, object]:
    """The history's row of one job, bare or in an envelope."""
    tree = reply.tree()
    candidates = [tree, *tree.values()] if isinstance(tree, dict) else []
    for row in candidates:
        if isinstance(row, dict) and row.get("request_id") == remote.id:
            return row
    raise UnexpectedReply("the history does not tell of this request", raw=reply.raw())


def rows_of(reply: Reply) -> list[Mapping[str, object]]:
    """The rows of a page of the history. Nobody documents what the list is called, so it is the first one there is."""
    tree = reply.tree()
    places = [tree, *tree.values()] if isinstance(tree, dict) else [tree]
    places += [inner for place in places if isinstance(place, dict) for inner in place.values()]
    for place in places:
        if isinstance(place, list):
            rows: list[Mapping[str, object]] = [row for row in place if isinstance(row, dict)]
            if rows and not any(isinstance(row.get("request_id"), str) for row in rows):
                # Not that it is empty: nobody can tell what is in it.
                raise UnexpectedReply("a history without the id of a single request", raw=reply.raw())
            return rows
    raise UnexpectedReply("no list in the history", raw=reply.raw())


def jobs_in(rows: Sequence[Mapping[str, object]]) -> Iterator[RemoteJob]:
    """The rows that show what was ordered; the others could belong to any order."""
    for row in rows:
        remote_id, body = row.get("request_id"), row.get("request_body")
        if isinstance(body, str):
            try:
                body = json.loads(body)
            except (ValueError, RecursionError):
                continue
        video = body.get("video_url") if isinstance(body, dict) else None
        if isinstance(remote_id, str) and remote_id and isinstance(video, str):
            yield RemoteJob(remote_id, video, moment(row.get("model_created") or row.get("created_at")))
