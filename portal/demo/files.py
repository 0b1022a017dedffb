"""Files that the demo's people attach: drawn here, so that nothing foreign is shipped."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw


def picture(title: str, *lines: str) -> bytes:
    """Return a PNG that looks like a window with a message."""
    image = Image.new("RGB", (640, 360), "#d9e2ec")
    draw = ImageDraw.Draw(image)
    draw.rectangle((70, 70, 570, 290), fill="#ffffff", outline="#334e68", width=2)
    draw.rectangle((70, 70, 570, 104), fill="#334e68")
    draw.text((84, 78), title, fill="#ffffff", font_size=16)
    for place, line in enumerate(lines):
        draw.text((90, 126 + 28 * place), line, fill="#102a43", font_size=16)
    stored = BytesIO()
    image.save(stored, "PNG", optimize=True)
    return stored.getvalue()


def document(*lines: str) -> bytes:
    """Return a PDF of one page with `lines` (Latin-1) on it."""
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
    stream = f"BT /F1 12 Tf 16 TL 60 780 Td {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(content))
    )


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
