"""What can go wrong, as a value with a kind, and the exceptions that carry it.

::

    StudioError                 a problem the program knows; anything else that is raised is a bug
    ├── InputRefused            the user's file, picture, prompt or setting cannot be used; nothing was sent
    ├── KeyProblem              no key, or the provider does not accept it
    ├── SpendingRefused         the price is unknown or above the cap; nothing was sent
    ├── ProviderRefused         the provider answered no
    ├── NetworkProblem          the provider could not be reached or did not answer; nothing was ordered
    ├── UnexpectedReply         an answer came, but not in the provider's documented form
    ├── SubmitUnconfirmed       a paid request may have been accepted; only the provider knows
    ├── ResultGone              the finished video can no longer be fetched from its link
    ├── DiskProblem             a file could not be written
    └── StudioBusy              another copy of the program works on the same data folder

The sentence a person reads is made from the kind in `ui/text.py`; `detail` is only the part that varies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """Every problem that has a sentence of its own."""

    # the source
    SOURCE_MISSING = "source_missing"
    SOURCE_NOT_A_FILE = "source_not_a_file"
    SOURCE_UNREADABLE = "source_unreadable"
    SOURCE_EMPTY = "source_empty"
    SOURCE_NOT_VIDEO = "source_not_video"
    SOURCE_NO_PICTURE = "source_no_picture"
    SOURCE_DAMAGED = "source_damaged"
    SOURCE_ONE_FRAME = "source_one_frame"
    SOURCE_TOO_SHORT = "source_too_short"
    SOURCE_TOO_LONG = "source_too_long"
    SOURCE_CHANGED = "source_changed"
    SOURCE_CHANGING = "source_changing"
    SOURCE_UNFITTABLE = "source_unfittable"
    TRIM_INVALID = "trim_invalid"
    TRIM_TOO_LONG = "trim_too_long"
    MEDIA_WORKER_FAILED = "media_worker_failed"
    PREVIEW_UNSAFE = "preview_unsafe"
    # words and pictures
    PROMPT_EMPTY = "prompt_empty"
    PROMPT_TOO_LONG = "prompt_too_long"
    TOKEN_WITHOUT_REFERENCE = "token_without_reference"
    REFERENCE_UNUSED = "reference_unused"
    FRONT_MISSING = "front_missing"
    IMAGE_DUPLICATE = "image_duplicate"
    IMAGE_MISSING = "image_missing"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_WRONG_TYPE = "image_wrong_type"
    IMAGE_TOO_SMALL = "image_too_small"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_TOO_HEAVY = "image_too_heavy"
    IMAGE_BAD_RATIO = "image_bad_ratio"
    TOO_MANY_REFERENCES = "too_many_references"
    TOO_MANY_ANGLES = "too_many_angles"
    NOT_SUPPORTED = "not_supported"
    SETTING_INVALID = "setting_invalid"
    # what is fetched from the web
    ADDRESS_USELESS = "address_useless"
    ADDRESS_UNREACHABLE = "address_unreachable"
    # the library
    ELEMENT_FILE_WRONG = "element_file_wrong"
    ELEMENT_FILE_DAMAGED = "element_file_damaged"
    ELEMENT_FILE_UNSAFE = "element_file_unsafe"
    ELEMENT_FILE_INCOMPLETE = "element_file_incomplete"
    ELEMENT_FILE_TOO_LARGE = "element_file_too_large"
    ELEMENT_FILE_TOO_NEW = "element_file_too_new"
    ELEMENT_GONE = "element_gone"
    ELEMENT_ON_THE_WEB = "element_on_the_web"
    # keys and money
    KEY_MISSING = "key_missing"
    KEY_REFUSED = "key_refused"
    KEY_UNUSABLE = "key_unusable"
    KEY_NOT_KEPT = "key_not_kept"
    OTHER_ACCOUNT = "other_account"
    CONSENT_MISSING = "consent_missing"
    OVER_MAX_COST = "over_max_cost"
    OVER_APPROVAL = "over_approval"
    OVER_BUDGET = "over_budget"
    PRICE_UNKNOWN = "price_unknown"
    # the provider
    NO_CREDIT = "no_credit"
    ACCOUNT_LIMIT = "account_limit"
    REQUEST_REJECTED = "request_rejected"
    CONTENT_REFUSED = "content_refused"
    INPUT_NOT_READABLE = "input_not_readable"
    INPUT_NOT_ACCEPTED = "input_not_accepted"
    NOTHING_MADE = "nothing_made"
    PROVIDER_FAULT = "provider_fault"
    PROVIDER_TIMEOUT = "provider_timeout"
    EDIT_FAILED = "edit_failed"
    EDIT_CANCELLED = "edit_cancelled"
    MODEL_GONE = "model_gone"
    UPLOAD_REFUSED = "upload_refused"
    HOST_MISSING = "host_missing"
    UNEXPECTED_REPLY = "unexpected_reply"
    JOB_NOT_KNOWN = "job_not_known"
    # the way there
    NETWORK_DOWN = "network_down"
    NETWORK_SLOW = "network_slow"
    PROVIDER_BUSY = "provider_busy"
    CERTIFICATE_REFUSED = "certificate_refused"
    PROXY_UNUSABLE = "proxy_unusable"
    SUBMIT_UNCONFIRMED = "submit_unconfirmed"
    # the take
    RESULT_GONE = "result_gone"
    RESULT_DAMAGED = "result_damaged"
    TAKE_ANOTHER = "take_another"
    TAKE_ELSEWHERE = "take_elsewhere"
    # this computer
    DISK_FULL = "disk_full"
    DISK_UNWRITABLE = "disk_unwritable"
    STUDIO_BUSY = "studio_busy"
    DATABASE_TOO_NEW = "database_too_new"
    DATABASE_DAMAGED = "database_damaged"
    DATABASE_ALTERED = "database_altered"
    DATABASE_GONE = "database_gone"
    JOB_UNREADABLE = "job_unreadable"
    MAY_BE_SENT = "may_be_sent"
    EDITS_FOUND = "edits_found"
    LIST_UNREAD = "list_unread"
    JOB_UNKNOWN = "job_unknown"
    JOB_NOT_WAITING = "job_not_waiting"
    COPIES_NEEDED = "copies_needed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


TRIED_AS_IT_IS = frozenset(
    {Kind.INTERRUPTED, Kind.OVER_BUDGET, Kind.SOURCE_CHANGING, Kind.DISK_FULL, Kind.DISK_UNWRITABLE}
)
"""Nothing is wrong with an edit that rests because of these: one press tries the same one again."""


class Charged(StrEnum):
    """Whether money moved, as far as this computer can know."""

    NO = "no"
    YES = "yes"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that went wrong, ready to be stored, shown or printed."""

    kind: Kind
    detail: str = ""
    """The part that varies: a file name, a limit, the provider's own (redacted) words."""
    subject: str = ""
    """What it is about, so that it can be shown at the place: `source`, `prompt`, `image:2`, `element:1`, `key`."""
    charged: Charged = Charged.NO
    raw: str = ""
    """The provider's reply as it came, redacted and shortened, for who wants to see it. Empty: there was none."""


