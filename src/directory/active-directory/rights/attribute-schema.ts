import { EqualityFilter, OrFilter } from 'ldapts';
import { MAX_BLOB_BYTES } from '../../../blob/codec.ts';
import { guidText } from '../../names.ts';
import type { RootDse } from '../read/root-dse.ts';
import { BLOB, DIGESTS, type Search } from '../read/search.ts';
import { bytesOf, textOf } from '../read/users.ts';
import type { ProtectedAttribute } from './access-list.ts';

const PERSONAL_INFORMATION = '77b5b886-944a-11d1-aebd-0000f80367c1';

/** The two attributes as access rights name them (specification §3). */
export const BLOB_ATTRIBUTE: ProtectedAttribute = {
  schemaId: '9a0dc33b-c100-11d1-bbc5-0080c76670c0',
  propertySet: PERSONAL_INFORMATION,
};
export const DIGESTS_ATTRIBUTE: ProtectedAttribute = {
  schemaId: '9a0dc33c-c100-11d1-bbc5-0080c76670c0',
  propertySet: PERSONAL_INFORMATION,
};

/** How the schema should define them (specification §3); an attributeSyntax of 2.5.5.10 with oMSyntax 4 is bytes. */
const BYTES = { attributeSyntax: '2.5.5.10', oMSyntax: '4' };
const EXPECTED = [
  {
    name: BLOB,
    schemaId: BLOB_ATTRIBUTE.schemaId,
    definition: { ...BYTES, isSingleValued: 'TRUE', rangeLower: null, rangeUpper: String(MAX_BLOB_BYTES) },
  },
  {
    name: DIGESTS,
    schemaId: DIGESTS_ATTRIBUTE.schemaId,
    definition: { ...BYTES, isSingleValued: 'FALSE', rangeLower: '16', rangeUpper: '16' },
  },
];

/** What the schema defines otherwise than expected, a sentence for each; none when all is well. */
export async function schemaProblems(search: Search, rootDse: RootDse): Promise<string[]> {
  const entries = await search(`CN=Schema,${rootDse.configurationNamingContext}`, {
    scope: 'one',
    filter: new OrFilter({
      filters: EXPECTED.map(({ name }) => new EqualityFilter({ attribute: 'lDAPDisplayName', value: name })),
    }),
    explicitBufferAttributes: ['schemaIDGUID'],
  });
  return EXPECTED.flatMap(({ name, schemaId, definition }) => {
    const entry = entries.find((each) => textOf(each, 'lDAPDisplayName') === name);
    if (entry === undefined) return [`the schema has no ${name}`];
    const id = bytesOf(entry, 'schemaIDGUID');
    const foundId = id === null ? null : guidText(id);
    const expected = { ...definition, schemaIDGUID: schemaId };
    return Object.entries(expected).flatMap(([key, value]) => {
      const actual = key === 'schemaIDGUID' ? foundId : textOf(entry, key);
      return actual === value ? [] : [`${name} has ${key} ${actual ?? 'unset'} in the schema, not ${value ?? 'unset'}`];
    });
  });
}
