"""What goes on: progress, interrupt and skip, memory, and letting go of a checkpoint and taking it up again.

POST /internal/progress and GET /internal/pending-tasks are how A1111's own page follows a task by its id.
"""

import asyncio
from base64 import b64encode
from datetime import datetime
from typing import Any

import psutil
from fastapi import APIRouter
from pydantic import Field

from illustrious_studio.domain.encoding import to_file
from illustrious_studio.domain.jobs import Job, JobProgress
from illustrious_studio.domain.pictures import open_image
from illustrious_studio.interfaces.a1111.common import Body, StateIn
from illustrious_studio.interfaces.a1111.tasks import LONGEST_ID

router = APIRouter()
tasks_router = APIRouter()

BEGUN = 0.01
"""What A1111's progress starts at: zero says that nothing is drawn."""


@router.get("/progress")
async def progress(state: StateIn, skip_current_image: bool = False) -> dict[str, Any]:
    """Of this API's oldest request; else of what else the studio draws now."""
    if (task := state.tasks.oldest()) is not None:
        name, jobs = task.id, task.jobs
    else:
        name, jobs = "", [one.job for one in state.studio.jobs.active()[:1]]
    seen = [await state.studio.jobs.progress(job.id) for job in jobs]
    done = sum(one.job.finished for one in seen)
    now = next((one for one in seen if not one.job.finished), None)
    return {
        "progress": _share(seen),
        "eta_relative": (now.seconds_left if now else None) or 0.0,
        "state": {
            "skipped": False,
            "interrupted": False,
            "stopping_generation": False,
            "job": name or (jobs[0].id if jobs else ""),
            "job_count": len(jobs),
            "job_timestamp": timestamp(jobs[0]) if jobs else "0",
            "job_no": done,
            "sampling_step": now.step if now else 0,
            "sampling_steps": now.steps if now else 0,
        },
        "current_image": None if skip_current_image else await _preview(now),
        "textinfo": _waiting(now),
    }


class ProgressBody(Body):
    id_task: str = Field(max_length=LONGEST_ID)
    id_live_preview: int = -1
    live_preview: bool = True


@tasks_router.post("/progress")
async def task_progress(body: ProgressBody, state: StateIn) -> dict[str, Any]:
    """Of the task with this id."""
    task = state.tasks.named(body.id_task)
    seen = [await state.studio.jobs.progress(job.id) for job in task.jobs] if task else []
    now = next((one for one in seen if not one.job.finished), None)
    active = now is not None and now.job.state == "running"
    preview = await _preview(now) if body.live_preview and now and now.step > body.id_live_preview else None
    return {
        "active": active,
        "queued": task is not None and not active,
        "completed": task is None and state.tasks.has_ended(body.id_task),
        "progress": _share(seen) if active else None,
        "eta": now.seconds_left if now else None,
        "live_preview": f"data:image/png;base64,{preview}" if preview else None,
        "id_live_preview": now.step if now and preview else body.id_live_preview,
        "textinfo": _waiting(now),
    }


@tasks_router.get("/pending-tasks")
async def pending_tasks(state: StateIn) -> dict[str, Any]:
    """The ids of this API's requests that are not answered yet, oldest first."""
    tasks = [task.id for task in state.tasks.all()]
    return {"size": len(tasks), "tasks": tasks}


@tasks_router.get("/ping")
async def ping() -> dict[str, Any]:
    return {}


@router.post("/interrupt")
async def interrupt(state: StateIn) -> dict[str, Any]:
    await state.tasks.interrupt()
    return {}


@router.post("/skip")
async def skip(state: StateIn) -> None:
    await state.tasks.skip()


@router.get("/memory")
async def memory(state: StateIn) -> dict[str, Any]:
    machine, own = psutil.virtual_memory(), psutil.Process().memory_info().rss
    ram = {"free": machine.total - own, "used": own, "total": machine.total}
    status = state.studio.models.model_status().sdxl
    if status.memory is None or status.device_type != "cuda":
        return {"ram": ram, "cuda": {"error": "unavailable"}}
    card = status.memory
    system = {"free": card.total - card.used, "used": card.used, "total": card.total}
    return {"ram": ram, "cuda": {"system": system, "reserved": {"current": card.reserved}}}


@router.post("/unload-checkpoint")
async def unload_checkpoint(state: StateIn) -> dict[str, Any]:
    await state.studio.models.unload_checkpoint()
    return {}


@router.post("/reload-checkpoint")
async def reload_checkpoint(state: StateIn) -> dict[str, Any]:
    await state.studio.models.switch(checkpoint=state.studio.models.checkpoint().name)
    return {}


def timestamp(job: Job) -> str:
    """When it was asked for, in A1111's form and, as there, in local time."""
    return datetime.astimezone(job.created_at).strftime("%Y%m%d%H%M%S")


def _share(seen: list[JobProgress]) -> float:
    """How much of all these is done, 0 to 1."""
    if not seen:
        return 0.0
    done = sum(1.0 if one.job.finished else one.step / max(one.steps, 1) for one in seen)
    return max(BEGUN, min(done / len(seen), 1.0))


def _waiting(now: JobProgress | None) -> str | None:
    if now is None:
        return None
    return now.held_up or (f"In queue: {now.ahead} before it" if now.ahead else None)


async def _preview(now: JobProgress | None) -> str | None:
    """As it looks now, as a PNG in base64."""
    if now is None or now.preview is None:
        return None
    preview = now.preview
    return await asyncio.to_thread(lambda: b64encode(to_file(open_image(preview), "png")).decode("ascii"))
