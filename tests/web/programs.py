"""The programs under test: a server, clients at pipes, and `kabar web`, each with its data in one folder."""

import os
import queue
import re
import signal
import subprocess
import threading
import time

TIMEOUT = 30

# Where cargo and rustup have their files, by the variable that names it: not in the home of a program under test.
TOOLS = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}


class Program:
    """A program with pipes. Its output is read line by line."""

    def __init__(self, command, home, extra=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KABAR", "LC_"))}
        environment.update(HOME=home, XDG_DATA_HOME=f"{home}/share", TZ="UTC", LANG="C.UTF-8")
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
        environment.update(extra or {})
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
            start_new_session=True,
        )
        self.lines = []
        self.waiting = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.waiting.put(line.rstrip("\n"))
        self.waiting.put(None)

    def saw(self, part):
        """Waits for a line that contains `part`, unless there was one."""
        return next((line for line in self.lines if part in line), None) or self.expect(part)

    def expect(self, part, timeout=TIMEOUT):
        """Waits for the next line that contains `part`."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self.waiting.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line with {part!r} in:\n" + "\n".join(self.lines))
            self.lines.append(line)
            if part in line:
                return line

    def type(self, text):
        self.child.stdin.write(text)
        self.child.stdin.flush()

    def kill(self):
        """Kills it and the programs that it has started."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """Ends it as Ctrl-C does, and returns its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        try:
            return self.child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the program does not end") from None


class World:
    """A server, and everybody who is in its room."""

    def __init__(self, programs, home):
        self.programs, self.home, self.running, self.address = programs, home, [], "127.0.0.1:0"
        self.server = self._start_server()

    def start(self, name, *arguments, who, environment=None):
        home = f"{self.home}/{who}"
        os.makedirs(home, exist_ok=True)
        program = Program([f"{self.programs}/{name}", *arguments], home, environment)
        self.running.append(program)
        return program

    def _start_server(self):
        options = ["--listen", self.address, "--key-bits", "2048", "--post-rate", "off"]
        server = self.start("kabar-server", *options, who="server")
        self.invite = re.search(r"kabar://\S+", server.expect("kabar://")).group()
        self.address = re.match(r"kabar://([^/]+)/", self.invite).group(1)
        return server

    def restart_server(self):
        self.server = self._start_server()

    def pipe(self, name, *arguments):
        """A client in line mode."""
        client = self.start("kabar", "join", self.invite, "--name", name, *arguments, who=name)
        client.expect("Joined lobby")
        return client

    def device(self, name):
        """An emulated device."""
        tools = {key: os.environ.get(key, os.path.expanduser(f"~/{folder}")) for key, folder in TOOLS.items()}
        options = ["--name", name, "--ephemeral", "--every", "1000"]
        device = self.start("kabar-qemu", self.invite, *options, who=name, environment=tools)
        # The firmware may have to be built.
        device.expect("joined", timeout=180)
        return device

    def web(self, name, *arguments, environment=None):
        """`kabar web`, with the address of its page."""
        options = ["web", self.invite, "--name", name, "--no-open", *arguments]
        program = self.start("kabar", *options, who=name, environment=environment)
        program.url = re.search(r"http://\S+", program.expect("http://")).group()
        program.origin = program.url.split("/enter")[0]
        return program

    def end(self):
        for program in self.running:
            if program.child.poll() is None:
                program.kill()
