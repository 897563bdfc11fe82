"""image files + model + a client → what `segment_files` gives, by the workers of its scheduler."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from coverslip.cluster.order import Outcome, job_to_order, settle_backend, work
from coverslip.errors import CoverslipError, FileError, StoppedError
from coverslip.files import write_error
from coverslip.optional import need
from coverslip.pipeline import Begun, Record, image_to_pieces, read_record, segment_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from coverslip.cluster.order import Order
    from coverslip.pipeline import BatchResult, Job, Piece
    from coverslip.pipeline.begin import Begin

    Place = tuple[int, int]  # frame and region


def segment_on_cluster(
    paths: Sequence[Path],
    out: Path,
    *,
    job: Job,
    client: Any,
    overwrite: bool = False,
    threads: int | None = None,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> BatchResult:
    """Segment image files by the workers of a Dask scheduler.

    The result is that of `segment_files`, whose arguments these are, to the byte if all machines
    are of one kind; and each of the two goes on where the other was stopped.

    Args:
        paths: image files, at the same paths on all machines.
        out: the folder, likewise.
        job: model, settings and what to keep; a model of one's own is a file that all machines see.
        client: a `distributed.Client`, such as that of `connected`.
        overwrite: as for `segment_files`.
        threads: of each worker; None: as many as it was started with.
        on_frame: as for `segment_files`.
        on_note: as for `segment_files`.

    Raises:
        CoverslipError: as for `segment_files`.
        StoppedError: the scheduler is gone, or a worker can do nothing of it.
    """
    job = settle_backend(job)

    def ahead(paths: Sequence[Path], begin: Begin) -> Begin:
        wait_for_workers(client, on_note)
        crew = Crew(client, job, job_to_order(job, out, threads=threads), on_frame, on_note)
        for path in dict.fromkeys(paths):
            crew.take(path, begin)
        coming = crew.outcomes()

        def wait(path: Path) -> Begun | Record:
            while crew.left[path]:
                next(coming)
            return crew.result(path)

        return wait

    return segment_files(paths, out, job=job, overwrite=overwrite, ahead=ahead, on_note=on_note)


def wait_for_workers(client: Any, on_note: Callable[[str], None]) -> None:
    """Wait for the first worker: until then, nothing of an earlier job is removed.

    Raises:
        StoppedError: the scheduler is gone.
    """
    try:
        if not client.scheduler_info()["workers"]:
            on_note(f"{client.scheduler.address}: no worker has joined yet; waiting for the first")
        client.wait_for_workers(1)
    except OSError as error:
        raise gone() from error


def gone() -> StoppedError:
    """What to tell when the scheduler is lost."""
    return StoppedError(
        "the scheduler is gone: it has ended, or cannot be reached any more. What is done stays "
        "done: start a scheduler and workers, and then the same command again."
    )


@dataclass
class Crew:
    """The workers, and what they have taken on.

    Attributes:
        client: of the scheduler.
        job: what to do with each image.
        order: the same for the workers.
        on_frame: called with each frame or region that is done.
        on_note: called with what the user should be told.
        begun: each image that could be begun, or its earlier record.
        errors: of each image, what went wrong, by frame and region.
        futures: the pieces by Dask's names for them, and who is waited for.
        left: how many of them are of each image.
        n_done: frames or regions of each image that are done.
        n_all: and that there are.
    """

    client: Any
    job: Job
    order: Order
    on_frame: Callable[[Path, int, int], None]
    on_note: Callable[[str], None]
    begun: dict[Path, Begun | Record] = field(default_factory=dict)
    errors: dict[Path, list[tuple[Place, Exception]]] = field(default_factory=dict)
    futures: dict[Any, tuple[Piece, Any]] = field(default_factory=dict)
    left: Counter[Path] = field(default_factory=Counter)
    n_done: Counter[Path] = field(default_factory=Counter)
    n_all: Counter[Path] = field(default_factory=Counter)

    def take(self, path: Path, begin: Begin) -> None:
        """Begin an image, and have its pieces done by whoever is free."""
        try:
            begun = self.begun[path] = begin(path)
            groups = [] if isinstance(begun, Record) else image_to_pieces(begun, self.job)
            if isinstance(begun, Begun) and groups[0][0].kind != "file":
                # So that no image that is finished takes away the folder above it meanwhile.
                make_folder(begun.parts(self.job))
        except (CoverslipError, MemoryError) as error:
            self.errors[path] = [((0, 0), error)]
            return
        first, image = None, uuid.uuid4().hex
        for look, *others in groups:
            before = self._submit(look, image, after=first)
            first = first or before
            for piece in others:
                self._submit(piece, image, after=before)

    def _submit(self, piece: Piece, image: str, *, after: Any) -> Any:
        # Dask holds all tasks of one group alike, and sends to a worker no more than it can begin.
        key = (f"coverslip-{piece.kind}-{image}", len(self.futures))
        future = self.client.submit(work, self.order, piece, after, key=key)
        path = piece.begun.file.path
        self.futures[key] = piece, future
        self.left[path] += 1
        self.n_all[path] += piece.n_done
        return future

    def outcomes(self) -> Iterator[None]:
        """Take note of each piece that is done, of whichever image, when the next is asked for.

        Raises:
            StoppedError: no piece can be done any more.
        """
        distributed = need("distributed", extra="cluster", what="several workers")
        futures = [future for _, future in self.futures.values()]
        for future in distributed.as_completed(futures, loop=self.client.loop):
            piece, _ = self.futures[future.key]
            self._note(piece, future_to_outcome(future, piece))
            self.futures[future.key] = piece, None
            future.release()  # else it is done again when the worker that did it dies
            yield

    def _note(self, piece: Piece, outcome: Outcome) -> None:
        path = piece.begun.file.path
        self.left[path] -= 1
        for text in outcome.notes:
            self.on_note(f"{path}: {text}")
        if outcome.error is not None:
            place = (piece.frames[0], piece.region)
            self.errors.setdefault(path, []).append((place, outcome.error))
            return
        for _ in range(piece.n_done):
            self.n_done[path] += 1
            self.on_frame(path, self.n_done[path], self.n_all[path])

    def result(self, path: Path) -> Begun | Record:
        """An image of which all pieces are done, to be finished; its record, if it was one piece.

        Raises:
            CoverslipError: what kept it from being begun, or a worker from doing a piece.
        """
        if path in self.errors:  # the one that a single process would have come to first
            raise min(self.errors[path], key=lambda one: one[0])[1]
        begun = self.begun[path]
        if isinstance(begun, Begun):
            done = read_record(begun.target.record, key=begun.key)
            return begun if done is None else replace(done, skipped=False)
        return begun


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        FileError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def future_to_outcome(future: Any, piece: Piece) -> Outcome:
    """What a worker says of a piece, or Dask of the worker.

    Raises:
        StoppedError: the scheduler is gone, or a worker can do no piece.
    """
    distributed = need("distributed", extra="cluster", what="several workers")
    path = piece.begun.file.path
    if future.status in ("cancelled", "lost"):
        raise gone()
    try:
        outcome: Outcome = future.result()
    except distributed.KilledWorker:
        return Outcome(
            error=FileError(
                f"{path}: several workers died one after the other while they had a piece of it. "
                "Most often their memory is too small: give each more, or start fewer on a "
                "machine, or use a smaller --tile and --region."
            )
        )
    except distributed.CancelledError as error:
        raise gone() from error
    except OSError as error:
        return Outcome(error=FileError(f"{path}: a worker could not do a piece of it ({error})."))
    except (ImportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "deserialization" not in str(error):
            raise
        raise StoppedError(
            f"the scheduler or a worker cannot import what it needs ({error}): install the same "
            "coverslip there, with its extra: pip install '.[cluster]'."
        ) from error
    return outcome
