"""A job seen with a key of which nobody knows whether it is of the account that ordered it: what such a key is shown is
true, for ids and addresses of uploads are nobody else's; what it is not shown says nothing.
"""

from __future__ import annotations

from datetime import datetime

from klingstudio.domain.errors import KeyProblem, StudioError
from klingstudio.domain.job import CancelAnswer, Remote
from klingstudio.domain.price import Money
from klingstudio.providers.base import Following, Missing, RemoteJob, RemoteStatus


class Doubtful:
    """Any other answer than one about the job itself is the `doubt`: it must not be taken for the job's end."""

    def __init__(self, provider: Following, doubt: StudioError) -> None:
        self._provider = provider
        self.doubt = doubt

    async def poll(self, remote: Remote) -> RemoteStatus:
        """Where the job stands.

        Raises:
            StudioError: the doubt, where this key is not shown the job.
        """
        try:
            status = await self._provider.poll(remote)
        except KeyProblem as error:
            raise self.doubt from error
        if isinstance(status, Missing):
            raise self.doubt
        return status

    async def cancel(self, remote: Remote) -> CancelAnswer:
        """Ask the provider to stop, if it knows the job with this key.

        Raises:
            StudioError: the doubt, where this key is not shown the job.
        """
        # Without this look an answer to a stranger could be taken for "too late".
        await self.poll(remote)
        return await self._provider.cancel(remote)

    async def find(self, since: datetime) -> tuple[RemoteJob, ...]:
        """The list of this key."""
        return await self._provider.find(since)

    async def charge(self, remote: Remote) -> Money | None:
        """What the job cost, where this key is told."""
        return await self._provider.charge(remote)
