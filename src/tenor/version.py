"""The version of Tenor."""

VERSION = "0.1.0"
