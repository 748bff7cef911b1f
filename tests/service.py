#!/usr/bin/env python3
"""Checks std-server/systemd/kabar-server.service: `systemd-analyze` finds nothing to complain about and rates it 2.0
or better, and the server works under its restrictions.

systemd does not have to run. As root, in mount namespaces of its own, this program puts the server where the unit
expects it and restricts it as systemd would: the directories that it sees and may write, its user, capabilities,
system calls and families of addresses. Not tried: PrivateUsers= and the control group's DevicePolicy=.

    tests/service.py PROGRAMS    the directory with `kabar-server` and `kabar`
"""

import contextlib
import ctypes
import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

UNIT = Path(__file__).resolve().parent.parent / "std-server/systemd/kabar-server.service"
README = UNIT.parent.parent.parent / "README.md"
PLACE = Path("/usr/local/bin")
STATE = Path("/var/lib")
DIRECTORY = STATE / "kabar"
WORST_EXPOSURE = 20  # tenths
USER = 61_234
TIMEOUT = 20


def settings():
    """The lines of the unit: name to values."""
    found = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def run(*command, **how):
    return subprocess.run([str(word) for word in command], text=True, capture_output=True, **how)


def check(holds, why):
    if not holds:
        sys.exit(f"kabar-server.service: {why}")


def rate():
    rated = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={WORST_EXPOSURE}", UNIT)
    check(rated.returncode == 0, rated.stdout + rated.stderr)
    print(next(line for line in rated.stdout.splitlines() if "Overall" in line), flush=True)


def verify():
    verified = run("systemd-analyze", "verify", "--man=no", UNIT)
    complaints = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    check(verified.returncode == 0 and not complaints, verified.stderr)
    print("systemd-analyze verify: nothing to complain about", flush=True)


# How the server is restricted, in a process that then becomes the server.


def mount(*arguments):
    done = run("mount", "--no-mtab", *arguments)
    check(done.returncode == 0, f"mount {arguments}: {done.stderr}")


def hide_the_system(unit):
    """ProtectSystem=strict, ProtectHome=, PrivateTmp=, PrivateDevices=, StateDirectory= with DynamicUser=."""
    directory = STATE / "private" / DIRECTORY.name
    check(unit["ProtectSystem"] == ["strict"], "only ProtectSystem=strict is tried here")
    kept = tempfile.mkdtemp(dir="/run")
    mount("--bind", directory, kept)
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in places:
        if place != kept and not place.startswith(("/dev", "/proc")):
            run("mount", "--no-mtab", "-o", "remount,bind,ro", place)
    for place in ("/home", "/root"):
        mount("-t", "tmpfs", "-o", "mode=0000,ro", "tmpfs", place)
    for place in ("/tmp", "/var/tmp"):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", place)
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", STATE / "private")
    directory.mkdir()
    mount("--bind", kept, directory)
    mount("-t", "proc", "-o", "hidepid=invisible", "proc", "/proc")
    mount("--bind", "/proc/sys", "/proc/sys")
    mount("-o", "remount,bind,ro", "/proc/sys")
    devices = tempfile.mkdtemp(dir="/tmp")
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", devices)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        Path(devices, name).touch()
        mount("--bind", f"/dev/{name}", Path(devices, name))
    mount("--move", devices, "/dev")
    check(run("touch", "/usr/local/bin/x").returncode != 0, "the system can be written to")


def system_calls(filters):
    """The names that SystemCallFilter= allows."""
    sets, name = {}, None
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            name = line
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            sets.setdefault(name, []).append(line.strip())

    def expand(names):
        return {call for name in names for call in (expand(sets[name]) if name.startswith("@") else {name})}

    allowed = set()
    for line in filters:
        names = expand(line.removeprefix("~").split())
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed | expand(["@default"])


def drop_privileges(unit):
    """DynamicUser=, CapabilityBoundingSet=, NoNewPrivileges=, UMask=."""
    libc = ctypes.CDLL(None, use_errno=True)
    drop_from_bounding_set, no_new_privileges = 24, 38
    check(unit["CapabilityBoundingSet"] == [""], "only an empty CapabilityBoundingSet= is tried here")
    for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        check(libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) == 0, f"capability {capability}")
    os.umask(int(unit["UMask"][0], 8))
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    check(libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0, "no_new_privs")


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


