"""Write a dictionary of plain values and NumPy arrays in each given protocol: python make.py NAME PROTOCOL..."""

from __future__ import print_function, unicode_literals

import collections
import pickle
import sys

import numpy as np

try:
    import cPickle as fast  # Python 2
except ImportError:
    fast = pickle

shared = [1, 2]
values = {
    "none": None,
    "true": True,
    "false": False,
    "integers": [0, 1, 255, 256, 65535, 65536, -1, -100, 2**30 - 1, 2**30, -(2**30), -(2**30) - 1, 2**31 - 1, 2**40, -(2**40)],
    "wide": [2**63 - 1, 2**63, 2**64 - 1, 2**70, -(2**63), -(2**70)],
    "floats": [0.1, -2.0, 1e300],
    "text": "h\u00e9llo \u20ac \\ \n",
    "bytes": b"\x00\xff\n\\'\"a",
    "empty": [(), [], {}, "", b""],
    "tuples": [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "shared": [shared, shared],
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "u1": np.arange(6, dtype="u1").reshape(2, 3) + np.uint8(250),
    "fortran": np.asfortranarray(np.arange(6, dtype="<i4").reshape(2, 3)),
    "big": np.array([1, -2, 70000], dtype=">i4"),
    "column": np.array([[3], [0], [9]], dtype="<i8"),
    "f4": np.array([0.5, 2.0], dtype="<f4"),
    "whole": np.array([4.0, 2.0]),
    "bool": np.array([True, False]),
    "names": np.array(["ab", "c"]),
    "records": np.zeros(2, dtype=[(str("a"), str("<i4")), (str("b"), str("<f8"))]),
    "ragged": np.array([[1, 2], [3]], dtype=object),
    "point": np.array(7, dtype="<i8"),
    "nothing": np.zeros((0, 3), dtype="<f8"),
    "scalars": [np.int64(3), np.uint8(200), np.float32(0.25), np.bool_(True)],
}
for protocol in sys.argv[2:]:
    with open("{}-p{}.pkl".format(sys.argv[1], protocol), "wb") as file:
        fast.dump(values, file, int(protocol))
