import assert from 'node:assert/strict';
import { runMsmqCert } from './msmq-cert.ts';

describe('commands for the machine where MSMQ signs', () => {
  const commands = [
    ['install', 'a.pfx'],
    ['install', '--internal'],
    ['uninstall', '--digest', '40be3a77192523089faf95795a5be520'],
    ['request'],
    ['installed'],
  ];
  for (const words of commands) {
    it(`${words[0]} says in one sentence where it runs`, async () => {
      const { code, stderr } = await runMsmqCert(words);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^error\\[not-available\\]: ${words[0]} runs on Windows`));
      assert.equal(stderr.trimEnd().split('\n').length, 2);
    });
  }
});
