"""Distances on Earth over arrays of coordinates."""

import math

import numpy as np

from .listing_facts import DEGREE

EARTH_KM = 6371.0088
_KM_A_DEGREE = math.pi * EARTH_KM / 180


def kilometres(latitude, longitude, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    """Great-circle distances (haversine) from a point in degrees.

    `latitudes` and `longitudes` are whole numbers of 1/DEGREE degrees.
    """
    there = np.radians(latitudes / DEGREE)
    half_north = np.sin((there - math.radians(latitude)) / 2)
    half_east = np.sin(np.radians(longitudes / DEGREE - longitude) / 2)
    chord = half_north**2 + math.cos(math.radians(latitude)) * np.cos(there) * half_east**2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1)))


def may_be_within(latitude, longitude, km, latitudes: np.ndarray, longitudes: np.ndarray):
    """Which places may be within `km`, as booleans: a quick test that misses none.

    Compares whole numbers only; the date line and the poles are let through.
    """
    north = km / _KM_A_DEGREE + 0.01
    may = np.abs(latitudes - round(latitude * DEGREE)) <= north * DEGREE
    widest = max(abs(latitude) + north, 0)
    if widest < 89:
        east = north / math.cos(math.radians(widest)) + 0.01
        if east < 180:
            apart = np.abs(longitudes - round(longitude * DEGREE))
            may &= (apart <= east * DEGREE) | (apart >= (360 - east) * DEGREE)
    return may
