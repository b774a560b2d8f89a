import assert from 'node:assert/strict';
import * as ldap from 'ldapts';
import type { Change, Pair } from '../../../../src/blob/pair.ts';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import type { Link } from '../../../../src/directory/active-directory/connect/connection.ts';
import { changesOf, settleLostReply, swapPair } from '../../../../src/directory/active-directory/write/swap.ts';
import { refusal } from '../../../../src/directory/active-directory/write/swap-errors.ts';
import { MsmqCertError } from '../../../../src/errors.ts';

const user = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: null, protected: false };
const address = parseLdapUrl('ldaps://dc1');
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const digest = (fill: number) => new Uint8Array(16).fill(fill);
const before: Pair = { blob: bytes('old'), digests: [digest(1), digest(2)] };
const change: Change = { blob: bytes('new'), digestsToAdd: [digest(3)], digestsToDelete: [digest(1)] };

describe('the sections of a swap', () => {
  const sections = (pair: Pair, to: Change) =>
    changesOf(pair, to).map(
      ({ operation, modification }) => `${operation} ${modification.type} ${modification.values.length}`,
    );

  it('compares and writes both attributes, in the order of the specification', () => {
    assert.deepEqual(sections(before, change), [
      'delete mSMQSignCertificates 1',
      'add mSMQSignCertificates 1',
      'delete mSMQDigests 1',
      'add mSMQDigests 1',
    ]);
  });

  it('only adds when there was nothing', () => {
    const first = { ...change, digestsToDelete: [] };
    assert.deepEqual(sections({ blob: null, digests: [] }, first), ['add mSMQSignCertificates 1', 'add mSMQDigests 1']);
  });

  it('deletes the exact old blob when nothing is left', () => {
    const last = { blob: null, digestsToAdd: [], digestsToDelete: [digest(1), digest(2)] };
    assert.deepEqual(sections(before, last), ['delete mSMQSignCertificates 1', 'delete mSMQDigests 2']);
    assert.deepEqual(changesOf(before, last)[0]?.modification.values, [Buffer.from('old')]);
  });

  it('compares a blob that stays as it is', () => {
    const same = { blob: bytes('old'), digestsToAdd: [], digestsToDelete: [digest(2)] };
    assert.deepEqual(sections(before, same), [
      'delete mSMQSignCertificates 1',
      'add mSMQSignCertificates 1',
      'delete mSMQDigests 1',
    ]);
  });
});

describe('a swap that needs no server', () => {
  const refuse = async () => {
    throw new Error('nothing may be sent');
  };
  const link: Link = { connection: refuse, close: refuse };
  const context = { link, address, reread: refuse, writableServer: refuse };

  it('has nothing to write', async () => {
    const nothing = { blob: null, digestsToAdd: [], digestsToDelete: [] };
    assert.deepEqual(await swapPair(context, user, { blob: null, digests: [] }, nothing), { kind: 'swapped' });
  });

  it('is larger than a domain controller takes', async () => {
    const large = { ...change, blob: new Uint8Array(10_485_760) };
    const outcome = await swapPair(context, user, before, large);
    assert.equal(outcome.kind === 'refused' && outcome.error.code, 'directory-limit');
  });
});

