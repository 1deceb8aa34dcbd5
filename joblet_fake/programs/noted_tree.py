"""A tree that others change too, for a process: what it finds there is kept, to be found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.model.volume import Mount
    from joblet_fake.programs.kept import Kept

T = TypeVar("T")


class NotedTree:
    """What is mounted somewhere, as one process finds it.

    A process that goes through its steps again finds what it found the first time, whatever has
    become of it since, and what it does has been done already.

    Args:
        mount: what is mounted.
        answers: what was found, in order, by this process.
    """

    def __init__(self, mount: Mount, answers: Kept[object]) -> None:
        self._mount = mount
        self._answers = answers
        self._known: dict[str, bytes] = {}

    def read(self, path: str) -> bytes | None:
        """Give a file's content; None if there is no such file."""
        return self._found(lambda: self._once(path, self._mount.tree.read(path)))

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file anew, or add to its end.

        Raises:
            OSError: see `Tree.write`.
        """
        self._found(lambda: self._mount.tree.write(path, data, append=append))

    def make_folder(self, path: str) -> None:
        """Make a folder in one that is there.

        Raises:
            OSError: see `Tree.make_folder`.
        """
        self._found(lambda: self._mount.tree.make_folder(path))

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder.

        Raises:
            OSError: see `Tree.remove`.
        """
        self._found(lambda: self._mount.tree.remove(path))

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""
        return self._found(lambda: self._mount.tree.is_folder(path))

    def paths(self) -> Iterator[str]:
        """Give the path of every file."""
        return iter(self._found(lambda: tuple(self._mount.tree.paths())))

    def folders(self) -> Iterator[str]:
        """Give the path of every folder but the root."""
        return iter(self._found(lambda: tuple(self._mount.tree.folders())))

    def clear(self) -> None:
        """Remove everything."""
        self._found(self._mount.tree.clear)

    def drop(self) -> None:
        """Remove everything, and let nobody make anything any more."""
        self._found(self._mount.tree.drop)

    def _found(self, look: Callable[[], T]) -> T:
        answers = self._answers
        if answers.again is not None:
            answer = answers.next()
            if isinstance(answer, OSError):
                raise answer
            return cast("T", answer)
        try:
            found = look()
        except OSError as error:
            answers.add(error.with_traceback(None))
            raise
        answers.add(found)
        return found

    def _once(self, path: str, data: bytes | None) -> bytes | None:
        """Keep the same content once, however often it is read."""
        if data is None:
            return None
        if self._known.get(path) != data:
            self._known[path] = data
        return self._known[path]
