"""Makes a thumbnail of an image."""

import base64
import io

from PIL import Image


def handler(event, context):
    image = Image.open(io.BytesIO(base64.b64decode(event["image"])))
    was = image.size
    image.thumbnail((event["size"], event["size"]))
    out = io.BytesIO()
    image.save(out, "PNG")
    return {"was": was, "is": image.size, "format": image.format, "image": base64.b64encode(out.getvalue()).decode()}
