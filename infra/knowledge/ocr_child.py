"""The process that reads scanned files: `python -m infra.knowledge.ocr_child WALL CPU MEMORY`."""

from infra.knowledge.parse_child import serve
from infra.knowledge.readers.ocr import read

if __name__ == "__main__":
    serve(read)
