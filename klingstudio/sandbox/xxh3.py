"""XXH3 with 128 bits, unseeded: the checksum by which a client of repositories knows that a file came whole.

Written after the algorithm's published specification; slow, because only tests download through that client.
"""

from __future__ import annotations

from struct import unpack_from

_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_M32, _M64 = 2**32 - 1, 2**64 - 1
_A1, _A2, _A3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_B1, _B2, _B3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_B4, _B5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_STRIPE, _BLOCK = 64, 1024


def xxh3_128(data: bytes) -> str:
    """The checksum in 32 hexadecimal digits."""
    size = len(data)
    if size <= 16:
        low, high = _tiny(data)
    elif size <= 240:
        low, high = _short(data)
    else:
        low, high = _long(data)
    return f"{high:016x}{low:016x}"


def _tiny(data: bytes) -> tuple[int, int]:
    size = len(data)
    if size == 0:
        return _avalanche64(_key(64) ^ _key(72)), _avalanche64(_key(80) ^ _key(88))
    if size <= 3:
        low = data[0] << 16 | data[size // 2] << 24 | data[-1] | size << 8
        high = int.from_bytes(low.to_bytes(4, "big"), "little")
        high = (high << 13 | high >> 19) & _M32
        words = unpack_from("<4I", _SECRET)
        return _avalanche64(low ^ words[0] ^ words[1]), _avalanche64(high ^ words[2] ^ words[3])
    if size <= 8:
        first, last = int.from_bytes(data[:4], "little"), int.from_bytes(data[-4:], "little")
        product = ((first | last << 32) ^ _key(16) ^ _key(24)) * (_B1 + (size << 2))
        low, high = product & _M64, product >> 64 & _M64
        high = (high + (low << 1)) & _M64
        low ^= high >> 3
        low = (low ^ low >> 35) * 0x9FB21C651E98DF25 & _M64
        return low ^ low >> 28, _avalanche(high)
    first, last = int.from_bytes(data[:8], "little"), int.from_bytes(data[-8:], "little")
    product = (first ^ last ^ _key(32) ^ _key(40)) * _B1
    low, high = (product + ((size - 1) << 54)) & _M64, product >> 64
    last ^= _key(48) ^ _key(56)
    high = (high + last + (last & _M32) * (_A2 - 1)) & _M64
    low ^= int.from_bytes(high.to_bytes(8, "little"), "big")
    product = low * _B2
    return _avalanche(product & _M64), _avalanche(((product >> 64) + high * _B2) & _M64)


def _short(data: bytes) -> tuple[int, int]:
    size = len(data)
    sums = [size * _B1 & _M64, 0]
    if size <= 128:
        for at in range((size - 1) // 32 * 16, -1, -16):
            _mix(sums, data, at, size - at - 16, 2 * at)
    else:
        for at in range(0, 128, 32):
            _mix(sums, data, at, at + 16, at)
        sums[:] = map(_avalanche, sums)
        for at in range(128, size - 31, 32):
            _mix(sums, data, at, at + 16, at - 125)
        _mix(sums, data, size - 16, size - 32, 103)
    low, high = sums
    mixed = (low * _B1 + high * _B4 + size * _B2) & _M64
    return _avalanche((low + high) & _M64), -_avalanche(mixed) & _M64


def _long(data: bytes) -> tuple[int, int]:
    size = len(data)
    sums = [_A3, _B1, _B2, _B3, _B4, _A2, _B5, _A1]
    stripes = (size - 1) // _STRIPE
    for n in range(stripes):
        _accumulate(sums, data, n * _STRIPE, n % 16 * 8)
        if n % 16 == 15:
            for i, key in enumerate(unpack_from("<8Q", _SECRET, 128)):
                sums[i] = (sums[i] ^ sums[i] >> 47 ^ key) * _A1 & _M64
    _accumulate(sums, data, size - _STRIPE, 121)
    return _merged(sums, 11, size * _B1), _merged(sums, 117, ~(size * _B2))


def _accumulate(sums: list[int], data: bytes, at: int, secret: int) -> None:
    values, keys = unpack_from("<8Q", data, at), unpack_from("<8Q", _SECRET, secret)
    for i in range(8):
        value = values[i]
        key = value ^ keys[i]
        sums[i ^ 1] = (sums[i ^ 1] + value) & _M64
        sums[i] = (sums[i] + (key & _M32) * (key >> 32)) & _M64


def _merged(sums: list[int], secret: int, start: int) -> int:
    keys = unpack_from("<8Q", _SECRET, secret)
    folded = (_fold(sums[i] ^ keys[i], sums[i + 1] ^ keys[i + 1]) for i in range(0, 8, 2))
    return _avalanche((start + sum(folded)) & _M64)


def _mix(sums: list[int], data: bytes, first: int, second: int, secret: int) -> None:
    (a, b), (c, d) = unpack_from("<2Q", data, first), unpack_from("<2Q", data, second)
    keys = unpack_from("<4Q", _SECRET, secret)
    sums[0] = (sums[0] + _fold(a ^ keys[0], b ^ keys[1])) & _M64 ^ (c + d) & _M64
    sums[1] = (sums[1] + _fold(c ^ keys[2], d ^ keys[3])) & _M64 ^ (a + b) & _M64


def _key(at: int) -> int:
    return int.from_bytes(_SECRET[at : at + 8], "little")


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product ^ product >> 64) & _M64


def _avalanche(value: int) -> int:
    value = (value ^ value >> 37) * 0x165667919E3779F9 & _M64
    return value ^ value >> 32


def _avalanche64(value: int) -> int:
    value = (value ^ value >> 33) * _B2 & _M64
    value = (value ^ value >> 29) * _B3 & _M64
    return value ^ value >> 32
