import assert from 'node:assert/strict';
import type { Computer, Survey } from '../../src/directory/directory.ts';
import { machineRegister } from '../../src/judge/machines.ts';
import type { Registered } from '../../src/judge/state.ts';
import { now, sound, stateOf } from '../plan/states.ts';

const day = 86_400_000;
const daysAgo = (days: number) => new Date(now.getTime() - days * day);

function computer(name: string, changes: Partial<Computer> = {}): Computer {
  const dnsName = `${name.toLowerCase()}.corp.example`;
  return { name, commonName: null, dnsName, disabled: false, lastLogon: daysAgo(3), ...changes };
}

function registerOf(computers: Computer[], reach: Survey['reach'] = { kind: 'forest' }) {
  const register = machineRegister(reach, { now, machineInactiveMs: 180 * day });
  for (const each of computers) register.add(each);
  return (registered: Registered) => register.judge(registered);
}

function forMachine(machine: string | null): Registered {
  const [registered] = stateOf([sound(machine)]).entries;
  assert.ok(registered);
  return registered;
}

describe('machines of certificates', () => {
  it('are gone, disabled or inactive', () => {
    const judge = registerOf([
      computer('PC-1'),
      computer('PC-2', { disabled: true }),
      computer('PC-3', { lastLogon: daysAgo(181) }),
      computer('PC-4', { lastLogon: null }),
      computer('PC-5', { lastLogon: daysAgo(179) }),
    ]);
    const findings = ['PC-1', 'PC-2', 'PC-3', 'PC-4', 'PC-5', 'PC-6'].map((name) => judge(forMachine(name)));
    assert.deepEqual(findings, [null, 'machine-disabled', 'machine-inactive', null, null, 'machine-gone']);
  });

  it('are known by account name, host name and full name, without case', () => {
    const judge = registerOf([computer('LONG-HOST-NAME-', { dnsName: 'long-host-name-1.corp.example' })]);
    for (const name of ['long-host-name-', 'Long-Host-Name-1', 'LONG-HOST-NAME-1.corp.example']) {
      assert.equal(judge(forMachine(name)), null, name);
    }
    assert.equal(judge(forMachine('long-host-name-1.other.example')), 'machine-gone');
    assert.equal(judge(forMachine('long-host-name-2')), 'machine-gone');
  });

  it('are as good as the best of the computers with one name', () => {
    const other = computer('PC-1', { dnsName: 'pc-1.other.example', disabled: true });
    assert.equal(registerOf([other, computer('PC-1')])(forMachine('pc-1')), null);
    assert.equal(registerOf([other, computer('PC-1')])(forMachine('pc-1.other.example')), 'machine-disabled');
    assert.equal(
      registerOf([other, computer('PC-1', { lastLogon: daysAgo(400) })])(forMachine('pc-1')),
      'machine-inactive',
    );
  });

  it('are not called gone where nothing is known of them', () => {
    assert.equal(registerOf([])(forMachine('PC-1')), null);
    const reach = { kind: 'domain', dnsName: 'corp.example', isWholeForest: false } as const;
    const judge = registerOf([computer('PC-1')], reach);
    assert.equal(judge(forMachine('pc-9.corp.example')), 'machine-gone');
    assert.equal(judge(forMachine('PC-9')), null, 'a bare name may be that of a machine in any domain');
    assert.equal(judge(forMachine('pc-9.berlin.corp.example')), null);
    assert.equal(judge(forMachine('pc-9.other.example')), null);
  });

  it('are gone when the one domain that could be read is the whole forest', () => {
    const reach = { kind: 'domain', dnsName: 'corp.example', isWholeForest: true } as const;
    const judge = registerOf([computer('PC-1')], reach);
    for (const name of ['PC-9', 'pc-9.corp.example', 'pc-9.old.example']) {
      assert.equal(judge(forMachine(name)), 'machine-gone', name);
    }
  });

  it('are not looked for in what is no certificate', () => {
    const [entry] = stateOf([{ machine: null, findings: ['not-a-certificate'], daysLeft: 1 }]).entries;
    assert.ok(entry);
    assert.equal(registerOf([computer('PC-1')])(entry), null);
  });
});
