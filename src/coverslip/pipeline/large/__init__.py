"""a frame that is larger than memory → what a frame that fits gives, region by region."""

from coverslip.pipeline.large.story import is_large, plan_works, segment_large
from coverslip.pipeline.large.work import (
    Work,
    do_work,
    open_work,
    plan_work,
    work_on,
    work_with_less,
)

__all__ = [
    "Work",
    "do_work",
    "is_large",
    "open_work",
    "plan_work",
    "plan_works",
    "segment_large",
    "work_on",
    "work_with_less",
]
