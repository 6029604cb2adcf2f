"""Tenor: print the folder of the built-in encoder."""

from imdb import print_measurements
from tenor.models.pretrained import hub

if __name__ == "__main__":
    print_measurements(folder=str(hub.locate("minilm")))
