"""A report in words, as the page and the terminal say them alike."""

from collections.abc import Iterator

from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.checkpoints.values import Part

SURE = {
    "hash": "sure: its hash is that of the published file",
    "file": "as the notes in its file say",
    "name": "as its name says",
    "unknown": "not known",
}
PREDICTS = {"epsilon": "the noise (epsilon)", "v_prediction": "the velocity (v-prediction)"}
BY = {"person": "as you set it", "file": "as its file says", "assumed": "assumed, its file does not say"}


def kind_row(report: CheckpointReport) -> tuple[str, str]:
    """Its family and how sure that is."""
    if report.builtin:
        return "Family", "the built-in model"
    if report.family is None:
        return "Family", f"{report.architecture}, of which family is not known"
    return "Family", f"{report.version or report.family} ({SURE[report.certainty]})"


def prediction_words(report: CheckpointReport) -> str:
    """What its UNet predicts, and who says so."""
    zero = ", zero terminal SNR" if report.zero_terminal_snr else ""
    return f"{PREDICTS[report.prediction_type]}{zero} ({BY[report.prediction_source]})"


def network_rows(report: CheckpointReport) -> Iterator[tuple[str, str]]:
    """Each of its networks, and the file as a whole."""
    for part in report.parts:
        yield part.name, f"{_count(part.parameters)} parameters, {_formats(part)}, {size_words(part.size_bytes)}"
    yield "In all", f"{_count(report.parameters)} parameters, {size_words(report.size_bytes)}"
    if not report.own_vae:
        yield "VAE", "none of its own"


def hash_rows(report: CheckpointReport) -> Iterator[tuple[str, str]]:
    """As far as they are known."""
    if report.auto_v1 is not None:
        yield "AutoV1", report.auto_v1
    if report.hashing:
        yield "AutoV2", "is being computed"
    if report.auto_v2 is not None:
        yield "AutoV2", report.auto_v2
    if report.auto_v3 is not None:
        yield "AutoV3", report.auto_v3
    if report.hashes.sha256 is not None:
        yield "SHA-256", report.hashes.sha256


def size_words(number: int) -> str:
    """Bytes as people say them."""
    if number >= 1e9:
        return f"{number / 1e9:.2f} GB"
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


def _formats(part: Part) -> str:
    """Its number format; of several, how much is in which."""
    if len(part.precision) == 1:
        return next(iter(part.precision))
    shares = ((name, 100 * number / max(part.parameters, 1)) for name, number in part.precision.items())
    return ", ".join(f"{share:.0f}% {name}" if share >= 1 else f"a little {name}" for name, share in shares)


def _count(number: int) -> str:
    if number >= 1e9:
        return f"{number / 1e9:.2f} billion"
    return f"{number / 1e6:.1f} million" if number >= 1e6 else f"{number:,}"
