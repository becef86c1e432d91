"""Jobs: queueing a picture without waiting for it, its progress, and cancelling it."""

import contextlib
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.jobs import Job, JobProgress
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import EVENT_STREAM, EventStream, Frame, error_frame
from illustrious_studio.interfaces.rest.common import JobId, StudioIn, errors, errors_of_drawing, image_link, link
from illustrious_studio.interfaces.rest.images import DrawRequest
from illustrious_studio.interfaces.shared.image_inputs import resolve_inputs
from illustrious_studio.services.studio import Studio

router = APIRouter(prefix="/jobs", tags=["Jobs"])


class QueuedJob(Job):
    """A picture that waits now."""

    others: tuple[Job, ...] = Field((), description="The second and further ones, where several were asked for.")


class JobList(BaseModel):
    """What is being drawn and what waits, in order; then what was there before, newest first."""

    active: list[JobProgress]
    recent: list[Job] = Field(description="The last jobs, active ones included.")


@router.get("", summary="List jobs", responses=errors())
async def list_jobs(studio: StudioIn, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> JobList:
    return JobList(active=studio.jobs.active(), recent=await studio.jobs.recent(limit))


@router.post("", summary="Queue a picture", status_code=202, responses=errors_of_drawing(404, 409, 503, 507))
async def queue_image(body: DrawRequest, request: Request, response: Response, studio: StudioIn) -> QueuedJob:
    """Answers at once, with seed and size settled. The job outlives this connection, and a restart of the studio."""
    wanted, origin = await resolve_inputs(body, studio), Origin(way="api", words=body.prompt)
    once = once_of(request, wanted, body.n)
    job, *others = await studio.images.start_images(wanted, body.n, origin, once=once)
    response.headers["location"] = link(request, f"/jobs/{job.id}")
    return QueuedJob(**dict(job), others=tuple(others))


@router.get("/{job_id}", summary="Where a job is", responses=errors(404))
async def read_job(job_id: JobId, studio: StudioIn) -> JobProgress:
    return await studio.jobs.progress(job_id)


@router.get(
    "/{job_id}/events", summary="Follow a job", response_class=Response, responses={**errors(404), **EVENT_STREAM}
)
async def follow_job(job_id: JobId, request: Request, studio: StudioIn) -> Response:
    """The events progress, and at the end done or error. Leaving does not disturb the job."""
    await studio.jobs.progress(job_id)
    return await EventStream.open(_frames(studio, job_id, request))


@router.delete("/{job_id}", summary="Cancel a job", status_code=204, responses=errors(404, 409))
async def cancel_job(job_id: JobId, studio: StudioIn) -> None:
    await studio.jobs.cancel(job_id)


async def _frames(studio: Studio, job_id: str, request: Request) -> AsyncGenerator[Frame, None]:
    async with contextlib.aclosing(studio.jobs.watch(job_id)) as changes:
        async for change in changes:
            preview = {"preview_base64": b64encode(change.preview).decode("ascii")} if change.preview else {}
            yield Frame(
                "progress",
                {
                    **change.model_dump(mode="json", exclude={"job"}),
                    "job_id": job_id,
                    "state": change.job.state,
                    **preview,
                },
            )
            if change.job.image_id:
                image = {"image_id": change.job.image_id, "url": image_link(request, change.job.image_id)}
                yield Frame("done", {"job_id": job_id, **image})
            elif change.job.finished:
                yield error_frame(change.job.error, change.job.error_code)
