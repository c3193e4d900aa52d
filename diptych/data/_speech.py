"""Spoken words as time series: log-mel spectra, or the waveform at a lower rate."""

from __future__ import annotations

import io
import wave

import numpy as np

from diptych.data.base import DataError

FLOOR = 1e-10  # least power, of a full-scale tone's 1: digital silence has a logarithm, too


def samples_of(content: bytes, name: str, *, rate: int) -> np.ndarray:
    """A mono recording of 16 bits at `rate` Hz as values from -1 to 1: float64 [samples]."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            found = file.getframerate(), file.getnchannels(), 8 * file.getsampwidth()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{name} is not a readable WAV file: {error}") from error
    if found != (rate, 1, 16):
        raise DataError(f"{name}: {found[0]} Hz, {found[1]} channels, {found[2]} bits instead of {rate} Hz, 1, 16")
    return np.frombuffer(frames, "<i2") / 32768


def log_mel(signal: np.ndarray, *, rate: int, bands: int, width: int, hop: int) -> np.ndarray:
    """Logarithm of the power in each mel band, one step every `hop` samples: float32 [T, bands].

    Hann windows of `width` samples; a signal that is shorter than one is padded with silence.
    """
    padded = np.pad(signal, (0, max(0, width - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]  # [T, width]
    power = np.abs(np.fft.rfft(frames * np.hanning(width))) ** 2 / (width / 4) ** 2  # [T, width / 2 + 1]
    return np.asarray(np.log(power @ mel_bands(rate=rate, bands=bands, width=width) + FLOOR), np.float32)


def mel_bands(*, rate: int, bands: int, width: int) -> np.ndarray:
    """Triangles that overlap by half and are evenly spaced in mel from 0 to half the rate: [width / 2 + 1, bands].

    mel = 2595 log10(1 + f / 700), O'Shaughnessy 1987.
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corner = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)  # Hz
    bins = np.fft.rfftfreq(width, 1 / rate)[:, None]
    rising = (bins - corner[:-2]) / np.diff(corner)[:-1]
    falling = (corner[2:] - bins) / np.diff(corner)[1:]
    return np.clip(np.minimum(rising, falling), 0, None)


def slowed(signal: np.ndarray, *, factor: int, most: int) -> np.ndarray:
    """The signal at a rate lower by `factor`, low-pass filtered first, its first `most` steps: float32 [T, 1]."""
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(signal, 1, factor)[:most], np.float32)[:, None]
