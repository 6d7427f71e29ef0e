#!/usr/bin/env python3
"""The home location register of hostapd's RADIUS server: answers AKA-REQ-AUTH on a Unix socket with vectors of the SIMs of the bench.

Usage: eap-hlr.py SOCKET. K and OPc of an IMSI are derived as test/compliance/sim-world.ts derives them. Nothing is stored: SQN is the time.
"""
import hashlib
import os
import socket
import sys
import time
from importlib.machinery import SourceFileLoader

here = os.path.dirname(os.path.abspath(__file__))
usim = SourceFileLoader("usim", os.path.join(here, "../emulators/eap-usim.py")).load_module()
cards = {}


def key(text):
    return hashlib.sha256(text.encode()).digest()[:16]


def card(imsi):
    if imsi not in cards:
        number = int(imsi[5:])
        cards[imsi] = usim.Milenage(key(f"k {number}"), key(f"opc {number}"))
    return cards[imsi]


def main():
    path = sys.argv[1]
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    print("ready", flush=True)
    while True:
        message, sender = server.recvfrom(1024)
        words = message.decode().split()
        if words[0] != "AKA-REQ-AUTH":
            continue
        milenage = card(words[1])
        rand, amf = os.urandom(16), b"\x80\x00"
        sqn = (time.time_ns() // 1000 & 0xFFFFFFFFFFFF).to_bytes(6, "big")
        res, ck, ik, ak, _ = milenage.f2345(rand)
        autn = usim.xor(sqn, ak) + amf + milenage.f1(rand, sqn, amf)[0]
        fields = [rand, autn, ik, ck, res]
        server.sendto(f"AKA-RESP-AUTH {words[1]} {' '.join(field.hex() for field in fields)}".encode(), sender)


main()
