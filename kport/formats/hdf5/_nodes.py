"""Groups and datasets of an HDF5 file.

kport has its own reader, of what Keras writes and little more, since the HDF5 library believes the
files it reads: a damaged heap of strings makes it loop for ever or end the process, and nothing
around it can prevent that. Here every address goes through `Image`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from weakref import WeakValueDictionary

from kport.errors import CorruptFileError, UnsafeFileError
from kport.formats._mapped import Backing
from kport.formats.hdf5._attributes import Attribute, Heaps, attributes
from kport.formats.hdf5._filters import filters
from kport.formats.hdf5._headers import Message, messages, opened
from kport.formats.hdf5._image import Image
from kport.formats.hdf5._layout import Chunks, Piece, layout
from kport.formats.hdf5._links import Links, is_group, links
from kport.formats.hdf5._types import Datatype, Shape, datatype, shape

__all__ = ["Dataset", "Group", "Node", "open_file"]

_DATASPACE, _DATATYPE, _EXTERNAL, _LAYOUT, _FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B


class _File:
    """What the objects of a file share; each of them is read once.

    A group holds what is in it, and this holds none of them: when the root goes, so does the map.
    """

    def __init__(self, image: Image) -> None:
        self.image, self.heaps = image, Heaps(image)
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()

    def node(self, address: int, path: str) -> Node:
        node = self._nodes.get(address)
        if node is None:
            found = messages(self.image, address)
            kinds = {one.kind for one in found}
            kind = Group if is_group(found) else Dataset if _LAYOUT in kinds else Node
            node = self._nodes[address] = kind(self, path, found)
        return node


class Node:
    """An object of a file; of no use where it is neither a group nor a dataset.

    Arguments:
        file: The file.
        path: Where it is in it, without a slash at the front.
        found: Its messages.
    """

    def __init__(self, file: _File, path: str, found: list[Message]) -> None:
        self.path = path
        self._file, self._messages = file, found

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """Name -> attribute.

        Raises:
            CorruptFileError: One is damaged.
        """
        return attributes(self._file.image, self._file.heaps, self._messages)


class Group(Node):
    """A group; iterating gives the names in it, sorted."""

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __getitem__(self, name: str) -> Node:
        """Return what is under a name, which is no path.

        Raises:
            CorruptFileError: Nothing is, or what is there is damaged.
            UnsafeFileError: A link to another place or file is.
        """
        below = f"{self.path}/{name}" if self.path else name
        target = self._links.get(name)
        if target is None:
            raise CorruptFileError(f"names {name!r} in {'/' + self.path!r} and does not hold it")
        if isinstance(target, str):
            raise UnsafeFileError(
                f"{below!r} is {target}, which is never followed",
                remedy="Only files that hold their own data are read; copy the data into the file.",
            )
        if name not in self._children:
            self._children[name] = self._file.node(target, below)
        return self._children[name]

    @cached_property
    def _children(self) -> dict[str, Node]:
        return {}

    @cached_property
    def _links(self) -> Links:
        return links(self._file.image, self._messages)


class Dataset(Node):
    """A dataset, described and not read."""

    @cached_property
    def shape(self) -> Shape:
        """Its shape, None where it has no values.

        Raises:
            CorruptFileError: It is damaged.
        """
        return shape(self._message(_DATASPACE) or b"")

    @cached_property
    def datatype(self) -> Datatype:
        """What its values are.

        Raises:
            CorruptFileError: It is damaged.
        """
        return datatype(self._message(_DATATYPE) or b"")

    @cached_property
    def filters(self) -> list[int]:
        """The numbers of the filters its chunks went through, in that order.

        Raises:
            CorruptFileError: It is damaged.
        """
        data = self._message(_FILTERS)
        return [] if data is None else filters(data)

    @cached_property
    def layout(self) -> Piece | Chunks:
        """Where its values are.

        Raises:
            UnsafeFileError: In another file.
            CorruptFileError: Nowhere.
        """
        if self._message(_EXTERNAL) is not None:
            raise UnsafeFileError("keeps its values in another file")
        return layout(self._file.image, self._message(_LAYOUT) or b"")

    def _message(self, kind: int) -> bytes | None:
        return next((one.data for one in self._messages if one.kind == kind), None)


def open_file(backing: Backing, begin: int = 0, size: int | None = None) -> Group:
    """Return the root of an HDF5 file.

    Arguments:
        backing: The bytes of the file, and others; they have to stay.
        begin: Where those of the file begin.
        size: How many there are; all that are left where it is not said.

    Raises:
        CorruptFileError: It is no HDF5 file, or is damaged or cut off.
        UnreadableError: It is of a kind that Keras never wrote.
    """
    image, root = opened(backing, begin, backing.size - begin if size is None else size)
    group = _File(image).node(root, "")
    if not isinstance(group, Group):
        raise CorruptFileError("has no root group")
    return group
