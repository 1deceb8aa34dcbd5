"""YAML as Go's `yaml.v3` reads it: the same values, and the same words for what is wrong."""

from joblet_fake.goyaml.nodes import YamlError
from joblet_fake.goyaml.values import Items, Number, Record, Shape, Table, Text, read

__all__ = ["Items", "Number", "Record", "Shape", "Table", "Text", "YamlError", "read"]
