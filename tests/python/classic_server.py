"""A server of the classic dialect, written from its description alone (SPEC 11), for tests.

    python3 tests/python/classic_server.py [--password WORD] [--small-key] [--silent | --deaf]

It prints `port N`, then a line of JSON for each datagram that it reads. Lines of its standard input
are commands: `say NAME TEXT` is a line of another member, `raw TEXT` a datagram to everyone.
"""

import argparse
import binascii
import json
import random
import socket
import sys
import threading
import time

HISTORY = 50


def primes(low, high):
    return [n for n in range(low, high) if all(n % d for d in range(2, int(n**0.5) + 1))]


def key_pair(small):
    """E, D, N of two different primes between 1000 and 50000."""
    if small:
        p, q = 1009, 1013
    else:
        p, q = random.sample(primes(40_000, 50_000), 2)
    phi = (p - 1) * (q - 1)
    while True:
        e = random.randrange(3, phi)
        try:
            return e, pow(e, -1, phi), p * q
        except ValueError:
            continue


def stamp():
    return time.strftime("[%Y-%m-%d %H:%M:%S]")


class Server:
    def __init__(self, options):
        self.options = options
        self.e, self.d, self.n = key_pair(options.small_key)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.names = {}
        self.history = [f"{stamp()} darryl: the first line", f"{stamp()} darryl: the second line: last"]

    def send(self, address, text):
        self.socket.sendto(text.encode(), address)

    def tell(self, line, but=None):
        for address in self.names:
            if address != but:
                self.send(address, line)

    def decrypt(self, datagram):
        """None if a number is no code point."""
        points = [pow(int(number), self.d, self.n) for number in datagram.decode().split(",")]
        return None if any(point > 0x10FFFF for point in points) else "".join(map(chr, points))

    def handle(self, datagram, address):
        if datagram == b"GET_PUBLIC_KEY":
            if not self.options.silent:
                self.send(address, f"{self.e},{self.n}")
            return
        text = self.decrypt(datagram)
        print(json.dumps({"bytes": len(datagram), "text": text}), flush=True)
        if self.options.deaf:
            return
        if text is None:
            self.send(address, "Invalid message format.")
        elif address in self.names:
            self.post(text, address)
        else:
            self.log_in(text, address)

    def log_in(self, text, address):
        if text.count(":") != 1:
            return self.send(address, "Invalid message format.")
        name, password = text.split(":")
        if password != self.options.password:
            return self.send(address, "Incorrect password.")
        if name == "darryl" or name in self.names.values():
            return self.send(address, "Name already taken.")
        self.tell(f"{stamp()} {name} has joined the chat!")
        self.names[address] = name
        self.send(address, f"{name} joined!")
        self.send(address, "Password accepted. You are now connected.")
        for line in self.history[-HISTORY:]:
            self.send(address, line)

    def post(self, text, address):
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not parts[2].isdecimal():
            return self.send(address, "Invalid message format.")
        name, message, crc = parts
        if binascii.crc32(message.encode()) != int(crc):
            return self.send(address, "Message integrity compromised!")
        line = f"{stamp()} {name}: {message}"
        self.history.append(line)
        self.tell(line, address)

    def take_commands(self):
        for line in sys.stdin:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "say":
                name, _, text = rest.partition(" ")
                self.tell(f"{stamp()} {name}: {text}")
            elif word == "raw":
                self.tell(rest)

    def run(self):
        print(f"port {self.socket.getsockname()[1]}", flush=True)
        threading.Thread(target=self.take_commands, daemon=True).start()
        while True:
            self.handle(*self.socket.recvfrom(1024))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--password", default="rahasia")
    parser.add_argument("--small-key", action="store_true")
    parser.add_argument("--silent", action="store_true", help="does not answer with its key")
    parser.add_argument("--deaf", action="store_true", help="answers with its key, then nothing")
    Server(parser.parse_args()).run()


if __name__ == "__main__":
    main()
