"""Every sentence for a problem: what happened, why, what to do, and the one button that helps. Free of Qt.

The window shows a `Sentence`; the command line prints `one_line`. The wording lives here and nowhere else, so that
both say the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from klingstudio.domain.errors import Charged, Kind, Problem

if TYPE_CHECKING:
    from klingstudio.domain.budget import Balance
    from klingstudio.domain.job import CancelAnswer, State, Wait
    from klingstudio.domain.media import Caution


SAMPLE_PROMPT = "Turn the day into deep snow, keep the walker as she is"
"""What the sample clip is tried with, in the window and in the demo."""
SAVED = "Everything you compose is kept at once, also when the program is ended by force"
NOT_SAVED = "The last changes could not be written; it is tried again every few seconds and with the next change"


NO_TIME = "Write a time such as 0:01.20, 3.5 or 80f"
PART_BACKWARDS = "The end has to come after the start"


class Button(StrEnum):
    """The label of a button that helps. The window knows what each of them does."""

    NONE = ""
    CHOOSE_VIDEO = "Choose another video…"
    USE_FIRST_PART = "Use the whole clip"
    REMOVE = "Remove"
    GO_TO_PROMPT = "Go to the prompt"
    ADD_KEY = "Add key…"
    SETTINGS = "Open settings…"
    ACCOUNT_PAGE = "Open account page"
    TRY_AGAIN = "Try again"
    CONTINUE = "Continue"
    LOOK_AGAIN = "Look again"
    RUN_AGAIN = "Edit and run again"
    COPY_DETAILS = "Copy details"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A problem as a person reads it."""

    title: str
    """What happened."""
    hint: str
    """Why, and what to do."""
    button: str
    """Label of the one button that helps; empty when none does."""