ALLOW, EQUAL, MASKED_EQUAL = 0x7FFF0000, 4, 7


def refuse(error):
    return 0x00050000 | error


class Filter:
    """A filter of system calls, by libseccomp."""

    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, default):
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, call, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            array = (Comparison * len(comparisons))(*comparisons)
            done = self.library.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(array), array)
            check(done == 0, f"seccomp rule for {call}: {done}")

    def load(self):
        done = self.library.seccomp_load(self.context)
        check(done == 0, f"seccomp_load: {done}")


def restrict_system_calls(unit, calls):
    families = {int(getattr(socket, name)) for name in unit["RestrictAddressFamilies"][0].split()}
    details = Filter(ALLOW)
    for family in set(range(46)) - families:
        details.add(refuse(errno.EAFNOSUPPORT), "socket", Comparison(0, EQUAL, family))
    if "MemoryDenyWriteExecute" in unit:
        write_execute, execute = 6, 4
        details.add(refuse(errno.EPERM), "mmap", Comparison(2, MASKED_EQUAL, write_execute, write_execute))
        for call in ("mprotect", "pkey_mprotect"):
            details.add(refuse(errno.EPERM), call, Comparison(2, MASKED_EQUAL, execute, execute))
    if "RestrictNamespaces" in unit:
        details.add(refuse(errno.ENOSYS), "clone3")
        details.add(refuse(errno.EPERM), "unshare")
        details.add(refuse(errno.EPERM), "setns")
    if "RestrictSUIDSGID" in unit:
        for bit in (0o4000, 0o2000):
            for at, call in ((1, "chmod"), (1, "fchmod"), (2, "fchmodat")):
                details.add(refuse(errno.EPERM), call, Comparison(at, MASKED_EQUAL, bit, bit))
    details.load()
    allowed = Filter(refuse(getattr(errno, unit["SystemCallErrorNumber"][0])))
    for call in calls:
        allowed.add(ALLOW, call)
    allowed.load()


def become_the_server():
    """Runs in a mount namespace below that of the test."""
    unit = settings()
    calls = system_calls(unit["SystemCallFilter"])
    command = unit["ExecStart"][0].replace("%S", str(STATE)).split()
    environment = {name: os.environ[name] for name in ("NOTIFY_SOCKET", "JOURNAL_STREAM")}
    hide_the_system(unit)
    os.chdir("/")
    drop_privileges(unit)
    restrict_system_calls(unit, calls)
    os.execve(command[0], command, {"PATH": "/usr/bin:/bin", **environment})


# The test, as root in a mount namespace.


def readme(beginning):
    """Runs the command of README.md that begins with these words, without sudo."""
    line = next(line for line in README.read_text().splitlines() if line.startswith(f"sudo {beginning}"))
    done = run(*line.split()[1:])
    check(done.returncode == 0, f"{line}: {done.stderr}")
    return done.stdout.strip()


