#!/usr/bin/env python3
"""The USIM of eapol_test, which Debian builds without one (run it with external_sim=1 and a ctrl_interface).

Attaches to the control socket in --ctrl and answers each CTRL-REQ-SIM with MILENAGE (TS 35.206): UMTS-AUTH after it has checked the
network's MAC, GSM-AUTH by the conversion functions of TS 33.102 6.8.1.2. With --sqn-ms it asks for resynchronisation (TS 33.102 6.3.5)
once where the network's SQN is not greater. --wrong-res spoils RES.
One line of output for each request. Needs python3-cryptography.
"""
import argparse
import binascii
import glob
import os
import socket
import sys
import tempfile
import time
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def rotate(octets, bits):
    return octets[bits // 8:] + octets[:bits // 8]


class Milenage:
    def __init__(self, k, opc):
        self.opc = opc
        self.aes = Cipher(algorithms.AES(k), modes.ECB())

    def encrypt(self, block):
        encryptor = self.aes.encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def out(self, rand, rotation, constant):
        temp = self.encrypt(xor(rand, self.opc))
        mixed = xor(rotate(xor(temp, self.opc), rotation), bytes(15) + bytes([constant]))
        return xor(self.encrypt(mixed), self.opc)

    def f1(self, rand, sqn, amf):
        """MAC-A and MAC-S."""
        temp = self.encrypt(xor(rand, self.opc))
        in1 = (sqn + amf) * 2
        out = xor(self.encrypt(xor(temp, rotate(xor(in1, self.opc), 64))), self.opc)
        return out[:8], out[8:]

    def f2345(self, rand):
        """RES, CK, IK, AK, AK*."""
        out2 = self.out(rand, 0, 1)
        return out2[8:], self.out(rand, 32, 2), self.out(rand, 64, 4), out2[:6], self.out(rand, 96, 8)[:6]


class Usim:
    def __init__(self, milenage, sqn_ms, wrong_res):
        self.milenage = milenage
        self.sqn_ms = sqn_ms
        self.wrong_res = wrong_res
        self.resynchronised = False

    def umts(self, rand, autn):
        res, ck, ik, ak, ak_star = self.milenage.f2345(rand)
        sqn, amf, mac = xor(autn[:6], ak), autn[6:8], autn[8:]
        if self.milenage.f1(rand, sqn, amf)[0] != mac:
            return "UMTS-FAIL", "the network's MAC is wrong"
        stale = self.sqn_ms is not None and int.from_bytes(sqn, "big") <= self.sqn_ms
        if stale and not self.resynchronised:
            ms = self.sqn_ms.to_bytes(6, "big")
            self.resynchronised = True
            auts = xor(ms, ak_star) + self.milenage.f1(rand, ms, b"\0\0")[1]
            return "UMTS-AUTS:" + auts.hex(), f"SQN {sqn.hex()} is stale, AUTS for {ms.hex()}"
        if self.wrong_res:
            res = bytes(len(res))
        return f"UMTS-AUTH:{ik.hex()}:{ck.hex()}:{res.hex()}", f"SQN {sqn.hex()} AMF {amf.hex()} accepted"

    def gsm(self, rands):
        triplets = []
        for rand in rands:
            res, ck, ik, _, _ = self.milenage.f2345(rand)
            kc = xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:]))
            triplets.append(f"{kc.hex()}:{xor(res[:4], res[4:]).hex()}")
        return "GSM-AUTH:" + ":".join(triplets), f"{len(rands)} triplets"

    def answer(self, kind, values):
        octets = [binascii.unhexlify(value) for value in values]
        return self.gsm(octets) if kind == "GSM-AUTH" else self.umts(octets[0], octets[1])


def attach(folder, patience):
    end = time.time() + patience
    while time.time() < end:
        found = glob.glob(os.path.join(folder, "*"))
        if found:
            return found[0]
        time.sleep(0.02)
    sys.exit(f"no control socket appeared in {folder} within {patience} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ctrl", required=True)
    parser.add_argument("--k", required=True)
    parser.add_argument("--opc", required=True)
    parser.add_argument("--sqn-ms")
    parser.add_argument("--wrong-res", action="store_true")
    parser.add_argument("--timeout", type=float, default=30)
    args = parser.parse_args()
    milenage = Milenage(binascii.unhexlify(args.k), binascii.unhexlify(args.opc))
    usim = Usim(milenage, int(args.sqn_ms, 16) if args.sqn_ms else None, args.wrong_res)
    own = tempfile.mktemp(prefix="eap-usim-")
    control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control.bind(own)
    try:
        control.connect(attach(args.ctrl, args.timeout))
        control.send(b"ATTACH")
        control.settimeout(args.timeout)
        while True:
            try:
                message = control.recv(4096).decode(errors="replace")
            except (socket.timeout, ConnectionError):
                return
            if "CTRL-EVENT-TERMINATING" in message:
                return
            if "CTRL-REQ-SIM-" not in message:
                continue
            # CTRL-REQ-SIM-<network>:<kind>:<value>:… needed for SSID …
            number, kind, *values = message.split("CTRL-REQ-SIM-")[1].split(" ")[0].split(":")
            reply, why = usim.answer(kind, values)
            print(kind, why, flush=True)
            control.send(f"CTRL-RSP-SIM-{number}:{reply}".encode())
    finally:
        os.unlink(own)


if __name__ == "__main__":
    main()