_B = Button
_WORDS: dict[Kind, tuple[str, str, Button]] = {
    # the source
    Kind.SOURCE_MISSING: ("This file cannot be found", "Check its place, or choose another video.", _B.CHOOSE_VIDEO),
    Kind.SOURCE_NOT_A_FILE: (
        "This is not a file that can be read as a video",
        "Choose a video file, not a folder or a device.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_UNREADABLE: (
        "This file cannot be opened",
        "Check that you may read it, or choose another video.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_EMPTY: ("This file is empty", "It has no content at all. Choose another video.", _B.CHOOSE_VIDEO),
    Kind.SOURCE_NOT_VIDEO: ("This is not a video", "Choose an MP4, MOV or another video file.", _B.CHOOSE_VIDEO),
    Kind.SOURCE_NO_PICTURE: (
        "This file has sound but no picture",
        "Choose a file with a video track.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_DAMAGED: (
        "This video is damaged or cut off",
        "Copy or export it again, or choose another one.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_ONE_FRAME: (
        "This video is a single frame",
        "A still picture cannot be edited as a video. Choose a moving one.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_TOO_SHORT: ("This clip is too short", "Choose a longer one.", _B.CHOOSE_VIDEO),
    Kind.SOURCE_TOO_LONG: (
        "This video is longer than an hour",
        "Export the part you need, then choose that.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_CHANGED: (
        "The source changed after it was chosen",
        "Nothing was sent. Choose the file again to use it as it is now.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.SOURCE_CHANGING: (
        "The source is still being written",
        "Nothing was sent. Wait until the other program has finished it, then try again.",
        _B.TRY_AGAIN,
    ),
    Kind.SOURCE_UNFITTABLE: (
        "This picture shape does not fit",
        "Let it be padded or cropped, or choose another video.",
        _B.CHOOSE_VIDEO,
    ),
    Kind.TRIM_INVALID: (
        "The chosen part lies outside the clip",
        "Choose a start and an end inside it.",
        _B.USE_FIRST_PART,
    ),
    Kind.TRIM_TOO_LONG: ("The chosen part is too long", "Choose a shorter one.", _B.USE_FIRST_PART),
    Kind.MEDIA_WORKER_FAILED: (
        "Reading this file took too much time or memory",
        "It may be damaged. Try again or choose another file.",
        _B.TRY_AGAIN,
    ),
    Kind.PREVIEW_UNSAFE: (
        "This clip is not played here",
        "Kling Studio ended unexpectedly twice while it was opened. It can still be edited at a provider.",
        _B.CHOOSE_VIDEO,
    ),
    # words and pictures
    Kind.PROMPT_EMPTY: ("The prompt is empty", "Write what should change in the video.", _B.GO_TO_PROMPT),
    Kind.PROMPT_TOO_LONG: ("The prompt is too long", "Shorten it.", _B.GO_TO_PROMPT),
    Kind.TOKEN_WITHOUT_REFERENCE: (
        "The prompt points at something that is not there",
        "Add the picture or take the word out.",
        _B.GO_TO_PROMPT,
    ),
    Kind.REFERENCE_UNUSED: ("The prompt does not mention it", "Insert it where it belongs.", _B.GO_TO_PROMPT),
    Kind.FRONT_MISSING: ("This element needs a front picture", "Drop one on its first place.", _B.NONE),
    Kind.IMAGE_DUPLICATE: ("This is the same picture twice", "One of them is enough.", _B.REMOVE),
    Kind.IMAGE_MISSING: ("This picture cannot be found", "Check its place, or remove it.", _B.REMOVE),
    Kind.IMAGE_UNREADABLE: ("This picture cannot be opened", "It may be damaged. Use another one.", _B.REMOVE),
    Kind.IMAGE_WRONG_TYPE: ("This is not a JPEG, PNG or WebP picture", "Save it as one of these.", _B.REMOVE),
    Kind.IMAGE_TOO_SMALL: ("This picture is too small", "Use a larger one.", _B.REMOVE),
    Kind.IMAGE_TOO_LARGE: ("This picture has too many pixels", "Use a smaller version of it.", _B.REMOVE),
    Kind.IMAGE_TOO_HEAVY: ("This picture file is too large", "Save it smaller or as a JPEG.", _B.REMOVE),
    Kind.IMAGE_BAD_RATIO: ("This picture is too long and narrow", "Crop it.", _B.REMOVE),
    Kind.TOO_MANY_REFERENCES: (
        "There are more references than the model accepts",
        "Images and elements count together. Remove some.",
        _B.REMOVE,
    ),
    Kind.TOO_MANY_ANGLES: ("This element has too many angles", "Remove some of its pictures.", _B.REMOVE),
    Kind.NOT_SUPPORTED: ("This provider cannot do that", "Change the setting or choose another provider.", _B.NONE),
    Kind.SETTING_INVALID: ("This setting cannot be used", "Correct it and try again.", _B.NONE),
    # what is fetched from the web
    Kind.ADDRESS_USELESS: (
        "There is no picture or video at this address",
        "Save the file to this computer and use that, or choose another one.",
        _B.NONE,
    ),
    Kind.ADDRESS_UNREACHABLE: ("This address cannot be reached", "Check the connection.", _B.TRY_AGAIN),
    # the library
    Kind.ELEMENT_FILE_WRONG: (
        "This is not an element file",
        "Choose a file that was exported from a library, or use the pictures themselves.",
        _B.NONE,
    ),
    Kind.ELEMENT_FILE_DAMAGED: (
        "This element file is damaged or cut off",
        "Copy it again, or export it once more.",
        _B.NONE,
    ),
    Kind.ELEMENT_FILE_UNSAFE: (
        "This element file holds what does not belong there",
        "Nothing of it was used. Ask who made it for the pictures.",
        _B.NONE,
    ),
    Kind.ELEMENT_FILE_INCOMPLETE: (
        "This element file lacks a picture",
        "Export it once more.",
        _B.NONE,
    ),
    Kind.ELEMENT_FILE_TOO_LARGE: (
        "This element file is too large",
        "Use smaller pictures and export it once more.",
        _B.NONE,
    ),
    Kind.ELEMENT_FILE_TOO_NEW: (
        "This element file was made by a newer Kling Studio",
        "Update this one.",
        _B.NONE,
    ),
    Kind.ELEMENT_GONE: ("This element is no longer in the library", "Save it from a draft again.", _B.NONE),
    Kind.ELEMENT_ON_THE_WEB: (
        "Only pictures of this computer can be kept in the library",
        "Save them from the web first, and put the files into the element.",
        _B.NONE,
    ),
    # keys and money
    Kind.KEY_MISSING: ("There is no key for this provider", "Add one, or use the sandbox.", _B.ADD_KEY),
    Kind.KEY_REFUSED: ("The provider does not accept the key", "Check it or add a new one.", _B.ADD_KEY),
    Kind.KEY_NOT_KEPT: ("The key was not kept", "Set that variable, or unlock the keychain and try again.", _B.NONE),
    Kind.KEY_UNUSABLE: ("This key cannot be used", "Copy it again, without spaces or line breaks.", _B.ADD_KEY),
    Kind.OTHER_ACCOUNT: (
        "This job belongs to another account",
        "Put back the key it was sent with to carry it on.",
        _B.ADD_KEY,
    ),
    Kind.CONSENT_MISSING: (
        "The upload needs your agreement",
        "This provider makes uploaded files public. Agree to that once, or choose another provider.",
        _B.NONE,
    ),
    Kind.OVER_MAX_COST: ("This would cost more than the limit", "Use a shorter clip or raise the limit.", _B.NONE),
    Kind.OVER_APPROVAL: (
        "The price has gone up since you agreed to it",
        "Nothing was sent. Send again to agree to the new price, or stop here.",
        _B.NONE,
    ),
    Kind.OVER_BUDGET: (
        "This could spend more than your limit",
        "Raise the limit in the settings, wait, or send a shorter clip or fewer takes.",
        _B.SETTINGS,
    ),
    Kind.PRICE_UNKNOWN: (
        "The price is not known",
        "Agree to send without knowing it, or choose another provider.",
        _B.NONE,
    ),
    # the provider
    Kind.NO_CREDIT: ("The account has no credit left", "Add credit at the provider, then try again.", _B.ACCOUNT_PAGE),
    Kind.ACCOUNT_LIMIT: (
        "The account has reached its limit",
        "Wait for running edits to end, or raise the limit at the provider.",
        _B.ACCOUNT_PAGE,
    ),
    Kind.CONTENT_REFUSED: (
        "The provider's content check refused this",
        "Change the prompt, the pictures or the clip, then run again.",
        _B.RUN_AGAIN,
    ),
    Kind.INPUT_NOT_READABLE: (
        "The provider could not load the clip or a picture",
        "Run again; for an address of your own, check that anybody can open it.",
        _B.RUN_AGAIN,
    ),
    Kind.INPUT_NOT_ACCEPTED: (
        "The provider does not take the clip or a picture",
        "Change what it names, then run again.",
        _B.RUN_AGAIN,
    ),
    Kind.NOTHING_MADE: (
        "The provider's model made no video",
        "Say more plainly what should change, then run again.",
        _B.RUN_AGAIN,
    ),
    Kind.PROVIDER_FAULT: (
        "A machine of the provider failed",
        "Nothing is wrong with your edit. Run it again.",
        _B.RUN_AGAIN,
    ),
    Kind.PROVIDER_TIMEOUT: (
        "The edit took the provider too long",
        "Run it again; a shorter clip is done sooner.",
        _B.RUN_AGAIN,
    ),
    Kind.HOST_MISSING: (
        "This provider cannot host your files",
        "Choose a provider that hosts them and add its key, or use https addresses of your own.",
        _B.ADD_KEY,
    ),
    Kind.REQUEST_REJECTED: ("The provider refused the request", "Change what it names and run again.", _B.RUN_AGAIN),
    Kind.EDIT_FAILED: (
        "The edit failed at the provider",
        "Change the prompt or the pictures and run again.",
        _B.RUN_AGAIN,
    ),
    Kind.EDIT_CANCELLED: ("The edit was cancelled", "Run it again whenever you like.", _B.RUN_AGAIN),
    Kind.MODEL_GONE: (
        "The provider no longer offers this model",
        "Choose another quality or another provider.",
        _B.NONE,
    ),
    Kind.UPLOAD_REFUSED: (
        "The provider did not take the file",
        "Check the account and its storage, then try again.",
        _B.TRY_AGAIN,
    ),
    Kind.UNEXPECTED_REPLY: (
        "The provider answered in a form this program does not know",
        "Try again later; if it stays, an update is needed.",
        _B.TRY_AGAIN,
    ),
    Kind.JOB_NOT_KNOWN: (
        "The provider does not know this job",
        "Look again later, or check its own list.",
        _B.LOOK_AGAIN,
    ),
    # the way there
    Kind.NETWORK_DOWN: ("The provider cannot be reached", "Check the connection, then go on.", _B.TRY_AGAIN),
    Kind.NETWORK_SLOW: ("The provider did not answer in time", "Try again in a moment.", _B.TRY_AGAIN),
    Kind.PROVIDER_BUSY: ("The provider is busy", "Try again in a minute.", _B.TRY_AGAIN),
    Kind.CERTIFICATE_REFUSED: (
        "The connection is not safe",
        "The provider's certificate is not trusted here. Check the date of this computer and its network.",
        _B.TRY_AGAIN,
    ),
    Kind.PROXY_UNUSABLE: (
        "The proxy of this network does not let the program through",
        "Check the proxy, its name and its password in the settings of this computer, then go on.",
        _B.TRY_AGAIN,
    ),
    Kind.SUBMIT_UNCONFIRMED: (
        "It is not known whether this was ordered",
        "The answer got lost. Look in the provider's list before sending again.",
        _B.LOOK_AGAIN,
    ),
    # the take
    Kind.RESULT_GONE: (
        "The link to the finished video has expired",
        "Ask the provider for it again.",
        _B.LOOK_AGAIN,
    ),
    Kind.RESULT_DAMAGED: (
        "The video that came back is damaged",
        "It was fetched twice. Fetching it again costs nothing; show the provider what came.",
        _B.TRY_AGAIN,
    ),
    Kind.TAKE_ANOTHER: (
        "This is not that take",
        "A take is known by its content. Choose the very file that was made for this edit.",
        _B.NONE,
    ),
    Kind.TAKE_ELSEWHERE: (
        "The take lies in another folder",
        "Show it in its folder to copy it where you want it.",
        _B.NONE,
    ),
    # this computer
    Kind.DISK_FULL: ("The disk is full", "Free some space, then go on.", _B.CONTINUE),
    Kind.DISK_UNWRITABLE: (
        "A file cannot be written here",
        "Check the folder and your rights to it, then go on.",
        _B.CONTINUE,
    ),
    Kind.STUDIO_BUSY: (
        "Kling Studio is already open",
        "Another copy works on the same folder. Use that one, or close it first.",
        _B.TRY_AGAIN,
    ),
    Kind.DATABASE_TOO_NEW: (
        "These jobs were saved by a newer Kling Studio",
        "Update this one. Nothing was changed.",
        _B.NONE,
    ),
    Kind.DATABASE_DAMAGED: (
        "The list of your edits is damaged",
        "Nothing was changed. Where there is a backup it can be put back; without a window `klingstudio restore` does.",
        _B.COPY_DETAILS,
    ),
    Kind.DATABASE_ALTERED: (
        "The list of your edits is not as it was left",
        "Nothing was changed. Put a backup back, or keep it as it is and have the providers asked for what is missing.",
        _B.COPY_DETAILS,
    ),
    Kind.DATABASE_GONE: (
        "The list of your edits is not there",
        "Nothing was changed. If it lies on a drive, connect that and try again.",
        _B.TRY_AGAIN,
    ),
    Kind.JOB_UNREADABLE: (
        "This edit cannot be read",
        "It is kept as it is and left alone. If it was sent, the provider's page knows it.",
        _B.COPY_DETAILS,
    ),
    Kind.MAY_BE_SENT: (
        "This edit may have been sent since the backup",
        "Look among the newer takes and on the provider's page first: to run it again orders it once more.",
        _B.RUN_AGAIN,
    ),
    Kind.EDITS_FOUND: (
        "Edits were found that the restored list did not know",
        "They were charged when they were ordered; their takes are fetched now, without their prompts and settings.",
        _B.NONE,
    ),
    Kind.LIST_UNREAD: (
        "A provider could not be asked for newer edits",
        "What was ordered since may be missing here, and was charged. It is asked again at the next start.",
        _B.NONE,
    ),
    Kind.JOB_UNKNOWN: ("There is no such job", "Check the id in the list of jobs.", _B.NONE),
    Kind.JOB_NOT_WAITING: ("This job does not wait for an answer", "Look at where it stands now.", _B.NONE),
    Kind.COPIES_NEEDED: (
        "The uploaded copies are still needed",
        "Delete them once every edit that uses them has ended.",
        _B.NONE,
    ),
    Kind.STOPPED: ("Stopped before it was sent", "Run it again whenever you like.", _B.RUN_AGAIN),
    Kind.INTERRUPTED: ("This was interrupted", "Go on where it stopped.", _B.CONTINUE),
}
del _B

_ENDS = (".", "!", "?", "…")
_CHARGED: dict[Charged, str] = {
    Charged.NO: "not charged",
    Charged.YES: "charged",
    Charged.MAYBE: "may have been charged",
}

_PHASES: dict[str, str] = {
    # By the value of each state: the window says its first words before the states are loaded.
    "draft": "not sent",
    "preparing": "fitting",
    "prepared": "waiting to upload",
    "uploading": "uploading",
    "ready": "waiting to send",
    "submitting": "sending",
    "unconfirmed": "not confirmed",
    "remote": "editing",
    "remote_missing": "not found at the provider",
    "succeeded": "edited",
    "downloading": "downloading",
    "verifying": "checking",
    "result_unavailable": "link expired",
    "completed": "done",
    "rejected": "refused",
    "remote_failed": "failed",
    "remote_cancelled": "cancelled",
    "abandoned": "dropped",
}

_CAUTIONS: dict[str, str] = {
    # By the value of each doubt.
    "clip_long": "{value} may be too long: only {source}, takes more than {limit}",
    "clip_large": "{value} may be too large: only {source}, takes more than {limit}",
    "references_many": "{value} references may be too many: only {source}, takes more than {limit}",
}
_BRIEF_CAUTIONS: dict[str, str] = {
    "clip_long": "{value} may be too long; {limit} is safe",
    "clip_large": "{value} may be too large; {limit} is safe",
    "references_many": "{value} references may be too many; {limit} are safe",
}

_LOSSES: dict[str, str] = {
    # By the value of each lack.
    "tier": "no {amount} quality",
    "elements": "{amount} not supported",
    "hosting": "files go through another provider",
    "length": "trimmed, {amount}",
}

_CANCEL_ANSWERS: dict[str, str] = {
    # By the value of each answer.
    "stopped": "Stopped at the provider before it began.",
    "asked": "The provider was asked to stop. It may still finish, and be charged.",
    "impossible": "The provider cannot stop an edit that was sent. It goes on, and is charged if it succeeds.",
    "too_late": "Too late to cancel: it had ended. The take is fetched if there is one.",
}

_CANCELLED_WHEN: dict[str, str] = {
    "stopped": "It had not begun.",
    "asked": "It had begun when it was told to stop.",
}


def sentence(problem: Problem) -> Sentence:
    """The problem as a person reads it: what happened, then why and what to do."""
    title, advice, button = _WORDS[problem.kind]
    why = _why(problem)
    return Sentence(title, f"{_begun(why)} {advice}" if why else advice, button)


def passage(problem: Problem) -> str:
    """The whole problem as one passage: what happened, then after a colon why, then what to do."""
    title, advice, _ = _WORDS[problem.kind]
    why = problem.detail.strip()
    what = f"{title}: {why}" if why else title
    return f"{what if what.endswith(_ENDS) else what + '.'} {advice}"


def reason(problem: Problem) -> str:
    """What happened and why, at its place and without advice: `Image 2: This picture is too small: 40×40 px`."""
    if problem.kind is Kind.NOT_SUPPORTED and problem.detail:
        # Its detail is a sentence that says all of it.
        return problem.detail
    where = place(problem.subject) if problem.subject.startswith(("image", "element")) else ""
    detail = problem.detail.strip()
    title = _WORDS[problem.kind][0]
    return ": ".join(part for part in (where, title, detail) if part)


def charged(problem: Problem) -> str:
    """Whether money moved, in words."""
    return _CHARGED[problem.charged]


def one_line(problem: Problem) -> str:
    """The whole problem on one line: what - why - charged or not - what to do."""
    title, advice, _ = _WORDS[problem.kind]
    parts = [title, _why(problem).removesuffix("."), charged(problem), advice.removesuffix(".")]
    return " - ".join(" ".join(part.split()) for part in parts if part)


_MEANS = {
    "backup": (
        "A backup does not know what was ordered after it: every provider with a key is asked for that,"
        " and no edit that may have been sent is sent again by itself."
    ),
    "as-it-is": "To keep the list loses nothing that can be read in it, and the providers are asked in the same way.",
    "empty": (
        "There is no backup. An empty list knows nothing of earlier edits; your takes stay where they are,"
        " and edits of the last 30 days are looked for at every provider with a key."
    ),
}
_SET_ASIDE = "The files as they are now are set aside, never deleted."


def way_means(way: str) -> str:
    """What a way out of a list that cannot be used means, by its value."""
    return f"{_MEANS[way]} {_SET_ASIDE}" if way != "as-it-is" else _MEANS[way]


def backup(jobs: int, when: str) -> str:
    """A backup in a list of them: `20 Nov 14:31, 124 edits`."""
    return f"{when}, {_edits(jobs)}"


def restore_backup(jobs: int, when: str) -> str:
    """The label of the button."""
    return f"Restore the backup of {backup(jobs, when)}"


def still_readable(jobs: int) -> str:
    """Above what can be looked at of a list that cannot be used."""
    return f"What can be read in it: {_edits(jobs)}"


def found_again(jobs: int, provider: str, since: str) -> str:
    """What a provider's list had that the journal did not know."""
    return f"{_edits(jobs)} at {provider} since {since}" if jobs else f"No other edits at {provider} since {since}"


def _edits(jobs: int) -> str:
    return "1 edit" if jobs == 1 else f"{jobs} edits"


def offline(take: str) -> str:
    """What became of a take that is not where it was."""
    return f"{take} is not there. Connect the disk it lies on, or say where it is now."


def phase(state: State) -> str:
    """What a job is doing in this state, in one or two words."""
    return _PHASES[state.value]


def caution(caution: Caution) -> str:
    """Why something may be refused although it is sent. Names the document, whose name ends in the day it was read."""
    words = _CAUTIONS[caution.doubt.value]
    return words.format(value=caution.value, limit=caution.limit, source=caution.source)


def brief_caution(caution: Caution) -> str:
    """The same where there is little room; the whole of it stands behind."""
    return _BRIEF_CAUTIONS[caution.doubt.value].format(value=caution.value, limit=caution.limit)


def loss(lack: str, amount: str) -> str:
    """What a provider would not give of a request, by the value of its lack: `2 elements not supported`."""
    if lack == "elements":
        amount = "1 element" if amount == "1" else f"{amount} elements"
    return _LOSSES[lack].format(amount=amount)


def wait(wait: Wait | None) -> str:
    """How long an edit usually takes there, from the person's own history."""
    if wait is None:
        return "no edits yet"
    usual = f"{round(wait.usual_s / 60)} min" if wait.usual_s >= 90 else f"{max(1, round(wait.usual_s))} s"
    return f"about {usual}, from {wait.jobs} {'edit' if wait.jobs == 1 else 'edits'}"


def spent(balance: Balance) -> list[str]:
    """How a day or month stands: one sentence, and one for each part of it that is not certain."""
    which = "Today" if balance.period.value == "day" else "This month"
    of = f" of {balance.limit}" if balance.limit is not None else ", no limit"
    said = [f"{which} {balance.booked}{of}."]
    if balance.reserved.amount:
        said.append(f"{balance.reserved} of it is reserved until it is known what was charged.")
    if balance.unknown:
        edits = "1 edit" if balance.unknown == 1 else f"{balance.unknown} edits"
        said.append(f"The price of {edits} is not known.")
    return said


def cancel_answer(answer: CancelAnswer) -> str:
    """What the provider said to a cancel."""
    return _CANCEL_ANSWERS[answer.value]


def cancelled_when(answer: CancelAnswer | None) -> str:
    """How far a cancelled edit had come, as far as the answer to the cancel tells it."""
    return _CANCELLED_WHEN.get(answer.value, "") if answer is not None else ""


def part_outside(length: str) -> str:
    """A written start or end lies outside a clip of this length."""
    return f"The source goes from 0:00.00 to {length}"


def part_too_short(length_s: float, least_s: float) -> str:
    """The written part of a clip is shorter than any document accepts."""
    return f"That is {length_s:.1f} s; the least is {least_s:g} s"


def part_too_long(length_s: float, most_s: float) -> str:
    """The written part of a clip is longer than any document accepts."""
    return f"That is {length_s:.1f} s; the most is {most_s:g} s"


def details(problem: Problem) -> str:
    """Everything that is known of a problem, for who wants to see or report it: one line, then the reply as it came."""
    return "\n\n".join(part for part in (one_line(problem), problem.raw) if part)


def place(subject: str) -> str:
    """The place a problem belongs to, as the window calls it: `image:2` → `Image 2`, `element:1:0` → `Element 1, front`.

    Empty for none.
    """
    kind, _, rest = subject.partition(":")
    number, _, slot = rest.partition(":")
    if kind == "prompt":
        return "Prompt"
    part = "" if not slot else ", front" if slot == "0" else f", angle {slot}"
    return f"{kind.capitalize()} {number}{part}".strip()


def _begun(words: str) -> str:
    """With a capital, as a sentence begins; a file's name or an address is left as it is."""
    first = words.split(maxsplit=1)[0].rstrip(":")
    return words[:1].upper() + words[1:] if first.isalpha() and first.islower() else words


def _why(problem: Problem) -> str:
    where = place(problem.subject) if problem.subject.startswith(("image", "element")) else ""
    detail = problem.detail.strip()
    if problem.kind is Kind.JOB_NOT_WAITING:
        # Its detail is the state the job is in.
        detail = _PHASES.get(detail, detail)
    why = ": ".join(part for part in (where, detail) if part)
    if not why:
        return ""
    return why if why.endswith(_ENDS) else f"{why}."