describe('what a refusal means', () => {
  const writableServer = async () => 'dc1.corp.example';
  const codeOf = async (error: unknown, to: Change = change, url = 'ldaps://dc1') => {
    const outcome = await refusal({ address: parseLdapUrl(url), writableServer }, user, to, error);
    return outcome.kind === 'refused' ? outcome.error.code : outcome.kind;
  };
  const windows: [says: string, error: Error, code: string][] = [
    ['the old blob is gone', new ldap.NoSuchAttributeError('00002085: AtrErr: DSID-031514A2, #1:'), 'conflict'],
    ['the attribute is gone', new ldap.NoSuchAttributeError('00002084: AtrErr: DSID-031514A2, #1:'), 'conflict'],
    [
      'the attribute is unknown',
      new ldap.NoSuchAttributeError(
        '00000057: LdapErr: DSID-0C090F14, comment: Error in attribute conversion operation, data 0\0',
      ),
      'directory-schema',
    ],
    ['the attribute is not defined', new ldap.UndefinedTypeError('00002065'), 'directory-schema'],
    ['the value is there', new ldap.TypeOrValueExistsError('00002083: AtrErr'), 'conflict'],
    ['a second blob', new ldap.ConstraintViolationError('00002081: AtrErr: DSID-031513F0, #1:'), 'conflict'],
    ['no right', new ldap.InsufficientAccessError('00002098: SecErr: DSID-03151E07, problem 4003'), 'access-denied'],
    [
      'too many values',
      new ldap.AdminLimitExceededError('00002024: SvcErr: DSID-020C02C5, problem 5008 (ADMIN_LIMIT_EXCEEDED)'),
      'directory-limit',
    ],
    ['a referral', new ldap.UnknownStatusCodeError(10, '0000202B: RefErr: DSID-03100781'), 'referral'],
    ['no such object', new ldap.NoSuchObjectError('0000208D: NameErr'), 'user-not-found'],
    ['busy', new ldap.BusyError(), 'directory-busy'],
    ['unavailable', new ldap.UnavailableError(), 'directory-busy'],
    ['unwilling', new ldap.UnwillingToPerformError('0000001F'), 'directory-error'],
    ['a constraint that is not the size', new ldap.ConstraintViolationError('00002082'), 'directory-error'],
    ['something else', new ldap.UnknownStatusCodeError(80, 'other'), 'directory-error'],
  ];
  for (const [says, error, code] of windows) {
    it(`${says}: ${code}`, async () => {
      assert.equal(await codeOf(error), code);
    });
  }

  it('is the size when the blob is over a mebibyte', async () => {
    const long = { ...change, blob: new Uint8Array(1_048_577) };
    assert.equal(await codeOf(new ldap.ConstraintViolationError('00002082'), long), 'directory-limit');
    assert.equal(await codeOf(new ldap.InvalidSyntaxError(), long), 'directory-limit');
  });

  it('is the wrong port on a global catalog', async () => {
    assert.equal(await codeOf(new ldap.UnwillingToPerformError(), change, 'ldaps://dc1:3269'), 'referral');
  });

  it('names a server that can be written, if there is one to be named', async () => {
    const referral = new ldap.UnknownStatusCodeError(10, '0000202B');
    const hint = async (server: () => Promise<string | null>) => {
      const outcome = await refusal({ address, writableServer: server }, user, change, referral);
      return outcome.kind === 'refused' ? outcome.error.hint : undefined;
    };
    assert.match((await hint(writableServer)) ?? '', /dc1\.corp\.example/);
    assert.match((await hint(() => Promise.reject(new Error('gone')))) ?? '', /not read-only/);
  });

  it('tells a protected account from one without the right', async () => {
    const error = new ldap.InsufficientAccessError();
    const hints = [true, false].map(async (guarded) => {
      const outcome = await refusal({ address, writableServer }, { ...user, protected: guarded }, change, error);
      return outcome.kind === 'refused' && outcome.error.hint?.includes('adminCount');
    });
    assert.deepEqual(await Promise.all(hints), [true, false]);
  });
});

describe('a reply that was lost', () => {
  const lost = { context: { address }, user, before, change, cause: new Error('closed') };
  const gone = () => new MsmqCertError('directory-unreachable', 'gone');
  const failing = (times: number, error: () => Error, then: Pair) => {
    let left = times;
    return async () => {
      if (left-- > 0) throw error();
      return then;
    };
  };

  it('is settled by what is there once the directory can be asked again', async () => {
    const done = { blob: bytes('new'), digests: [digest(2), digest(3)] };
    assert.deepEqual(await settleLostReply(failing(2, gone, done), lost, [0, 0, 0]), { kind: 'swapped' });
    assert.deepEqual(await settleLostReply(failing(2, gone, before), lost, [0, 0, 0]), { kind: 'conflict' });
  });

  it('leaves the outcome unknown when the directory stays away', async () => {
    const attempt = settleLostReply(failing(3, gone, before), lost, [0, 0, 0]);
    await assert.rejects(attempt, {
      code: 'directory-unreachable',
      message: /CORP\\alice.*outcome is unknown/,
      hint: /same command again/,
    });
  });

  it('does not try a refused bind again and again', async () => {
    let asked = 0;
    const refused = async () => {
      asked++;
      throw new MsmqCertError('bind-refused', 'locked out');
    };
    await assert.rejects(settleLostReply(refused, lost, [0, 0, 0]), { message: /outcome is unknown/ });
    assert.equal(asked, 1);
  });
});
