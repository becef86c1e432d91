"""Grids as the APIs share them: what is asked for, and where one is."""

from collections.abc import Callable
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from illustrious_studio.domain.grids.axes import AxisValue
from illustrious_studio.domain.grids.values import NAMES, GridAxes, GridAxis, GridProgress
from illustrious_studio.domain.jobs import JobState
from illustrious_studio.interfaces.shared.image_inputs import ImageRequestBody


class GridBody(GridAxes, ImageRequestBody):
    """A picture somebody wants, and what of its settings is varied: one to three axes."""

    @property
    def axes(self) -> GridAxes:
        return GridAxes.model_validate({name: getattr(self, name) for name in GridAxes.model_fields})


class AxisEntry(BaseModel):
    """An axis as it is drawn."""

    setting: str
    label: str = Field(description="What people call it.")
    values: list[AxisValue]
    labels: list[str] = Field(description="What stands at each of its rows or columns.")

    @classmethod
    def of(cls, axis: GridAxis) -> Self:
        return cls(setting=axis.setting, label=axis.label, values=list(axis.values), labels=axis.labels)


class CellEntry(BaseModel):
    """A picture of a grid."""

    x: int = Field(description="Which value of x it has, from 0 on.")
    y: int
    z: int
    label: str = Field(description="Its values in words.")
    job_id: str
    state: JobState
    image_id: str | None = Field(description="Its picture in the gallery, once it is drawn.")
    error: str = Field(description="Why there is no picture; empty where there is one, or will be.")


class GridEntry(BaseModel):
    """A grid, and where it is."""

    id: str
    created_at: datetime
    prompt: str
    checkpoint: str = Field(description="What draws it, where no axis says it.")
    x: AxisEntry
    y: AxisEntry | None
    z: AxisEntry | None
    pictures: int = Field(description="How many there are, or will be.")
    done: int = Field(description="How many are drawn.")
    failed: int = Field(description="How many will not be: they failed, or were cancelled.")
    finished: bool = Field(description="Whether all are over; then its sheet can be had.")
    step: int
    steps: int
    seconds_left: float | None
    held_up: str = Field(description="Why no waiting picture is drawn now, and what to do; mostly empty.")
    sheet_url: str | None = Field(description="Where its sheet is, once all pictures are over.")
    cells: list[CellEntry] = Field(description="x quickest, then y, then z.")

    @classmethod
    def of(cls, now: GridProgress, sheet_url: Callable[[str], str]) -> Self:
        grid = now.grid
        axes = {name: None if axis is None else AxisEntry.of(axis) for name, axis in zip(NAMES, grid.axes, strict=True)}
        finished = now.ended == len(now.cells)
        return cls.model_validate(
            {
                **axes,
                "id": grid.id,
                "created_at": grid.created_at,
                "prompt": grid.request.prompt,
                "checkpoint": grid.checkpoint,
                "pictures": len(now.cells),
                "done": now.done,
                "failed": now.ended - now.done,
                "finished": finished,
                "step": now.step,
                "steps": now.steps,
                "seconds_left": now.seconds_left,
                "held_up": now.held_up,
                "sheet_url": sheet_url(grid.id) if finished else None,
                "cells": [
                    {
                        **dict(zip(NAMES, cell.place, strict=True)),
                        **cell.model_dump(include={"label", "job_id", "state", "image_id", "error"}),
                    }
                    for cell in now.cells
                ],
            }
        )
