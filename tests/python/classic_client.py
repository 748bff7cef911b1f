#!/usr/bin/env python3
"""A client of the classic dialect (core/SPEC.md, section 11), written from its description alone.

usage: classic_client.py HOST:PORT [NAME PASSWORD]

Asks for a key, prints it, logs in if a name is given, and prints each datagram of the server as a
line. Each line of standard input is a command:

    post MESSAGE    sends NAME:MESSAGE:CRC
    text TEXT       sends any text, encrypted
    raw TEXT        sends any datagram
    key E,N         encrypts with this key from now on
    noise COUNT     sends malformed datagrams, and then prints "noise sent"
"""

import random
import socket
import sys
import threading
import zlib


def encrypt(text, exponent, modulus):
    return ",".join(str(pow(ord(character), exponent, modulus)) for character in text).encode()


def post(name, message):
    return f"{name}:{message}:{zlib.crc32(message.encode())}"


def noise(count):
    """Malformed datagrams of all kinds: bytes, digits and commas, and requests that are not exact."""
    source = random.Random(4711)
    for number in range(count):
        length = source.randrange(1, 1024)
        if number % 3 == 0:
            yield source.randbytes(length)
        elif number % 3 == 1:
            yield "".join(source.choice("0123456789,") for _ in range(length)).encode()
        else:
            yield b"GET_PUBLIC_KEY"[: length % 14] + source.randbytes(length % 3)


def ask_key(server, address):
    server.settimeout(1)
    for _ in range(20):
        server.sendto(b"GET_PUBLIC_KEY", address)
        try:
            answer, _ = server.recvfrom(1024)
        except TimeoutError:
            continue
        exponent, modulus = answer.decode().split(",")
        server.settimeout(None)
        return int(exponent), int(modulus)
    sys.exit("no key")


def receive(server):
    while True:
        # The original reads no more than this.
        datagram, _ = server.recvfrom(1024)
        print(datagram.decode(), flush=True)


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    address = (host.strip("[]"), int(port))
    name, password = sys.argv[2:4] if len(sys.argv) > 3 else (None, None)
    server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    key = ask_key(server, address)
    print("key", "%d,%d" % key, flush=True)
    threading.Thread(target=receive, args=(server,), daemon=True).start()
    if name is not None:
        server.sendto(encrypt(f"{name}:{password}", *key), address)
    for line in sys.stdin:
        command, _, argument = line.rstrip("\n").partition(" ")
        if command == "post":
            server.sendto(encrypt(post(name, argument), *key), address)
        elif command == "text":
            server.sendto(encrypt(argument, *key), address)
        elif command == "raw":
            server.sendto(argument.encode(), address)
        elif command == "key":
            exponent, modulus = argument.split(",")
            key = int(exponent), int(modulus)
        elif command == "noise":
            for datagram in noise(int(argument)):
                server.sendto(datagram, address)
            print("noise sent", flush=True)
        else:
            sys.exit(f"no command: {line}")


if __name__ == "__main__":
    main()
