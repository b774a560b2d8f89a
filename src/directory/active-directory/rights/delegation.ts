import { type Entry, EqualityFilter } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import { accountOf, fallbackDomain, parseUserName, sidBytes, sidText } from '../../names.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { netbiosName } from '../read/root-dse.ts';
import { BLOB, DIGESTS } from '../read/search.ts';
import { bytesOf, textOf } from '../read/users.ts';
import { BLOB_ATTRIBUTE, DIGESTS_ATTRIBUTE } from './attribute-schema.ts';

/** How to give a group or an account the right to read and write the two attributes of the users below a container. */
export interface Delegation {
  trustee: string;
  sid: string;
  ou: string;
  /** For a Windows command prompt. */
  dsacls: string;
  /** For a shell on a Samba domain controller. */
  sambaTool: string;
}

const USER_CLASS = 'bf967aba-0de6-11d0-a285-00aa003049e2';

/**
 * The least privilege that a provisioning account needs: read and write of the two attributes, inherited to the user
 * objects below `ou`, and nothing else (specification §3).
 * @throws MsmqCertError usage when the group or the container is not there
 */
export async function delegationFor(directory: ActiveDirectory, group: string, ou: string): Promise<Delegation> {
  const { search, rootDse } = directory;
  const [container] = await search(ou, { scope: 'base', attributes: ['1.1'] });
  if (container === undefined) {
    throw new MsmqCertError('usage', `there is no container "${ou}" in the directory`, {
      hint: `give the distinguished name of an organizational unit, such as OU=Users,${rootDse.defaultNamingContext}`,
    });
  }
  const entry = await findTrustee(directory, group);
  const sid = sidText(bytesOf(entry, 'objectSid') ?? Buffer.alloc(0));
  const netbios = (await netbiosName(search, rootDse)) ?? fallbackDomain(rootDse.defaultNamingContext);
  const trustee = accountOf(netbios, textOf(entry, 'sAMAccountName') ?? sid);
  const rights = [BLOB, DIGESTS].map((attribute) => `"${trustee}:RPWP;${attribute};user"`);
  const entries = [BLOB_ATTRIBUTE, DIGESTS_ATTRIBUTE].map(
    ({ schemaId }) => `(OA;CIIO;RPWP;${schemaId};${USER_CLASS};${sid})`,
  );
  const target = quotable(container.dn);
  return {
    trustee,
    sid,
    ou: container.dn,
    dsacls: `dsacls "${target}" /I:S /G ${rights.join(' ')}`,
    sambaTool: `samba-tool dsacl set --objectdn='${target}' --sddl='${entries.join('')}'`,
  };
}

async function findTrustee({ search, rootDse }: ActiveDirectory, group: string): Promise<Entry> {
  const name = parseUserName(group);
  const options = { attributes: ['objectSid', 'sAMAccountName'], explicitBufferAttributes: ['objectSid'] };
  const having = (attribute: string, value: string | Buffer) =>
    search(rootDse.defaultNamingContext, {
      ...options,
      scope: 'sub',
      filter: new EqualityFilter({ attribute, value }),
    });
  const found = await {
    dn: () => search(group, { ...options, scope: 'base' }),
    sid: () => having('objectSid', sidBytes(group)),
    upn: () => having('userPrincipalName', group),
    qualified: () => having('sAMAccountName', group.slice(group.indexOf('\\') + 1)),
    sam: () => having('sAMAccountName', group),
  }[name.kind]();
  const [entry] = found.filter((each) => bytesOf(each, 'objectSid') !== null);
  if (entry !== undefined) return entry;
  throw new MsmqCertError('usage', `there is no group or account "${group}" in the directory`, {
    hint: 'name it as sAMAccountName, DOMAIN\\group, distinguished name or SID',
  });
}

/** Characters that a command prompt or a shell would act on inside quotes, as escapes of the name itself (RFC 4514). */
function quotable(dn: string): string {
  return dn.replace(/\\?(["'%$`!])/g, (_, character: string) => `\\${character.charCodeAt(0).toString(16)}`);
}