def command(*words):
    done = run(*words[:2], "--data-dir", DIRECTORY, *words[2:])
    check(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout.strip()


@contextlib.contextmanager
def service(printed):
    """Runs the server from READY=1 to STOPPING=1, with its output in a file."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Path("/run/notify").unlink(missing_ok=True)
    manager.bind("/run/notify")
    manager.settimeout(TIMEOUT)
    os.chmod("/run/notify", 0o777)

    def wait_for_state(expected):
        try:
            state = manager.recv(64).decode()
        except TimeoutError:
            check(False, f"no {expected} within {TIMEOUT} s:\n{printed.read_text()}")
        check(state == expected, f"{state} instead of {expected}")

    with printed.open("w") as journal:
        there = os.fstat(journal.fileno())
        variables = {"NOTIFY_SOCKET": "/run/notify", "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        become = ["unshare", "--mount", sys.executable, __file__, "--become-the-server"]
        server = subprocess.Popen(
            become, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=journal, stderr=journal
        )
    try:
        wait_for_state("READY=1")
        yield server.pid
        server.terminate()
        wait_for_state("STOPPING=1")
        check(server.wait(TIMEOUT) == 0, f"exit code {server.returncode}:\n{printed.read_text()}")
    finally:
        server.kill()


def join_and_say(invite, text, printed):
    joined = run("kabar", "join", invite, "--name", "guest", "--data-dir", "/run/guest", input=f"{text}\n")
    check(joined.returncode == 0, f"kabar join: {joined.stderr}{printed.read_text()}")
    deadline = time.monotonic() + TIMEOUT
    while f": {text}\n" not in printed.read_text():
        check(time.monotonic() < deadline, f"does not print what the guest says:\n{printed.read_text()}")
        time.sleep(0.05)


def serve():
    """Does what README.md describes: starts, reads the invite, reloads, makes a backup, restores it."""
    printed = Path("/run/journal")
    with service(printed) as process:
        invite = readme("kabar-server invite")
        check(invite.rsplit(".")[-1] not in printed.read_text(), "the invite is in the journal")
        join_and_say(invite, "hello", printed)
        reload = settings()["ExecReload"][0].replace("$MAINPID", str(process))
        check(run(*reload.split()).returncode == 0, "cannot be reloaded")
        check("guest: hello" in command("kabar-server", "history"), "hello is not in the history")
        check(command("kabar-server", "ctl", "stats"), "cannot be operated")
        command("kabar-server", "backup", "/run/backup.db")
        if any(name != "lo" for _, name in socket.if_nameindex()):
            check("//127.0.0.1" not in invite, f"the invite names no address of this computer: {invite}")
    owners = {path: path.lstat().st_uid for path in (STATE / "private").rglob("*")}
    strangers = [str(path) for path, owner in owners.items() if owner != USER]
    check(not strangers, f"commands of root left {strangers}")
    command("kabar-server", "restore", "/run/backup.db")
    renewed = command("kabar-server", "invite", "--new")
    readme("chown")
    with service(printed):
        join_and_say(renewed, "hello again", printed)
        check(run("kabar", "join", invite, "--data-dir", tempfile.mkdtemp()).returncode != 0, "the old invite works")
    print("works under its restrictions, as README.md describes; the invite is not in its output")


def in_a_namespace(programs):
    """Puts the server where the unit expects it, in this mount namespace only."""
    mount("--make-rprivate", "/")
    for place in (PLACE, STATE, Path("/run")):
        mount("-t", "tmpfs", "tmpfs", place)
    for name in ("kabar-server", "kabar"):
        shutil.copy(Path(programs, name), PLACE)
    # As DynamicUser= with StateDirectory= does.
    unit = settings()
    check(unit["DynamicUser"] == ["yes"] and unit["StateDirectory"] == [DIRECTORY.name], "keeps data elsewhere")
    private = STATE / "private" / DIRECTORY.name
    private.parent.mkdir(mode=0o700)
    private.mkdir(mode=int(unit["StateDirectoryMode"][0], 8))
    os.chown(private, USER, USER)
    DIRECTORY.symlink_to(f"private/{DIRECTORY.name}")
    os.environ["PATH"] = f"{PLACE}:{os.environ['PATH']}"
    verify()
    serve()


def main():
    match sys.argv[1:]:
        case ["--become-the-server"]:
            become_the_server()
        case ["--in-a-namespace", programs]:
            in_a_namespace(programs)
        case [_] if not shutil.which("systemd-analyze"):
            print("NOT TRIED: there is no systemd-analyze on this computer")
        case [_] if os.geteuid() != 0:
            rate()
            print("NOT TRIED: to verify the unit and to run the server under its restrictions needs root")
        case [programs]:
            rate()
            inside = [sys.executable, __file__, "--in-a-namespace", programs]
            sys.exit(subprocess.run(["unshare", "--mount", *inside], check=False).returncode)
        case _:
            sys.exit(__doc__)


main()
