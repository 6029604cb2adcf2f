"""The version of Tenor."""

VERSION = "0.2.0"
