import { hash } from 'node:crypto';

/** What a derived value is for; the number goes into the derivation (RFC 7292 appendix B.3). */
export type Purpose = 'key' | 'iv' | 'mac';

export interface Derivation {
  hashName: 'sha1' | 'sha256';
  passphrase: string;
  salt: Uint8Array;
  iterations: number;
}

const diversifiers: Record<Purpose, number> = { key: 1, iv: 2, mac: 3 };

/** Bytes in a block of both SHA-1 and SHA-256. */
const BLOCK = 64;

/** Derives `bytes` bytes from a passphrase as PKCS #12 does (RFC 7292 appendix B.2). */
export function derive(
  purpose: Purpose,
  bytes: number,
  { hashName, passphrase, salt, iterations }: Derivation,
): Buffer {
  const diversifier = Buffer.alloc(BLOCK, diversifiers[purpose]);
  const input = Buffer.concat([repeatToBlocks(salt), repeatToBlocks(bmpBytes(passphrase))]);
  const blocks: Buffer[] = [];
  for (let derived = 0; derived < bytes; ) {
    const block = hashRepeatedly(hashName, Buffer.concat([diversifier, input]), iterations);
    blocks.push(block);
    derived += block.length;
    addToEachBlock(input, block);
  }
  return Buffer.concat(blocks, bytes);
}

/** A passphrase is a BMPString that ends with a zero character (RFC 7292 appendix B.1). */
function bmpBytes(passphrase: string): Buffer {
  return Buffer.from(`${passphrase}\0`, 'utf16le').swap16();
}

function hashRepeatedly(hashName: string, input: Buffer, iterations: number): Buffer {
  const digest = hash(hashName, input, 'buffer');
  // A string out of the hash and back into the same buffer takes a quarter of the time of a new buffer each time.
  for (let done = 1; done < iterations; done++) digest.write(hash(hashName, digest, 'binary'), 'latin1');
  return digest;
}

function repeatToBlocks(bytes: Uint8Array): Buffer {
  const length = Math.ceil(bytes.length / BLOCK) * BLOCK;
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes);
}

/** Each block of the input, as a big-endian number, plus the derived block repeated to its size, plus one. */
function addToEachBlock(input: Buffer, derived: Buffer): void {
  const addend = Buffer.alloc(BLOCK, derived);
  for (let start = 0; start < input.length; start += BLOCK) {
    let carry = 1;
    for (let index = BLOCK - 1; index >= 0; index--) {
      const sum = input.readUInt8(start + index) + addend.readUInt8(index) + carry;
      input.writeUInt8(sum & 0xff, start + index);
      carry = sum >> 8;
    }
  }
}
