from .report import Problem, Report, examine, report_to_dict, report_to_text

__all__ = ["Problem", "Report", "examine", "report_to_dict", "report_to_text"]
