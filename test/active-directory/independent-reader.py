"""Reads a raw mSMQSignCertificates value on standard input and prints its entries as JSON.

Written against [MS-MQMQ] 2.2.21 and 2.2.22 with nothing of the project: hashlib and openssl check what the codec says.
Exit code 1, with the byte offset on standard error, when the value does not end exactly after its last entry.
"""

import hashlib
import json
import struct
import subprocess
import sys
import uuid


def take(blob, offset, size):
    if offset + size > len(blob):
        sys.exit(f"the value ends inside a field at byte {offset}: {size} wanted, {len(blob) - offset} left")
    return blob[offset:offset + size], offset + size


def openssl_subject(certificate):
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"]
    result = subprocess.run(command, input=certificate, capture_output=True, check=False)
    if result.returncode != 0:
        return None
    return result.stdout.decode("utf-8").strip().removeprefix("subject=")


def entries(blob):
    header, offset = take(blob, 0, 4)
    (count,) = struct.unpack("<I", header)
    for _ in range(count):
        start = offset
        digest, offset = take(blob, offset, 16)
        identifier, offset = take(blob, offset, 16)
        length, offset = take(blob, offset, 4)
        certificate, offset = take(blob, offset, struct.unpack("<I", length)[0])
        yield {
            "offset": start,
            "digest": digest.hex(),
            "md5": hashlib.md5(certificate, usedforsecurity=False).hexdigest(),
            "identifier": str(uuid.UUID(bytes_le=identifier)),
            "bytes": len(certificate),
            "subject": openssl_subject(certificate),
        }
    if offset != len(blob):
        sys.exit(f"{len(blob) - offset} bytes follow the last entry at byte {offset}")


print(json.dumps(list(entries(sys.stdin.buffer.read()))))
