"""Generates Python code from Roster's contracts: `python generate.py FOLDER`.

What it writes belongs to a build and is never committed. Put the folder on
`PYTHONPATH`.
"""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "proto"
IMPORTS = ROOT / "proto-imports"


def generate(folder: Path) -> None:
    """Writes modules, and stubs for type checkers, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = [str(path.relative_to(CONTRACTS)) for path in sorted(CONTRACTS.rglob("*.proto"))]
    # `google.api` is in googleapis-common-protos: two files of one name would
    # be at odds.
    compile_protos(folder, [CONTRACTS, IMPORTS], [*own, "buf/validate/validate.proto"])
    # One folder further down: there is an `io` in Python already.
    compile_protos(folder, [IMPORTS / "io"], ["cloudevents/v1/cloudevents.proto"])


def compile_protos(folder: Path, roots: list[Path], protos: list[str]) -> None:
    """Runs the compiler over `protos`, which are below `roots`."""
    includes = [f"-I{root}" for root in roots]
    includes.append(f"-I{files('grpc_tools') / '_proto'}")
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", *includes, *outputs, *protos]) != 0:
        sys.exit("the contracts cannot be compiled")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    generate(Path(sys.argv[1]))
