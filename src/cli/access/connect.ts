import type { Directory, Listing } from '../../directory/directory.ts';
import type { Replicated } from '../../directory/replicas.ts';
import { MsmqCertError } from '../../errors.ts';
import type { DirectorySettings } from '../settings.ts';
import { tell } from '../terminal.ts';

/**
 * Opens the directory that the options name. Each kind of directory is loaded only when it is used.
 * @param use `read` lets --read-from choose a server near by; what is to be written is read where it is written
 * @throws MsmqCertError usage, invalid-config, credentials-missing, and what the directory says
 */
export async function openDirectory(
  settings: DirectorySettings,
  use: 'read' | 'write' = 'write',
): Promise<Directory & Listing & Replicated> {
  const { directory } = settings;
  if (directory === undefined) {
    throw new MsmqCertError('usage', 'no directory is named', {
      hint: 'give --directory ad://corp.example, ldaps://dc1.corp.example or ldif:users.ldif, or set MSMQ_CERT_DIRECTORY',
    });
  }
  if (directory.startsWith('ldif:')) return await openFile(directory.slice('ldif:'.length), settings);
  if (/^ldaps?:/i.test(directory)) return await openServer(directory, settings);
  if (/^ad:/i.test(directory)) return await openDomain(directory, settings, use);
  throw new MsmqCertError('usage', `the directory ${directory} is of no known kind`, {
    hint: 'it starts with ad://, ldaps://, ldap:// or ldif:',
  });
}

/** As {@link openDirectory}, but an LDIF file is gone through without the index of its names, which grows with the users. */
export async function openForListing(
  settings: DirectorySettings,
  use: 'read' | 'write',
): Promise<Directory & Listing & Replicated> {
  const { directory } = settings;
  if (!directory?.startsWith('ldif:')) return await openDirectory(settings, use);
  return await openFile(directory.slice('ldif:'.length), settings, 'when-needed');
}

async function openFile(
  file: string,
  { domain, baseDn }: DirectorySettings,
  index: 'at-open' | 'when-needed' = 'at-open',
): Promise<Directory & Listing & Replicated> {
  const { openLdifFile } = await import('../../directory/ldif/ldif-file.ts');
  return await openLdifFile(file, { ...(domain && { domain }), ...(baseDn && { baseDn }), index });
}

async function openServer(url: string, settings: DirectorySettings): Promise<Directory & Listing & Replicated> {
  const { accessOptions, nameServices } = await import('./access.ts');
  const { connectHost } = await import('../../directory/active-directory/domain/connect-server.ts');
  const { parseLdapUrl } = await import('../../directory/active-directory/address.ts');
  return await connectHost(parseLdapUrl(url), nameServices(settings).lookup, await accessOptions(settings));
}

async function openDomain(
  url: string,
  settings: DirectorySettings,
  use: 'read' | 'write',
): Promise<Directory & Listing & Replicated> {
  const { accessOptions, nameServices } = await import('./access.ts');
  const { connectDomain } = await import('../../directory/active-directory/domain/domain.ts');
  const { parseDomainUrl } = await import('../../directory/active-directory/domain/discovery.ts');
  const dnsDomain = parseDomainUrl(url);
  return await connectDomain({
    ...(await accessOptions(settings)),
    ...nameServices(settings),
    dnsDomain,
    site: settings.site ?? null,
    from: use === 'read' && settings.readFrom === 'near' ? 'near' : 'pdc-emulator',
    onNotice: settings.quiet ? () => {} : tell,
  });
}
