"""an image file of any format → its header, and the pixels of a window.

One module for each format; `coverslip.io` is what others import from.
"""
