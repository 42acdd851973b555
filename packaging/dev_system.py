"""The system's own packages: which are needed, which are missing, and how they are installed."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from enum import Enum
from pathlib import Path

from dev_report import SetUpFailed, run_quietly, say

# Found with ldd on Qt's libraries and plugins, then by running in a bare installation. Where a package has changed
# its name, the names stand side by side.
TO_RUN = (
    # widgets, fonts, keychain
    "ca-certificates libgl1 libegl1 libfontconfig1 libdbus-1-3 libglib2.0-0t64|libglib2.0-0 libxkbcommon0 "
    "fonts-dejavu-core fonts-inter "
    # sound and video
    "libpulse0 libdrm2 libxext6 libxrandr2 libgssapi-krb5-2 "
    # a window under X11
    "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-xkb1"
).split()


class Purpose(Enum):
    """What something beyond the program itself is needed for: packages on Debian and Ubuntu, and their programs."""

    RUN = ("", "")
    TEST = (
        "xvfb openbox xdotool dbus dbus-user-session gnome-keyring pulseaudio pulseaudio-utils",
        "Xvfb openbox xdotool dbus-run-session dbus-send gnome-keyring-daemon pulseaudio parec pactl",
    )
    # The players that ours is measured against.
    BENCH = ("xvfb ffmpeg mpv", "Xvfb ffmpeg mpv")

    @property
    def packages(self) -> list[str]:
        """As apt-get knows them."""
        return self.value[0].split()

    @property
    def programs(self) -> list[str]:
        """Without them some of it cannot run."""
        return self.value[1].split()


_NOT_BESIDE = {"pulseaudio": "pipewire-pulse"}
"""Left out where the other one is installed: it would take over the sound of somebody's desktop."""

# Written from these systems' package lists.
_ELSEWHERE = {
    "dnf": (
        "dnf install mesa-libGL mesa-libEGL libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms "
        "xcb-util-renderutil xcb-util-wm pulseaudio-libs rsms-inter-fonts",
        {
            Purpose.TEST: "xorg-x11-server-Xvfb openbox xdotool dbus-daemon dbus-tools gnome-keyring pulseaudio-utils",
            Purpose.BENCH: "xorg-x11-server-Xvfb ffmpeg-free mpv",
        },
    ),
    "pacman": (
        "pacman -S --needed libglvnd libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms "
        "xcb-util-renderutil xcb-util-wm libpulse inter-font",
        {
            Purpose.TEST: "xorg-server-xvfb openbox xdotool dbus gnome-keyring",
            Purpose.BENCH: "xorg-server-xvfb ffmpeg mpv",
        },
    ),
}


def install_missing(purpose: Purpose) -> None:
    """Install what is missing where we may (as root on Debian and Ubuntu); else say which command does it."""
    if not sys.platform.startswith("linux"):
        return
    if not _is_debian():
        _say_elsewhere(purpose)
        return
    wanted = TO_RUN + purpose.packages
    if importlib.util.find_spec("ensurepip") is None:
        # Debian takes the module that makes environments out of Python.
        wanted = [*wanted, f"python3.{sys.version_info.minor}-venv"]
    missing = _missing(wanted)
    if not missing:
        say("system packages: all there")
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends"]
    if os.geteuid() != 0:
        names = [name.split("|")[-1] for name in missing]
        say("system packages: some are missing, and installing them takes the system's administrator:")
        say("    sudo apt-get update && sudo " + shlex.join([*install, *names]))
        return
    say(f"system packages: installing {len(missing)}: {' '.join(name.split('|')[-1] for name in missing)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = run_quietly(["apt-get", "-o", "Acquire::Retries=2", "update"], environ)
    names = [_offered(name) for name in missing]
    done = run_quietly([*install, *names], environ)
    if done.code != 0:
        words = (update.output if update.code else "") + done.output
        raise SetUpFailed(f"{words[-2000:]}\napt-get could not install the system packages; its last words are above.")
    say(f"system packages: installed in {update.took_s + done.took_s:.0f} s")


def missing_programs(purpose: Purpose) -> list[str]:
    """What some of it cannot run without."""
    return [name for name in purpose.programs if shutil.which(name) is None]


def _is_debian() -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    words = {
        word
        for line in release.splitlines()
        if line.startswith(("ID=", "ID_LIKE="))
        for word in line.partition("=")[2].strip("\"'").split()
    }
    return bool(words & {"debian", "ubuntu"}) and all(shutil.which(name) for name in ("apt-get", "dpkg-query"))


def _missing(wanted: list[str]) -> list[str]:
    listed = run_quietly(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"]).output
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    unwanted = {name for name, other in _NOT_BESIDE.items() if other in installed}
    return [names for names in wanted if not (installed | unwanted).intersection(names.split("|"))]


def _offered(names: str) -> str:
    """The one of several names that this release of the system has."""
    *newer, oldest = names.split("|")
    for name in newer:
        if run_quietly(["apt-cache", "show", "--no-all-versions", name]).code == 0:
            return name
    return oldest


def _say_elsewhere(purpose: Purpose) -> None:
    missing = missing_programs(purpose)
    if not missing:
        return
    for program, (to_run, more) in _ELSEWHERE.items():
        if shutil.which(program):
            say("system packages: some of these may be missing; this command installs them:")
            say(f"    sudo {to_run} {more[purpose]}")
            return
    say(f"system packages: these programs are missing for some of it: {' '.join(missing)}")


def how_to_get_libraries() -> str:
    """The command that installs the libraries of a window, where one is known."""
    if _is_debian():
        return "sudo apt-get install --no-install-recommends " + " ".join(name.split("|")[-1] for name in TO_RUN)
    return next((f"sudo {to_run}" for program, (to_run, _) in _ELSEWHERE.items() if shutil.which(program)), "")