class StudioError(Exception):
    """A problem the program knows."""

    def __init__(
        self, kind: Kind, detail: str = "", *, subject: str = "", charged: Charged = Charged.NO, raw: str = ""
    ) -> None:
        super().__init__(kind, detail)
        self.problem = Problem(kind=kind, detail=detail, subject=subject, charged=charged, raw=raw)

    def __str__(self) -> str:
        return f"{self.problem.kind}: {self.problem.detail}" if self.problem.detail else str(self.problem.kind)

    def about(self, subject: str) -> StudioError:
        """The same error, now naming the place it belongs to."""
        self.problem = replace(self.problem, subject=subject)
        return self


class InputRefused(StudioError):
    """The user's file, picture, prompt or setting cannot be used; nothing was sent."""


class KeyProblem(StudioError):
    """There is no key, or the provider does not accept it."""


class SpendingRefused(StudioError):
    """The price is unknown or above the cap; nothing was sent."""


class ProviderRefused(StudioError):
    """The provider answered no."""


class NetworkProblem(StudioError):
    """The provider could not be reached or did not answer; nothing was ordered by this call."""

    def __init__(self, kind: Kind, detail: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(kind, detail)
        self.retry_after_s = retry_after_s
        """Seconds the provider asked us to wait, already clamped; None where it did not say."""


class UnexpectedReply(StudioError):
    """An answer came, but not in the provider's documented form."""

    def __init__(self, detail: str, *, raw: str = "") -> None:
        super().__init__(Kind.UNEXPECTED_REPLY, detail, raw=raw)


class SubmitUnconfirmed(StudioError):
    """A paid request may have been accepted; only the provider knows."""

    def __init__(self, detail: str, *, raw: str = "") -> None:
        super().__init__(Kind.SUBMIT_UNCONFIRMED, detail, charged=Charged.MAYBE, raw=raw)


class ResultGone(StudioError):
    """The finished video can no longer be fetched from its link."""


class DiskProblem(StudioError):
    """A file could not be written."""


class StudioBusy(StudioError):
    """Another copy of the program works on the same data folder."""
