import assert from 'node:assert/strict';
import type { Listed, Listing, Scope } from '../../src/directory/directory.ts';

/** Every object of every kind. */
export const everything: Scope = {
  kind: 'all',
  filter: null,
  include: new Set(['user', 'computer', 'managed-service-account', 'migrated-user']),
};

/** What a listing reads; one that cannot be read fails the test. */
export async function readEverything(
  listing: Listing,
  scope = everything,
): Promise<Extract<Listed, { kind: 'read' }>[]> {
  return await Array.fromAsync(listing.users(scope), (listed) => {
    assert.ok(listed.kind === 'read', listed.kind === 'unread' ? listed.error.message : '');
    return listed;
  });
}
