"""What only Windows can be told through its own interface: append, share, lock one byte.

`open` there neither shares the right to rename nor appends in one step, and `msvcrt.locking` says
of every failure that the file is busy. This module can be imported on Windows alone.
"""

from __future__ import annotations

import ctypes
import errno
import msvcrt
import os
import stat
import sys
from ctypes import wintypes
from pathlib import Path

assert sys.platform == "win32"  # noqa: S101 - tells the type checker which platform this is for

_FILE_APPEND_DATA = 0x0004
_FILE_READ_ATTRIBUTES = 0x0080
_SYNCHRONIZE = 0x0010_0000
_SHARE_READ_WRITE_DELETE = 0x7
_OPEN_ALWAYS = 4
_ATTRIBUTE_NORMAL = 0x80
_INVALID_HANDLE = wintypes.HANDLE(-1).value

_FAIL_IMMEDIATELY, _EXCLUSIVE = 0x1, 0x2
_ERROR_LOCK_VIOLATION = 33
_LOCKED_BYTE = 2**30
"""Far behind what the file says: a byte that is locked cannot be read by others."""


class _Overlapped(ctypes.Structure):
    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", wintypes.DWORD),
        ("offset_high", wintypes.DWORD),
        ("event", wintypes.HANDLE),
    )


_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_create_file = _kernel.CreateFileW
_create_file.restype = wintypes.HANDLE
_create_file.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    wintypes.DWORD,
    ctypes.c_void_p,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.HANDLE,
)
_lock_file = _kernel.LockFileEx
_lock_file.restype = wintypes.BOOL
_lock_file.argtypes = (
    wintypes.HANDLE,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    ctypes.POINTER(_Overlapped),
)
_unlock_file = _kernel.UnlockFileEx
_unlock_file.restype = wintypes.BOOL
_unlock_file.argtypes = (
    wintypes.HANDLE,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    ctypes.POINTER(_Overlapped),
)


def open_for_append(path: Path) -> int:
    """A descriptor whose every write goes to the end of the file, whoever else writes.

    The right to append, and no other right to write, makes that one step; sharing the right to
    delete lets any process rename the file while it is open here. Not inherited by children.
    Raises OSError, also when `path` is a link, a folder or a device.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))
    handle = _create_file(
        str(path),
        _FILE_APPEND_DATA | _FILE_READ_ATTRIBUTES | _SYNCHRONIZE,
        _SHARE_READ_WRITE_DELETE,
        None,
        _OPEN_ALWAYS,
        _ATTRIBUTE_NORMAL,
        None,
    )
    if handle == _INVALID_HANDLE:
        raise ctypes.WinError(ctypes.get_last_error())
    fd = msvcrt.open_osfhandle(handle, os.O_APPEND | os.O_WRONLY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return fd


def try_lock(fd: int) -> bool:
    """Take the file's lock without waiting. False when somebody has it, in this process or another.

    It ends with the process, however that ends. Raises OSError where files cannot be locked.
    """
    where = _Overlapped(offset=_LOCKED_BYTE)
    flags = _FAIL_IMMEDIATELY | _EXCLUSIVE
    if _lock_file(msvcrt.get_osfhandle(fd), flags, 0, 1, 0, ctypes.byref(where)):
        return True
    error = ctypes.get_last_error()
    if error == _ERROR_LOCK_VIOLATION:
        return False
    raise ctypes.WinError(error)


def unlock(fd: int) -> None:
    """Let go at once: of a file that is closed Windows frees the lock in its own time."""
    where = _Overlapped(offset=_LOCKED_BYTE)
    _unlock_file(msvcrt.get_osfhandle(fd), 0, 1, 0, ctypes.byref(where))
