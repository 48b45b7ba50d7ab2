"""ISO and disk files, and uploads that go on where they were cut off."""

from pathlib import Path
from typing import Annotated

from fastapi import Header
from starlette.requests import ClientDisconnect, Request

from webvdi.base.errors import Refused
from webvdi.portal.api import models
from webvdi.portal.api.routing import TheCaller, TheSite, owners_router, problems
from webvdi.portal.guard import allow_body
from webvdi.portal.problems import WrongOffset

owners = owners_router("images")

MAX_PIECE_BYTES = 16 << 20
"""Of one PATCH: so much is sent again at most when a connection breaks."""


@owners.get("/images", summary="List the images")
async def image_list(site: TheSite) -> list[models.Image]:
    """The ISO and disk files in our keeping."""
    return [models.Image.model_validate(image) for image in await site.use_cases.images.list()]


@owners.post(
    "/images", status_code=201, summary="Take in a file of the host", responses=problems(409, 413)
)
async def image_add(site: TheSite, caller: TheCaller, wanted: models.NewImage) -> models.Image:
    """Copy a file of the host into our keeping; only on the owner's socket."""
    if not caller.local:
        raise Refused(
            "files of the host can be named only on the host itself; upload the file instead",
            reason="host_paths",
        )
    image = await site.use_cases.images.add(Path(wanted.path), name=wanted.name)
    return models.Image.model_validate(image)


@owners.delete(
    "/images/{image}", status_code=204, summary="Delete an image", responses=problems(404, 409)
)
async def image_delete(site: TheSite, image: str) -> None:
    """Remove an image that no machine needs."""
    await site.use_cases.images.delete(image)


@owners.get("/uploads", summary="List unfinished uploads")
async def upload_list(site: TheSite) -> list[models.Upload]:
    """The uploads that are not complete; they are kept for a week."""
    uploads = await site.use_cases.images.uploads()
    return [models.Upload.model_validate(upload) for upload in uploads]


@owners.post(
    "/uploads", status_code=201, summary="Announce an upload", responses=problems(409, 413)
)
async def upload_begin(site: TheSite, wanted: models.NewUpload) -> models.Upload:
    """Announce a file; its bytes follow by PATCH, piece by piece."""
    upload = await site.use_cases.images.begin(wanted.name, wanted.size_bytes)
    return models.Upload.model_validate(upload)


@owners.get("/uploads/{upload}", summary="How far an upload is", responses=problems(404))
async def upload_show(site: TheSite, upload: str) -> models.Upload:
    """Its `offset` says where the next piece goes."""
    return models.Upload.model_validate(await site.use_cases.images.upload(upload))


@owners.patch(
    "/uploads/{upload}",
    summary="Send a piece",
    responses=problems(404, 409, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def upload_append(
    site: TheSite,
    request: Request,
    upload: str,
    upload_offset: Annotated[int, Header(ge=0, le=models.MAX_FILE_BYTES)],
) -> models.Upload:
    """Send the bytes from `Upload-Offset` on, at most 16 MiB a request.

    They go to disk as they come; after a broken connection, ask how far it came.  A piece that
    is still being sent gives way to the next one, and is answered with 409.  A piece for
    another offset is refused with reason `upload_offset`, and `offset` has the right one.  The
    last byte completes the upload: the answer names the image.
    """
    allow_body(request, MAX_PIECE_BYTES)
    images = site.use_cases.images
    try:
        view = await images.append(upload, upload_offset, request.stream())
    except Refused as error:
        if error.reason != "upload_offset":
            raise
        raise WrongOffset(str(error), (await images.upload(upload)).offset) from error
    except ClientDisconnect as error:
        raise Refused("the connection broke; what came is kept", reason="bad_request") from error
    return models.Upload.model_validate(view)


@owners.delete(
    "/uploads/{upload}", status_code=204, summary="Give up an upload", responses=problems(404)
)
async def upload_abort(site: TheSite, upload: str) -> None:
    """Forget it and what has come; a finished upload's image stays.

    A piece that is being sent is answered with 409.
    """
    await site.use_cases.images.abort(upload)
