import assert from 'node:assert/strict';
import { type Lab, ldapModify, readPassword, startLab } from './lab.ts';
import { labConnections } from './lab-connections.ts';

describe('a bind that the domain controller refuses', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  const { connect, closeAll } = labConnections(() => lab);
  afterEach(closeAll);

  async function set(dn: string, attribute: string, value: string): Promise<void> {
    await ldapModify(lab, `dn: ${dn}\nchangetype: modify\nreplace: ${attribute}\n${attribute}: ${value}\n-\n`);
  }

  /** Changes an attribute of carol for the time of some work. */
  async function whileCarolHas(
    attribute: string,
    value: string,
    after: string,
    work: () => Promise<void>,
  ): Promise<void> {
    await set(lab.accounts.carol.dn, attribute, value);
    try {
      await work();
    } finally {
      await set(lab.accounts.carol.dn, attribute, after);
    }
  }

  const refused = (reason: RegExp) => ({ code: 'bind-refused', message: reason, hint: /./ });
  const withPassword = (password: string) =>
    connect('carol', { credentials: { kind: 'simple', name: lab.accounts.carol.bind, password } });

  it('for a wrong password', async () => {
    await assert.rejects(withPassword('wrong'), refused(/refused "CORP\\carol": the name or the password is wrong$/));
  });

  it('for an account that is disabled', async () => {
    await assert.rejects(connect('disabled'), refused(/refused "CORP\\disabled": the account is disabled$/));
  });

  it('for a password that must be changed', () =>
    whileCarolHas('pwdLastSet', '0', '-1', async () => {
      await assert.rejects(connect('carol'), refused(/the password must be changed before the first logon$/));
    }));

  it('for an account that has expired', () =>
    whileCarolHas('accountExpires', '1', '0', async () => {
      await assert.rejects(connect('carol'), refused(/the account has expired$/));
    }));

  it('for an account that is locked', async () => {
    await set(lab.baseDn, 'lockoutThreshold', '1');
    try {
      await assert.rejects(withPassword('wrong'), refused(/the password is wrong/));
      const password = await readPassword(lab, 'carol');
      await assert.rejects(withPassword(password), refused(/the account is locked out$/));
    } finally {
      await set(lab.baseDn, 'lockoutThreshold', '0');
      await set(lab.accounts.carol.dn, 'lockoutTime', '0');
    }
    assert.equal((await connect('carol')).server, `${lab.url}:636`);
  });
});
