"""Counts the parts of a form while it arrives, before any of them is written to disk."""

from __future__ import annotations

from python_multipart.multipart import parse_options_header

from gtt.api.api_errors import ApiError


class PartCount:
    """Feed it the body of a form in pieces of any size; it answers whether that is acceptable.

    A part begins behind a line with the boundary, which stands in no part (RFC 2046).
    """

    def __init__(self, content_type: str, most: int) -> None:
        """Raises `ApiError` for a form that does not say what lies between its parts."""
        _, options = parse_options_header(content_type)  # as Gradio reads it
        boundary = options.get(b"boundary")
        if not boundary:
            raise ApiError(
                "The form does not name its boundary: send the file as multipart/form-data.",
                code="bad_form",
                field="content-type",
            )
        self.most = most + 1  # the last boundary ends the form
        self._mark = b"--" + boundary
        self._tail = b""
        self._count = 0

    def feed(self, piece: bytes) -> bool:
        """Whether the form may go on."""
        text = self._tail + piece
        self._count += text.count(self._mark)
        self._tail = text[-(len(self._mark) - 1) :] if len(self._mark) > 1 else b""
        return self._count <= self.most
