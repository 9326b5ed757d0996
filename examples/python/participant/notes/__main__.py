"""`python -m notes`: serves; `write USER TEXT` and `show USER` work on the same
notes, at the same time."""

import argparse
import asyncio
import logging
import sys

from .server import serve
from .settings import Settings, database
from .states import Malformed, parse_id
from .store import Deleted, Store


def main() -> int:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(prog="notes", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="take part in Roster's cascade (the default)")
    write = commands.add_parser("write", help="keep a note for a user")
    write.add_argument("user")
    write.add_argument("text", help="the note; - for one from each line of standard input")
    show = commands.add_parser("show", help="show a user's notes")
    show.add_argument("user")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    store = Store(database())
    try:
        if arguments.command == "write":
            texts = sys.stdin if arguments.text == "-" else [arguments.text]
            store.write(parse_id(arguments.user), [text.rstrip("\n") for text in texts])
        elif arguments.command == "show":
            for note in store.page(parse_id(arguments.user), 0, sys.maxsize):
                print(f"{note.id} {note.text}")
        else:
            asyncio.run(serve(Settings.read(), store))
    except Deleted:
        print("the user is deleted: nothing can be kept of them", file=sys.stderr)
        return 1
    except Malformed as malformed:
        print(malformed, file=sys.stderr)
        return 2
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
