"""this computer → whether coverslip works here, facts for a bug report, and what to mend.

Nothing here needs more than Python itself: what does is asked of a process of its own (`probe`),
so that a PyTorch which cannot be imported, or which ends the process, is found and told.
"""

from coverslip.doctor.advice import Problem
from coverslip.doctor.report import Report, examine
from coverslip.doctor.words import report_to_dict, report_to_text

__all__ = ["Problem", "Report", "examine", "report_to_dict", "report_to_text"]
