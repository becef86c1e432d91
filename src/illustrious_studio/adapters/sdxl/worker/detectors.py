"""Finding things in a picture by a YOLO model (YOLOv8, YOLO11) as an ONNX file, on the processor.

How a picture is given to it and what its answer means is ultralytics' way (`ultralytics/data/augment.py` LetterBox,
`ultralytics/utils/nms.py`, `ultralytics/utils/ops.py`): the picture is scaled into a square with grey around it; of
boxes that cover each other by more than 0.7 the surest stays, each kind of thing for itself.
"""

from typing import TYPE_CHECKING, Any

from PIL import Image

from illustrious_studio.adapters import onnx_files
from illustrious_studio.domain.details import DetectorFile, Found
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture

if TYPE_CHECKING:
    import numpy
    from torch import Tensor

    Numbers = numpy.ndarray[Any, numpy.dtype[numpy.float32]]
else:
    Numbers = Any

GREY = 114
"""Around the picture."""
OVERLAP = 0.7
MOST_FOUND = 300
"""ultralytics' own (`iou`, `max_det`)."""
MOST_LOOKED_AT = 30_000
COORDINATES = 4


class Detectors:
    """Keeps the one that was used last."""

    def __init__(self) -> None:
        self._file: DetectorFile | None = None
        self._session: Any = None

    def find(self, file: DetectorFile, picture: Picture, confidence: float) -> list[Found]:
        """What it finds, the surest first. Raises InvalidRequest for a file that is no detector after all."""
        letter = _Letter(picture, file.side)
        try:
            if file != self._file:
                self._session, self._file = None, None
                self._session = _session(file)
                self._file = file
            answers = self._session.run(None, {self._session.get_inputs()[0].name: letter.pixels})
            return found_in(answers, letter, confidence, file.finds)
        except onnx_files.faults() as error:
            reason = " ".join(str(error).replace(str(file.path), file.path.name).split())[:300].rstrip(".")
            raise InvalidRequest(
                f"The detector {file.name} cannot be used: {reason}. Choose another one, or export it again."
            ) from error

    def release(self) -> None:
        self._session = self._file = None


def _session(file: DetectorFile) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # it would hold what a run takes in passing
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file.path, options, providers=["CPUExecutionProvider"])


class _Letter:
    """A picture as a detector sees it: scaled into a square, in its middle, with grey around it."""

    def __init__(self, picture: Picture, side: int) -> None:
        import numpy
        import torch

        self.size = picture.width, picture.height
        self.side = side
        self.scale = min(side / picture.height, side / picture.width)
        self.seen = round(picture.width * self.scale), round(picture.height * self.scale)
        self.left, self.top = (round((side - length) / 2 - 0.1) for length in self.seen)
        pixels = torch.from_numpy(numpy.array(picture.image())).permute(2, 0, 1)[None].float()
        scaled = _scaled(pixels, (self.seen[1], self.seen[0])).round()
        whole = torch.full((1, 3, side, side), float(GREY))
        whole[..., self.top : self.top + self.seen[1], self.left : self.left + self.seen[0]] = scaled
        self.pixels: Numbers = (whole / 255).numpy()

    def box(self, edges: Numbers) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in the picture's own pixels."""
        left, right = ((float(edges[at]) - self.left) / self.scale for at in (0, 2))
        top, bottom = ((float(edges[at]) - self.top) / self.scale for at in (1, 3))
        width, height = self.size
        return (
            min(max(left, 0.0), width), min(max(top, 0.0), height),
            min(max(right, 0.0), width), min(max(bottom, 0.0), height),
        )  # fmt: skip

    def outline(self, share: "Tensor", box: tuple[float, float, float, float]) -> Image.Image:
        """The grey picture of a mask over the square (above 0 it is the thing), within its box."""
        square = _scaled(share[None, None], (self.side, self.side))
        seen = square[..., self.top : self.top + self.seen[1], self.left : self.left + self.seen[0]]
        inside = _scaled(seen, (self.size[1], self.size[0]))[0, 0] > 0
        whole = Image.new("L", self.size)
        edges = round(box[0]), round(box[1]), round(box[2]), round(box[3])
        whole.paste(Image.fromarray(inside.numpy()).convert("L").crop(edges), edges[:2])
        return whole


def _scaled(pixels: "Tensor", size: tuple[int, int]) -> "Tensor":
    """As OpenCV's linear one, which looks at four pixels however much smaller it becomes."""
    import torch

    return torch.nn.functional.interpolate(pixels, size, mode="bilinear", align_corners=False)


def found_in(answers: list[Numbers], letter: _Letter, confidence: float, names: tuple[str, ...]) -> list[Found]:
    """What a model's answers mean.

    `answers`: (1, 4 + kinds + masks, places), where each place has centre and size of a box in pixels of the square,
    how sure it is of each kind of thing, and the weights of its mask; and for outlines (1, masks, height, width), of
    which masks are weighted sums.
    """
    import torch

    rows = torch.from_numpy(answers[0][0].T.copy()).float()
    protos = torch.from_numpy(answers[1][0].copy()).float() if len(answers) > 1 else None
    weights = 0 if protos is None else len(protos)
    kinds = rows.shape[1] - COORDINATES - weights
    if kinds < 1:
        raise ValueError("its answer has no boxes")
    sure, kind = rows[:, COORDINATES : COORDINATES + kinds].max(dim=1)
    surest = sure.argsort(descending=True, stable=True)
    surest = surest[sure[surest] > confidence][:MOST_LOOKED_AT]
    centre, half = rows[surest, :2], rows[surest, 2:COORDINATES] / 2
    edges = torch.cat([centre - half, centre + half], dim=1)
    found: list[Found] = []
    for place in _apart(edges, kind[surest]):
        number, box = int(surest[place]), letter.box(edges[place].numpy())
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        outline = None
        if protos is not None:
            outline = letter.outline(torch.einsum("m,mhw->hw", rows[number, COORDINATES + kinds :], protos), box)
        which = int(kind[number])
        found.append(Found(box, outline, names[which] if which < len(names) else str(which)))
    return found


def _apart(edges: "Tensor", kinds: "Tensor") -> list[int]:
    """Which boxes stay, the surest first: those that no surer one of their kind covers (non-maximum suppression)."""
    import torch

    stay: list[int] = []
    left = torch.arange(len(edges))
    areas = (edges[:, 2:] - edges[:, :2]).clamp(min=0).prod(dim=1)
    while len(left) and len(stay) < MOST_FOUND:
        first, others = left[0], left[1:]
        stay.append(int(first))
        low, high = (
            torch.maximum(edges[first, :2], edges[others, :2]),
            torch.minimum(edges[first, 2:], edges[others, 2:]),
        )
        shared = (high - low).clamp(min=0).prod(dim=1)
        covered = shared / (areas[first] + areas[others] - shared).clamp(min=1e-7) > OVERLAP
        left = others[~(covered & (kinds[others] == kinds[first]))]
    return stay
