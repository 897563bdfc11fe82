"""the addresses that programs use: an image in, its cells out; jobs; models; health."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from coverslip.app.jobs import BusyError, Job
from coverslip.app.service import FORMS, Asked, Cells, Service, cells_to_bytes
from coverslip.app.warm import AUTO, describe_models
from coverslip.errors import DataError
from coverslip.provenance import package_version

router = APIRouter(tags=["service"])
Form = Literal["labels", "geojson", "csv", "rois"]
Number = Annotated[int, Path(ge=1, le=2**31)]
POLL_S = 0.01


class Mistake(BaseModel):
    """What was wrong, in a sentence with the cure."""

    error: str


class Answer(BaseModel):
    """How far a job is."""

    job: int
    kind: str
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    done: int
    total: int
    seconds_left: float | None
    message: str


class Health(BaseModel):
    """That the server is well, and how much it has to do."""

    status: Literal["ok"]
    version: str
    waiting: int


MISTAKES: dict[int | str, dict[str, Any]] = {
    status: {"model": Mistake} for status in (400, 401, 403, 404, 408, 413, 422, 500, 503)
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of an image file: TIFF, PNG, JPEG, BMP, ND2, CZI or LIF.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The cells, in the form that was asked for.",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}} for _, media in FORMS.values()
        },
    }
}


def service_of(request: Request) -> Service:
    """The service that a request is for."""
    service: Service = request.app.state.service
    return service


Model = Annotated[str, Query(max_length=64, description="A model's name; auto: the best.")]
Threshold = Annotated[float | None, Query(ge=0, le=1, description="Otherwise the model's own.")]
Size = Annotated[
    float | None, Query(gt=0, le=10_000, description="The cells' usual diameter in pixels.")
]
Channel = Annotated[str | None, Query(max_length=64, description="Its number from 0, or name.")]


@router.post("/segment", responses=MISTAKES | FILES, openapi_extra=BODY, response_class=Response)
async def post_segment(
    request: Request,
    form: Annotated[Form, Query(alias="as")] = "labels",
    model: Model = AUTO,
    threshold: Threshold = None,
    cell_size: Size = None,
    channel: Channel = None,
) -> Response:
    """Find the cells in an image, and wait for them."""
    service = service_of(request)
    job = service.add(await body_of(request), Asked(model, threshold, cell_size, channel))
    await wait_for(job, request, most_s=service.most_s)
    if job.state != "done":
        raise DataError(job.message)
    found = service.result(job.number)
    service.forget(job.number)
    return await send(found, form)


@router.post(
    "/jobs", status_code=202, responses=MISTAKES, openapi_extra=BODY, response_model=Answer
)
async def post_job(
    request: Request,
    model: Model = AUTO,
    threshold: Threshold = None,
    cell_size: Size = None,
    channel: Channel = None,
) -> dict[str, Any]:
    """Have the cells of an image found; the answer comes at once, the result later."""
    service = service_of(request)
    asked = Asked(model, threshold, cell_size, channel)
    return service.add(await body_of(request), asked).to_json()


@router.get("/jobs/{number}", responses=MISTAKES, response_model=Answer)
def get_job(request: Request, number: Number) -> dict[str, Any]:
    """How far a job is."""
    return service_of(request).jobs.get(number).to_json()


@router.get("/jobs/{number}/result", responses=MISTAKES | FILES, response_class=Response)
async def get_result(
    request: Request, number: Number, form: Annotated[Form, Query(alias="as")] = "labels"
) -> Response:
    """What a job has found, as long as it is kept."""
    return await send(service_of(request).result(number), form)


@router.delete("/jobs/{number}", responses=MISTAKES, response_model=Answer)
def delete_job(request: Request, number: Number) -> dict[str, Any]:
    """Stop a job, and forget its result."""
    return service_of(request).forget(number).to_json()


@router.get("/models", responses=MISTAKES)
def get_models(request: Request) -> list[dict[str, Any]]:
    """The models that can be asked for."""
    return describe_models(service_of(request).warm)


@router.get("/health", responses=MISTAKES, response_model=Health)
def get_health(request: Request) -> dict[str, Any]:
    """That the server is well."""
    jobs = service_of(request).jobs.all()
    waiting = sum(job.state in ("waiting", "running") for job in jobs)
    return {"status": "ok", "version": package_version("coverslip"), "waiting": waiting}


async def body_of(request: Request) -> bytes:
    """The bytes of an image.

    Raises:
        DataError: there are none.
    """
    image = await request.body()
    if not image:
        raise DataError("no image: send the bytes of an image file as the body of the request.")
    return image


async def wait_for(job: Job, request: Request, *, most_s: float) -> None:
    """Wait until a job is over; where the client is gone, it is stopped.

    Raises:
        BusyError: it takes too long.
    """
    loop = asyncio.get_running_loop()
    gives_up = loop.time() + most_s
    while not job.is_over.is_set():
        await asyncio.sleep(POLL_S)
        if loop.time() > gives_up:
            job.request_stop()
            raise BusyError(
                f"the image was not done within {most_s:g} s: use POST /jobs, and ask for the "
                "result later."
            )
        if await request.is_disconnected():
            job.request_stop()
            raise DataError("the client is gone.")


async def send(found: Cells, form: Form) -> Response:
    """The cells as a file."""
    data = await asyncio.to_thread(cells_to_bytes, found, form)
    name, media = FORMS[form]
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Cells": str(len(found.table)),
        "X-Model": found.model,
    }
    return Response(data, media_type=media, headers=headers)
