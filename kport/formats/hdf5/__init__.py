"""Read HDF5 files, as far as Keras and h5py write them, and write some, without the HDF5 library.

Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html. Read are the
superblocks 0 to 3, objects and groups old and new, attributes of text, numbers in one piece, in the
header or in chunks that are listed by a B-tree (gzip, shuffle, Fletcher-32, LZF). Refused by name
is what h5py writes only when asked for the newest format, and what leads out of the file.
"""

from kport.formats.hdf5._arrays import StoredArray, group_names, stored_array, stored_arrays
from kport.formats.hdf5._attributes import Attribute
from kport.formats.hdf5._headers import SIGNATURE, SIGNATURE_PLACES
from kport.formats.hdf5._nodes import Dataset, Group, Node, open_file
from kport.formats.hdf5._write import NewDataset, plan_hdf5

__all__ = [
    "SIGNATURE",
    "SIGNATURE_PLACES",
    "Attribute",
    "Dataset",
    "Group",
    "NewDataset",
    "Node",
    "StoredArray",
    "group_names",
    "open_file",
    "plan_hdf5",
    "stored_array",
    "stored_arrays",
]
