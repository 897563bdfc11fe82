"""image files + model + a client → what `segment_files` gives, by the workers of its scheduler."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from coverslip.cluster.order import Outcome, job_to_order, settle_backend, work
from coverslip.errors import CoverslipError, FileError, StoppedError
from coverslip.optional import need
from coverslip.pipeline import Begun, Record, image_to_pieces, segment_files
from coverslip.pipeline.record import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from coverslip.cluster.order import Order
    from coverslip.pipeline import BatchResult, Job, Piece
    from coverslip.pipeline.batch import Begin


def segment_on_cluster(
    paths: Sequence[Path],
    out: Path,
    *,
    job: Job,
    client: Any,
    overwrite: bool = False,
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
        on_frame: as for `segment_files`.
        on_note: as for `segment_files`.

    Raises:
        CoverslipError: as for `segment_files`.
        StoppedError: the scheduler is gone.
    """
    job = settle_backend(job)
    if not client.scheduler_info()["workers"]:
        on_note(f"{client.scheduler.address}: no worker has joined yet; waiting for the first")

    def ahead(paths: Sequence[Path], begin: Begin) -> Begin:
        crew = Crew(client, job, job_to_order(job), on_frame, on_note)
        for path in paths:
            crew.take(path, begin)
        coming = crew.outcomes()

        def wait(path: Path) -> Begun | Record:
            while crew.left[path]:
                next(coming)
            return crew.result(path)

        return wait

    return segment_files(paths, out, job=job, overwrite=overwrite, ahead=ahead, on_note=on_note)


@dataclass
class Crew:
    """The workers, and what they have taken on.

    Attributes:
        client: of the scheduler.
        job: what to do with each image.
        order: the same for the workers.
        on_frame: called with each frame or region that is done.
        on_note: called with what the user should be told.
        begun: what became of the beginning of each image.
        futures: the pieces that are not done, by Dask's names for them.
        left: how many of them are of each image.
        n_done: frames or regions of each image that are done.
        n_all: and that there are.
    """

    client: Any
    job: Job
    order: Order
    on_frame: Callable[[Path, int, int], None]
    on_note: Callable[[str], None]
    begun: dict[Path, Begun | Record | Exception] = field(default_factory=dict)
    futures: dict[str, tuple[Piece, Any]] = field(default_factory=dict)
    left: Counter[Path] = field(default_factory=Counter)
    n_done: Counter[Path] = field(default_factory=Counter)
    n_all: Counter[Path] = field(default_factory=Counter)

    def take(self, path: Path, begin: Begin) -> None:
        """Begin an image, and have its pieces done by whoever is free."""
        try:
            begun = self.begun[path] = begin(path)
            groups = [] if isinstance(begun, Record) else image_to_pieces(begun, self.job)
        except CoverslipError as error:
            self.begun[path] = error
            return
        if isinstance(begun, Begun) and groups[0][0].kind != "file":
            # So that no image that is finished takes away the folder above it meanwhile.
            begun.parts(self.job).mkdir(parents=True, exist_ok=True)
        first = None
        for look, *others in groups:
            before = self._submit(look, after=first)
            first = first or before
            for piece in others:
                self._submit(piece, after=before)

    def _submit(self, piece: Piece, *, after: Any) -> Any:
        path, name = piece.begun.file.path, f"coverslip-{piece.kind}-{uuid.uuid4().hex}"
        future = self.client.submit(work, self.order, piece, after, key=name)
        self.futures[name] = piece, future
        self.left[path] += 1
        self.n_all[path] += piece.n_done
        return future

    def outcomes(self) -> Iterator[None]:
        """Take note of each piece that is done, of whichever image, when the next is asked for.

        Raises:
            StoppedError: the scheduler is gone.
        """
        distributed = need("distributed", extra="cluster", what="several workers")
        futures = [future for _, future in self.futures.values()]
        for future in distributed.as_completed(futures, loop=self.client.loop):
            piece, _ = self.futures.pop(future.key)
            self._note(piece, future_to_outcome(future, piece))
            yield

    def _note(self, piece: Piece, outcome: Outcome) -> None:
        path = piece.begun.file.path
        self.left[path] -= 1
        for text in outcome.notes:
            self.on_note(f"{path}: {text}")
        if outcome.error is not None:
            self.begun[path] = outcome.error
            return
        for _ in range(piece.n_done):
            self.n_done[path] += 1
            self.on_frame(path, self.n_done[path], self.n_all[path])

    def result(self, path: Path) -> Begun | Record:
        """An image of which all pieces are done, to be finished; its record, if it was one piece.

        Raises:
            CoverslipError: what kept it from being begun, or a worker from doing a piece.
        """
        begun = self.begun[path]
        if isinstance(begun, Exception):
            raise begun
        if isinstance(begun, Begun):
            done = read_record(begun.target.record, key=begun.key)
            return begun if done is None else replace(done, skipped=False)
        return begun


def future_to_outcome(future: Any, piece: Piece) -> Outcome:
    """What a worker says of a piece, or Dask of the worker.

    Raises:
        StoppedError: the scheduler is gone, or the workers cannot do any piece.
    """
    distributed = need("distributed", extra="cluster", what="several workers")
    path = piece.begun.file.path
    try:
        outcome: Outcome = future.result()
    except distributed.KilledWorker:
        return Outcome(
            error=FileError(
                f"{path}: several workers died one after the other at the same piece of it. Most "
                "often their memory is too small: give each more, or start fewer on a machine, or "
                "use a smaller --tile and --region."
            )
        )
    except (distributed.CancelledError, OSError, TimeoutError) as error:
        raise StoppedError(
            "the scheduler is gone: it has ended, or cannot be reached any more. What is done "
            "stays done: start a scheduler and workers, and then the same command again."
        ) from error
    except ImportError as error:
        raise StoppedError(
            f"a worker cannot import what it needs ({error}): install the same coverslip there, "
            "with its extra: pip install '.[cluster]'."
        ) from error
    return outcome
