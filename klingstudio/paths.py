"""Where the program keeps its things. Pure functions: nothing is created, neither on import nor by a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "KLINGSTUDIO_HOME"
_APP = "klingstudio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The folders of one installation. Whoever writes into one makes it first."""

    data: Path
    """What must never be lost: the journal of paid jobs and the settings."""
    cache: Path
    """What can be made again. May be deleted while the program is not running."""
    logs: Path
    takes: Path
    """Where finished videos go unless the person names another place."""

    @property
    def database(self) -> Path:
        return self.data / "studio.sqlite3"

    @property
    def lock(self) -> Path:
        """Held by the one running program that may carry jobs on."""
        return self.data / "studio.lock"

    @property
    def bell(self) -> Path:
        """The socket on which the running window hears that the program is started again."""
        return self.data / "studio.bell"

    @property
    def work(self) -> Path:
        """Clips on their way to a provider and takes that are not verified yet."""
        return self.cache / "work"

    @property
    def fits(self) -> Path:
        """Clips that were made to fit, by what they were made from and how."""
        return self.cache / "fits"

    @property
    def sources(self) -> Path:
        """Sources that were fetched from the person's own addresses; takes are compared with them."""
        return self.data / "sources"

    @property
    def frames(self) -> Path:
        """Frames of clips that became reference images; they stay as long as a job or a draft speaks of them."""
        return self.data / "frames"

    @property
    def refuge(self) -> Path:
        """Takes whose own folder could not be written when they came."""
        return self.data / "takes"

    @property
    def damaged(self) -> Path:
        """What came as a result and does not decode as a whole; it was paid for, and no service keeps it for long."""
        return self.data / "damaged"

    @property
    def library(self) -> Path:
        """Pictures of the elements that are kept to be used again, each under the name of its content."""
        return self.data / "library"

    @property
    def pictures(self) -> Path:
        """Pictures that were made for a draft: edited ones, and those that came without a file."""
        return self.data / "pictures"

    @property
    def samples(self) -> Path:
        """The sample clip, drawn on first use."""
        return self.cache / "samples"


def paths(environ: Mapping[str, str]) -> Paths:
    """The folders to use: below `KLINGSTUDIO_HOME` where that is set, else the system's own places."""
    if home := environ.get(HOME_VARIABLE, "").strip():
        root = Path(home).expanduser().absolute()
        return Paths(data=root / "data", cache=root / "cache", logs=root / "logs", takes=root / "takes")

    import platformdirs

    return Paths(
        data=platformdirs.user_data_path(_APP, appauthor=False),
        cache=platformdirs.user_cache_path(_APP, appauthor=False),
        logs=platformdirs.user_log_path(_APP, appauthor=False),
        takes=platformdirs.user_videos_path() / "Kling Studio",
    )


def resource(name: str) -> Path:
    """A file or folder that belongs to the program, such as `icons/play.svg`.

    In a wheel the resources lie inside the package, in a checkout beside it.

    Raises:
        FileNotFoundError: there is no such resource; the installation is damaged or the name is wrong.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "resources", package.parent / "resources"):
        place = folder / name
        if place.exists() and place.resolve().is_relative_to(folder):
            return place
    raise FileNotFoundError(f"no resource named {name}")
